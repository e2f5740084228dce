//! The modem between a host and a simulated air, in simulated time.

use std::string::ToString;
use std::vec::Vec;

use embassy_futures::select::{Either, select};
use fanal_ether::channel::{Position, Settings};
use fanal_ether::live::Air;
use fanal_protocol::modem::{Host, HostEvent};
use fanal_protocol::priority::Priority;
use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time::Duration;

use super::*;
use crate::testbed::{Line, SimulatedClock, with};

/// The host's side of the link.
struct Computer<'a> {
    host: Host,
    line: &'a Line,
    clock: &'a SimulatedClock,
}

impl<'a> Computer<'a> {
    fn new(channel: Channel, line: &'a Line, clock: &'a SimulatedClock) -> Self {
        Self { host: Host::new(channel, 1, clock.now()), line, clock }
    }

    async fn until<T>(&mut self, mut wanted: impl FnMut(HostEvent) -> Option<T>) -> T {
        let mut octets = [0; 256];
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
                self.line.send(&octets[..n]).await;
            }
            let deadline = self.host.poll_timeout().unwrap_or(Instant::FAR);
            match select(self.line.receive(&mut octets), self.clock.sleep_until(deadline)).await {
                Either::First(n) => self.host.handle_octets(&octets[..n], self.clock.now()),
                Either::Second(()) => self.host.handle_timeout(self.clock.now()),
            }
        }
    }

    async fn until_ready(&mut self) {
        self.until(|event| matches!(event, HostEvent::Ready { .. }).then_some(())).await;
    }
}

fn modem<'a>(
    air: &Air,
    line: &'a Line,
    clock: &'a SimulatedClock,
    boot: u32,
) -> impl Future<Output = ()> + 'a {
    let radio = air.station("modem", Position::new(0.0, 0.0));
    let (line_in, line_out) = line.device();
    run(radio, line_in, line_out, clock, boot, 1)
}

#[tokio::test(start_paused = true)]
async fn frames_go_out_in_order_and_each_is_told_of() {
    let (line, clock) = (Line::new(), SimulatedClock::new());
    let air = Air::new(Settings::room(), 1);
    let channel = Channel::home(RegionCode::Ca);
    let mut other = air.station("other", Position::new(100.0, 0.0));
    other.configure(&channel).await.unwrap();
    let mut computer = Computer::new(channel, &line, &clock);
    let talk = async {
        computer.until_ready().await;
        for token in 0..5u8 {
            computer.host.transmit(token.into(), Priority::Text, &[token; 20], clock.now()).unwrap();
        }
        let listen = async {
            let mut frames = Vec::new();
            let mut buffer = [0; 255];
            while frames.len() < 5 {
                let received = other.receive(&mut buffer).await.unwrap();
                frames.push(buffer[..received.len].to_vec());
            }
            frames
        };
        let told = async {
            for token in 0..5 {
                computer
                    .until(|event| {
                        matches!(event, HostEvent::Transmitted { token: t, .. } if t == token).then_some(())
                    })
                    .await;
            }
        };
        let (frames, ()) = embassy_futures::join::join(listen, told).await;
        assert_eq!(frames, (0..5).map(|token| [token; 20].to_vec()).collect::<Vec<_>>());
    };
    with(modem(&air, &line, &clock, 1), talk).await;
}

#[tokio::test(start_paused = true)]
async fn the_modem_logs_what_its_radio_is_set_to() {
    let (line, clock) = (Line::new(), SimulatedClock::new());
    let air = Air::new(Settings::room(), 1);
    let channel = Channel::home(RegionCode::Ca);
    let mut computer = Computer::new(channel, &line, &clock);
    let talk = computer.until(|event| match event {
        HostEvent::Log { octets } => Some(octets.to_vec()),
        _ => None,
    });
    let log = with(modem(&air, &line, &clock, 1), talk).await;
    assert_eq!(log, std::format!("radio set to {channel}\n").as_bytes());
}

#[tokio::test(start_paused = true)]
async fn the_law_holds_whatever_the_host_asks() {
    let (line, clock) = (Line::new(), SimulatedClock::new());
    let air = Air::new(Settings::room(), 1);
    let loud = Channel { power_dbm: 40, ..Channel::home(RegionCode::Ca) };
    let mut computer = Computer::new(loud, &line, &clock);
    let talk = computer.until(|event| match event {
        HostEvent::Refused { reason } => Some(reason.to_string()),
        HostEvent::Ready { .. } => panic!("40 dBm"),
        _ => None,
    });
    let reason = with(modem(&air, &line, &clock, 1), talk).await;
    assert!(reason.contains("power"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn the_duty_cycle_outlasts_sessions() {
    let (line, clock) = (Line::new(), SimulatedClock::new());
    let air = Air::new(Settings::room(), 1);
    let channel = Channel::home(RegionCode::Eu);
    let mut computer = Computer::new(channel, &line, &clock);
    // It gathers with time; what a session took must still be missing in the next.
    let enough = Duration::from_secs(30);
    let airtime_left = |event| match event {
        HostEvent::Status { airtime_left, .. } => airtime_left,
        _ => None,
    };
    let talk = async {
        computer.until_ready().await;
        let before = computer.until(|event| airtime_left(event).filter(|left| *left > enough)).await;
        for token in 0..4 {
            computer.host.transmit(token, Priority::Text, &[1; 200], clock.now()).unwrap();
        }
        computer.until(|event| matches!(event, HostEvent::Transmitted { token: 3, .. }).then_some(())).await;
        computer.host = Host::new(channel, 77, clock.now());
        computer.until_ready().await;
        let after = computer.until(airtime_left).await;
        assert!(after + 3 * channel.rate.time_on_air(200) <= before, "{after:?} {before:?}");
    };
    with(modem(&air, &line, &clock, 1), talk).await;
}

#[tokio::test(start_paused = true)]
async fn a_radio_that_was_switched_off_is_found_again() {
    let (line, clock) = (Line::new(), SimulatedClock::new());
    let air = Air::new(Settings::room(), 1);
    let mut computer = Computer::new(Channel::home(RegionCode::Ca), &line, &clock);
    let talk = async {
        computer.until_ready().await;
        air.set_power("modem", false);
        computer.host.transmit(1, Priority::Text, b"silence", clock.now()).unwrap();
        tokio::time::sleep(core::time::Duration::from_secs(1)).await;
        air.set_power("modem", true);
        computer
            .until(|event| {
                matches!(event, HostEvent::Transmitted { .. } | HostEvent::Dropped { .. }).then_some(())
            })
            .await;
        while !computer.host.can_transmit(Priority::Text) {
            computer.until(|event| matches!(event, HostEvent::Status { .. }).then_some(())).await;
        }
        computer.host.transmit(2, Priority::Text, b"and again", clock.now()).unwrap();
        computer.until(|event| matches!(event, HostEvent::Transmitted { token: 2, .. }).then_some(())).await;
    };
    with(modem(&air, &line, &clock, 1), talk).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_ends_the_role() {
    let (line, clock) = (Line::new(), SimulatedClock::new());
    let air = Air::new(Settings::room(), 1);
    let mut computer = Computer::new(Channel::home(RegionCode::Ca), &line, &clock);
    let device = modem(&air, &line, &clock, 1);
    let talk = async {
        computer.until_ready().await;
        computer.host.reboot();
        computer.until(|_| None::<()>).await;
    };
    let hour = core::time::Duration::from_secs(3_600);
    let ended = tokio::time::timeout(hour, select(device, talk)).await;
    assert!(matches!(ended, Ok(Either::First(()))));
}
