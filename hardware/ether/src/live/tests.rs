use std::time::Duration;

use embedded_io_async::{ErrorType, Read, Write};
use fanal_protocol::region::RegionCode;
use fanal_radio::tunnel::TunnelRadio;
use fanal_radio::{Error, Radio, Received};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::time::timeout;

use super::*;

fn channel() -> Channel {
    Channel::home(RegionCode::Ca)
}

async fn two_radios(air: &Air) -> (LiveRadio, LiveRadio) {
    let mut a = air.station("a", Position::default());
    let mut b = air.station("b", Position::new(100.0, 0.0));
    a.configure(&channel()).await.unwrap();
    b.configure(&channel()).await.unwrap();
    (a, b)
}

#[tokio::test(start_paused = true)]
async fn frames_cross_in_their_time_on_air_and_observers_see_it() {
    let air = Air::new(Settings::room(), 1);
    let (mut a, mut b) = two_radios(&air).await;
    let mut observer = air.subscribe();
    let mut buffer = [0; 255];
    let (received, sent) = tokio::join!(b.receive(&mut buffer), a.transmit(b"frame"));
    assert_eq!((received.unwrap().len, sent), (5, Ok(())));
    assert_eq!(&buffer[..5], b"frame");
    let airtime = channel().rate.time_on_air(5);
    let elapsed = air.now() - Instant::ZERO;
    assert!(elapsed >= airtime && elapsed < airtime + Duration::from_millis(2), "{elapsed:?}");
    let first = observer.recv().await.unwrap();
    assert!(matches!((&*first.station, first.what), ("a", Observed::Transmits { .. })));
    let second = observer.recv().await.unwrap();
    assert!(matches!(second.what, Observed::Received { source, intact: true, .. } if &*source == "a"));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_receive_loses_no_frame() {
    let air = Air::new(Settings::room(), 1);
    let (mut a, mut b) = two_radios(&air).await;
    let mut buffer = [0; 255];
    let sender = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        a.transmit(b"one").await.unwrap();
        a.transmit(b"two").await.unwrap();
    });
    let mut heard = vec![];
    for _ in 0..400 {
        if let Ok(received) = timeout(Duration::from_micros(700), b.receive(&mut buffer)).await {
            heard.push(buffer[..received.unwrap().len].to_vec());
        }
    }
    sender.await.unwrap();
    assert_eq!(heard, [b"one", b"two"]);
}

#[tokio::test(start_paused = true)]
async fn activity_is_detected_while_another_station_transmits() {
    let air = Air::new(Settings::room(), 1);
    let (mut a, mut b) = two_radios(&air).await;
    assert_eq!(b.cad().await, Ok(false));
    let sender = tokio::spawn(async move { a.transmit(&[0; 200]).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(b.cad().await, Ok(true));
    sender.await.unwrap().unwrap();
    assert_eq!(b.cad().await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn a_station_without_power_is_deaf_and_dumb() {
    let air = Air::new(Settings::room(), 1);
    let (mut a, mut b) = two_radios(&air).await;
    assert!(air.set_power("b", false) && !air.set_power("nobody", false));
    assert_eq!(b.transmit(b"x").await, Err(Error::Hardware));
    let mut buffer = [0; 255];
    let deaf = timeout(Duration::from_secs(1), async {
        tokio::join!(b.receive(&mut buffer), a.transmit(b"frame")).0.unwrap()
    });
    assert!(deaf.await.is_err());
    air.set_power("b", true);
    let (received, _) = tokio::join!(b.receive(&mut buffer), a.transmit(b"again!"));
    assert_eq!(received.unwrap().len, 6);
}

#[tokio::test(start_paused = true)]
async fn power_that_fails_during_a_transmission_ends_it() {
    let air = Air::new(Settings::room(), 1);
    let (mut a, _b) = two_radios(&air).await;
    let switch = air.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        switch.set_power("a", false);
    });
    assert_eq!(a.transmit(&[0; 200]).await, Err(Error::Hardware));
}

#[tokio::test(start_paused = true)]
async fn a_second_radio_of_a_name_takes_the_place_of_the_first() {
    let air = Air::new(Settings::room(), 1);
    let (mut a, mut b) = two_radios(&air).await;
    let waiting = tokio::spawn(async move { b.receive(&mut [0; 255]).await });
    tokio::task::yield_now().await;
    let mut successor = air.station("b", Position::default());
    assert_eq!(waiting.await.unwrap(), Err(Error::Disconnected));
    assert_eq!(successor.receive(&mut [0; 255]).await, Err(Error::NotConfigured));
    successor.configure(&channel()).await.unwrap();
    let mut buffer = [0; 255];
    let (received, _) = tokio::join!(successor.receive(&mut buffer), a.transmit(b"frame"));
    assert_eq!(received.unwrap().len, 5);
}

#[tokio::test(start_paused = true)]
async fn everything_lost_is_lost() {
    let air = Air::new(Settings::room(), 1);
    let (mut a, mut b) = two_radios(&air).await;
    air.set_loss(1.0);
    let mut buffer = [0; 255];
    let both = async { tokio::join!(b.receive(&mut buffer), a.transmit(b"frame")) };
    assert!(timeout(Duration::from_secs(1), both).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_driver_ends_with_its_air() {
    let air = Air::new(Settings::room(), 1);
    let changed = air.0.changed.clone();
    let radio = air.station("a", Position::default());
    drop((air, radio));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(Arc::strong_count(&changed), 1);
}

/// A tokio stream as firmware sees its serial port.
struct Port<S>(S);

impl<S> ErrorType for Port<S> {
    type Error = std::io::Error;
}

impl Read for Port<ReadHalf<DuplexStream>> {
    async fn read(&mut self, octets: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(octets).await
    }
}

impl Write for Port<WriteHalf<DuplexStream>> {
    async fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.write(octets).await
    }
    async fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush().await
    }
}

#[tokio::test(start_paused = true)]
async fn firmware_behind_a_tunnel_shares_the_air() {
    let air = Air::new(Settings::room(), 1);
    let (mut a, _b) = two_radios(&air).await;
    let (near, far) = tokio::io::duplex(64);
    let served = {
        let air = air.clone();
        let (input, output) = tokio::io::split(far);
        tokio::spawn(async move { air.serve("emulated", Position::default(), input, output).await })
    };
    let (input, output) = tokio::io::split(near);
    let mut radio = TunnelRadio::new(Port(input), Port(output));
    radio.configure(&channel()).await.unwrap();
    assert_eq!(radio.cad().await, Ok(false));

    let (mut near_buffer, mut buffer) = ([0; 255], [0; 255]);
    for number in 0..20 {
        let there = async {
            // The tunnel takes a moment to say that it listens.
            tokio::time::sleep(Duration::from_millis(1)).await;
            a.transmit(&[number; 30]).await
        };
        let (received, sent) = tokio::join!(radio.receive(&mut near_buffer), there);
        assert_eq!((received.unwrap().len, sent, near_buffer[29]), (30, Ok(()), number));
        let frame = [number; 200];
        let (back, sent) = tokio::join!(a.receive(&mut buffer), radio.transmit(&frame));
        assert_eq!((back.map(|Received { len, .. }| len), sent), (Ok(200), Ok(())));
    }
    drop(radio);
    served.await.unwrap().unwrap();
}
