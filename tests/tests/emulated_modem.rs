//! The modem's firmware, run by QEMU: the host's side of the link on UART0, the simulated air on UART1.
#![allow(clippy::unwrap_used)] // in tests a failure is a finding

use std::time::Duration;

use fanal_ether::channel::{Position, Settings};
use fanal_ether::live::{Air, LiveRadio};
use fanal_ether::qemu::{Emulator, Lines};
use fanal_protocol::modem::{Host, HostEvent};
use fanal_protocol::priority::Priority;
use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time::Instant;
use fanal_radio::Radio;
use fanal_tests::images;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const HERE: Position = Position::new(0.0, 0.0);
const THERE: Position = Position::new(100.0, 0.0);

/// A computer with the modem on its serial port.
struct Computer {
    host: Host,
    line: UnixStream,
    started: std::time::Instant,
}

impl Computer {
    fn new(line: UnixStream, session: u32) -> Self {
        let channel = Channel::home(RegionCode::Ca);
        Self { host: Host::new(channel, session, Instant::ZERO), line, started: std::time::Instant::now() }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.started.elapsed().as_micros() as u64)
    }

    /// Runs the link until it has news that `wanted` likes; ten seconds are long enough for all that is tested here.
    async fn until<T>(&mut self, mut wanted: impl FnMut(HostEvent) -> Option<T>) -> T {
        let search = async {
            let mut octets = [0; 512];
            loop {
                while let Some(event) = self.host.poll_event() {
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                loop {
                    let n = self.host.poll_octets(&mut octets);
                    if n == 0 {
                        break;
                    }
                    self.line.write_all(&octets[..n]).await.unwrap();
                }
                let deadline = self.host.poll_timeout().unwrap_or(Instant::FAR).saturating_since(self.now());
                match tokio::time::timeout(deadline, self.line.read(&mut octets)).await {
                    Ok(n) => {
                        let (n, now) = (n.unwrap(), self.now());
                        assert!(n > 0, "the emulator has ended");
                        self.host.handle_octets(&octets[..n], now);
                    }
                    Err(_) => {
                        let now = self.now();
                        self.host.handle_timeout(now);
                    }
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), search).await.expect("no such news in ten seconds")
    }

    async fn until_ready(&mut self) -> String {
        self.until(|event| match event {
            HostEvent::Ready { firmware, .. } => Some(firmware.to_string()),
            _ => None,
        })
        .await
    }
}

/// A modem that is switched on, with its station in `air`.
fn switch_on(emulator: &mut Emulator, air: &Air) -> UnixStream {
    let Lines { host, air: tunnel } = emulator.start().unwrap();
    let air = air.clone();
    tokio::spawn(async move {
        let (input, output) = tunnel.into_split();
        // It ends when the emulator does.
        let _ = air.serve("modem", HERE, input, output).await;
    });
    host
}

async fn other_station(air: &Air) -> LiveRadio {
    let mut radio = air.station("other", THERE);
    radio.configure(&Channel::home(RegionCode::Ca)).await.unwrap();
    radio
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modem_says_who_it_is_and_carries_frames_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 1);
    let mut other = other_station(&air).await;
    let mut emulator = Emulator::new(&images::modem(), &folder.path().join("flash"));
    let mut computer = Computer::new(switch_on(&mut emulator, &air), 1);
    assert_eq!(computer.until_ready().await, concat!("fanal-modem ", env!("CARGO_PKG_VERSION")));

    let now = computer.now();
    computer.host.transmit(7, Priority::Text, b"towards the air", now).unwrap();
    let mut buffer = [0; 255];
    let heard = tokio::spawn(async move {
        let received = other.receive(&mut buffer).await.unwrap();
        (other, buffer[..received.len].to_vec())
    });
    computer.until(|event| matches!(event, HostEvent::Transmitted { token: 7, .. }).then_some(())).await;
    let (mut other, frame) = heard.await.unwrap();
    assert_eq!(frame, b"towards the air");

    other.transmit(b"from the air").await.unwrap();
    let frame = computer
        .until(|event| match event {
            HostEvent::Received { frame, .. } => Some(frame),
            _ => None,
        })
        .await;
    assert_eq!(frame, b"from the air");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modem_that_loses_its_power_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 2);
    let mut emulator = Emulator::new(&images::modem(), &folder.path().join("flash"));
    let mut computer = Computer::new(switch_on(&mut emulator, &air), 1);
    computer.until_ready().await;

    computer.line = switch_on(&mut emulator, &air);
    computer.until(|event| matches!(event, HostEvent::Lost).then_some(())).await;
    computer.until_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modem_restarts_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 3);
    let mut emulator = Emulator::new(&images::modem(), &folder.path().join("flash"));
    let mut computer = Computer::new(switch_on(&mut emulator, &air), 1);
    computer.until_ready().await;

    computer.host.reboot();
    computer.until(|event| matches!(event, HostEvent::Lost).then_some(())).await;
    computer.until_ready().await;
    assert!(emulator.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_on_the_line_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 4);
    let mut emulator = Emulator::new(&images::modem(), &folder.path().join("flash"));
    let mut line = switch_on(&mut emulator, &air);
    let mut noise = fanal_protocol::rand::Jitter::new(4);
    let octets: Vec<u8> = (0..20_000).map(|_| noise.next_u64() as u8).collect();
    line.write_all(&octets).await.unwrap();
    let mut computer = Computer::new(line, 1);
    computer.until_ready().await;
}
