//! The serial cable between the gateway and its modem. It can be pulled, and noise can be coupled into it.

use std::path::PathBuf;
use std::time::Duration;

use fanal_ether::cable::Cable;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A line without handshake drops what its reader does not take in time.
const PATIENCE: Duration = Duration::from_millis(50);

enum Order {
    Plug,
    Pull,
    Modem(DuplexStream),
    TowardsGateway(Vec<u8>),
    TowardsModem(Vec<u8>),
}

/// A cable; dropped, it is pulled.
pub struct Cord {
    orders: mpsc::UnboundedSender<Order>,
}

impl Cord {
    /// A cable that is plugged in at the gateway's side, where its port is called `port`, and not at the other.
    pub fn new(port: PathBuf) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let cable = Some(Cable::plug(&port).unwrap());
        tokio::spawn(carry(port, cable, inbox));
        Self { orders }
    }

    /// Puts the modem with this serial line at the far end.
    pub fn attach(&self, modem: DuplexStream) {
        self.order(Order::Modem(modem));
    }

    /// Pulls the plug out of the gateway.
    pub fn pull(&self) {
        self.order(Order::Pull);
    }

    /// Plugs it in again.
    pub fn plug(&self) {
        self.order(Order::Plug);
    }

    /// Lets the gateway read these octets, too.
    pub fn disturb_gateway(&self, octets: Vec<u8>) {
        self.order(Order::TowardsGateway(octets));
    }

    /// Lets the modem read these octets, too.
    pub fn disturb_modem(&self, octets: Vec<u8>) {
        self.order(Order::TowardsModem(octets));
    }

    fn order(&self, order: Order) {
        // The task lives as long as the runtime.
        let _ = self.orders.send(order);
    }
}

async fn carry(port: PathBuf, mut cable: Option<Cable>, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut modem: Option<DuplexStream> = None;
    let (mut down, mut up) = ([0; 512], [0; 512]);
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => return,
                Some(Order::Plug) => {
                    // The old one first: it takes the port's name away with it.
                    drop(cable.take());
                    cable = Some(Cable::plug(&port).unwrap());
                }
                Some(Order::Pull) => cable = None,
                Some(Order::Modem(line)) => modem = Some(line),
                Some(Order::TowardsGateway(octets)) => push(&mut cable, &octets).await,
                Some(Order::TowardsModem(octets)) => push(&mut modem, &octets).await,
            },
            read = read(&mut modem, &mut up) => match read {
                0 => modem = None,
                length => push(&mut cable, &up[..length]).await,
            },
            read = read(&mut cable, &mut down) => {
                push(&mut modem, &down[..read]).await;
            }
        }
    }
}

async fn read(line: &mut Option<impl AsyncReadExt + Unpin>, octets: &mut [u8]) -> usize {
    match line {
        Some(line) => line.read(octets).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

async fn push(line: &mut Option<impl AsyncWrite + Unpin>, octets: &[u8]) {
    if let Some(line) = line {
        // Lost on the way, or to nobody: such is a serial line.
        let _ = timeout(PATIENCE, line.write_all(octets)).await;
    }
}
