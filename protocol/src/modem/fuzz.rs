//! What a fuzzer feeds the serial link with; recorded inputs run as an ordinary test.

use super::{Device, DeviceEvent, Host, HostEvent, Reason, Refusal, Status};
use crate::priority::Priority;
use crate::quality::Quality;
use crate::region::{Channel, RegionCode};
use crate::time::{Duration, Instant};

/// Feeds arbitrary octets to both sides of the link, as they are and as the contents of packets, with time passing and
/// with a caller that uses both sides meanwhile.
///
/// # Panics
/// When a machine breaks a promise: more events or octets than its bounds allow, or a token told of twice.
pub fn fuzz_body(octets: &[u8]) {
    let channel = Channel::home(RegionCode::Ca);
    let mut now = Instant::ZERO;
    let mut host = Host::new(channel, 1, now);
    let mut device = Device::new(7, "fuzz", 4);
    let mut tokens = Tokens::default();

    for chunk in octets.chunks(32) {
        let Some((&selector, rest)) = chunk.split_first() else { continue };
        now += Duration::from_millis(u64::from(selector) * 10);
        let mut packet = [0; 80];
        let fed = if selector & 1 == 0 {
            rest
        } else {
            // A tuple of octets has no length prefix in postcard: the packet holds just these.
            let mut contents = [0u8; 32];
            for (to, from) in contents.iter_mut().zip(rest) {
                *to = *from;
            }
            let len = super::codec::encode(&contents, &mut packet).unwrap_or_default();
            packet.get(..len).unwrap_or_default()
        };
        if selector & 2 == 0 {
            host.handle_octets(fed, now);
        } else {
            device.handle_octets(fed, now);
        }
        match selector >> 2 & 7 {
            0 => tokens.transmit(&mut host, rest, now),
            1 => device.received(rest, Quality::default(), now),
            2 => device.log(rest),
            3 => device.transmitted(u32::from(selector >> 5), Duration::from_millis(50), now),
            4 => device.dropped(u32::from(selector >> 5), Reason::ChannelBusy),
            5 => device.configured(Err(Refusal::RadioFailed)),
            6 => device.configured(Ok(())),
            _ => device.status(Status { queued: selector.into(), ..Status::default() }),
        }
        host.handle_timeout(now);
        if selector >> 5 != 7 {
            exchange(&mut host, &mut device, now);
        }
        tokens.drain(&mut host);
        drain(&mut device, now);
    }
    host.handle_disconnected(now);
    tokens.drain(&mut host);
    assert!(tokens.open.is_empty(), "every token is told of in the end");
}

fn exchange(host: &mut Host, device: &mut Device, now: Instant) {
    let mut line = [0; 37];
    for _ in 0..200 {
        let count = host.poll_octets(&mut line);
        device.handle_octets(line.get(..count).unwrap_or_default(), now);
        let back = device.poll_octets(&mut line);
        host.handle_octets(line.get(..back).unwrap_or_default(), now);
        drain(device, now);
        if count + back == 0 {
            return;
        }
    }
    assert_eq!(host.poll_octets(&mut line), 0, "the link comes to rest");
}

fn drain(device: &mut Device, now: Instant) {
    for _ in 0..=3 + Device::MAX_QUEUE {
        match device.poll_event() {
            Some(DeviceEvent::Transmit { sequence, .. }) if sequence % 3 == 0 => {
                device.transmitted(sequence, Duration::from_millis(50), now);
            }
            Some(DeviceEvent::Configure { .. }) => device.configured(Ok(())),
            Some(_) => {}
            None => return,
        }
    }
    assert_eq!(device.poll_event(), None, "a device has a bounded number of events");
}

#[derive(Default)]
struct Tokens {
    next: u32,
    open: heapless::Vec<u32, 32>,
}

impl Tokens {
    fn transmit(&mut self, host: &mut Host, frame: &[u8], now: Instant) {
        let priority = if frame.len().is_multiple_of(2) { Priority::Emergency } else { Priority::Text };
        if host.transmit(self.next, priority, frame, now).is_ok() {
            self.open.push(self.next).expect("a host keeps a bounded number of tokens");
            self.next += 1;
        }
    }

    fn drain(&mut self, host: &mut Host) {
        for _ in 0..100 {
            match host.poll_event() {
                Some(HostEvent::Transmitted { token, .. } | HostEvent::Dropped { token, .. }) => {
                    let index = self.open.iter().position(|&open| open == token);
                    self.open.remove(index.expect("a token is told of once"));
                }
                Some(HostEvent::Lost) => assert!(self.open.is_empty(), "no token outlives its session"),
                Some(_) => {}
                None => return,
            }
        }
        assert_eq!(host.poll_event(), None, "a host has a bounded number of events");
    }
}
