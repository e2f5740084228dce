//! One side at a time, its counterpart played by hand.

use std::vec::Vec;

use proptest::prelude::*;

use super::codec::{Deframer, MAX_PACKET, encode};
use super::*;
use crate::priority::Priority;
use crate::quality::Quality;
use crate::region::{Channel, RegionCode};
use crate::time::{Duration, Instant};

const NOW: Instant = Instant::from_secs(3);
const CHANNEL: Channel = Channel::home(RegionCode::Ca);

fn packet(message: &impl serde::Serialize) -> Vec<u8> {
    let mut buffer = [0; MAX_PACKET];
    let len = encode(message, &mut buffer).unwrap();
    buffer[..len].to_vec()
}

/// The messages on a line, as postcard octets.
fn messages(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut deframer = Deframer::<MAX_PACKET>::new();
    octets.iter().filter_map(|&octet| deframer.push(octet).map(|found| found.unwrap().to_vec())).collect()
}

fn from_host(host: &mut Host) -> Vec<Vec<u8>> {
    let mut buffer = [0; 4_096];
    let count = host.poll_octets(&mut buffer);
    messages(&buffer[..count])
}

fn from_device(device: &mut Device) -> Vec<Vec<u8>> {
    let mut buffer = [0; 4_096];
    let count = device.poll_octets(&mut buffer);
    messages(&buffer[..count])
}

fn octets(message: &impl serde::Serialize) -> Vec<u8> {
    let mut buffer = [0; MAX_PACKET];
    postcard::to_slice(message, &mut buffer).unwrap().to_vec()
}

fn hello(version: u16, session: u32) -> Report<'static> {
    Report::Hello { version, session, boot: 9, firmware: "f", capabilities: 0, max_frame: 255, queue: 3 }
}

fn ready_host() -> Host {
    let mut host = Host::new(CHANNEL, 5, NOW);
    host.handle_octets(&packet(&hello(1, 5)), NOW);
    host.handle_octets(&packet(&Report::Configured { channel: CHANNEL }), NOW);
    assert!(host.ready());
    while host.poll_event().is_some() {}
    from_host(&mut host);
    host
}

fn ready_device() -> Device {
    let mut device = Device::new(9, "f", 3);
    device.handle_octets(&packet(&Command::Hello { version: 1, session: 5 }), NOW);
    device.handle_octets(&packet(&Command::Configure { channel: CHANNEL }), NOW);
    assert_eq!(device.poll_event(), Some(DeviceEvent::Attached { session: 5 }));
    assert_eq!(device.poll_event(), Some(DeviceEvent::Configure { channel: CHANNEL }));
    device.configured(Ok(()));
    from_device(&mut device);
    device
}

fn transmit(sequence: u32, frame: &[u8]) -> Command<'_> {
    Command::Transmit { session: 5, sequence, priority: Priority::Text, frame }
}

#[test]
fn a_host_greets_configures_and_is_ready() {
    let mut host = Host::new(CHANNEL, 5, NOW);
    let greeting = [octets(&Command::Hello { version: PROTOCOL_VERSION, session: 5 })];
    assert_eq!(from_host(&mut host), greeting);
    assert_eq!(host.transmit(0, Priority::Text, b"x", NOW), Err(TransmitError::NotReady));
    let later = NOW + Duration::from_millis(500);
    assert_eq!(host.poll_timeout(), Some(later));
    host.handle_timeout(later);
    assert_eq!(from_host(&mut host), greeting);

    host.handle_octets(&packet(&hello(1, 5)), later);
    assert_eq!(from_host(&mut host), [octets(&Command::Configure { channel: CHANNEL })]);
    host.handle_octets(&packet(&Report::Configured { channel: CHANNEL }), later);
    let ready = host.poll_event();
    assert!(matches!(ready, Some(HostEvent::Ready { queue: 3, channel: CHANNEL, .. })), "{ready:?}");
    assert_eq!(host.poll_event(), None);
}

#[test]
fn a_modem_of_another_version_is_reported_and_gets_nothing() {
    let mut host = Host::new(CHANNEL, 5, NOW);
    from_host(&mut host);
    // Another version may have other fields.
    host.handle_octets(&packet(&(0u8, 2u16, "something else")), NOW);
    assert_eq!(host.poll_event(), Some(HostEvent::Incompatible { version: 2 }));
    host.handle_octets(&packet(&(0u8, 2u16, "something else")), NOW);
    assert_eq!(host.poll_event(), None, "once is enough");
    assert_eq!(host.transmit(0, Priority::Text, b"x", NOW), Err(TransmitError::NotReady));
    assert_eq!(from_host(&mut host), Vec::<Vec<u8>>::new());

    // It is asked again now and then: it may have got new firmware.
    let later = NOW + Duration::from_secs(10);
    host.handle_timeout(later);
    assert_eq!(from_host(&mut host).len(), 1);
    host.handle_octets(&packet(&hello(1, 0)), later);
    assert_eq!(from_host(&mut host), [octets(&Command::Hello { version: 1, session: 6 })]);
}

#[test]
fn a_session_ends_when_the_modem_turns_out_to_speak_another_version() {
    let mut host = ready_host();
    host.transmit(77, Priority::Text, b"x", NOW).unwrap();
    host.handle_octets(&packet(&hello(3, 0)), NOW);
    assert_eq!(host.poll_event(), Some(HostEvent::Dropped { token: 77, reason: Reason::Lost }));
    assert_eq!(host.poll_event(), Some(HostEvent::Lost));
    assert_eq!(host.poll_event(), Some(HostEvent::Incompatible { version: 3 }));
    assert_eq!(from_host(&mut host), Vec::<Vec<u8>>::new());
}

#[test]
fn a_host_of_another_version_gets_the_version_and_nothing_else() {
    let mut device = Device::new(9, "f", 3);
    device.handle_octets(&packet(&(0u8, 2u16, 5u32, 1u8)), NOW);
    device.handle_octets(&packet(&transmit(0, b"x")), NOW);
    assert_eq!(device.poll_event(), None);
    assert_eq!(from_device(&mut device), [octets(&hello(1, 0))]);
}

#[test]
fn a_modem_says_hello_after_its_start_and_when_it_is_taken_for_another() {
    let mut device = Device::new(9, "f", 3);
    assert_eq!(from_device(&mut device), [octets(&hello(1, 0))]);
    device.handle_octets(&packet(&Command::Ping { session: 4, nonce: 1, next: 0 }), NOW);
    assert_eq!(from_device(&mut device), [octets(&hello(1, 0))]);
    device.handle_octets(&packet(&Command::Configure { channel: CHANNEL }), NOW);
    assert_eq!(from_device(&mut device), [octets(&hello(1, 0))]);
    assert_eq!(device.poll_event(), None);
}

#[test]
fn a_reset_is_noticed_at_the_first_word_of_the_modem() {
    let mut host = ready_host();
    host.transmit(77, Priority::Text, b"x", NOW).unwrap();
    host.handle_octets(&packet(&hello(1, 5)), NOW);
    host.handle_octets(&packet(&hello(1, 0)), NOW);
    assert!(host.ready(), "late words of the same boot change nothing");
    let mut device = Device::new(10, "f", 3);
    let again = from_device(&mut device);
    host.handle_octets(&packet(&postcard::from_bytes::<Report<'_>>(&again[0]).unwrap()), NOW);
    assert!(!host.ready());
    assert_eq!(host.poll_event(), Some(HostEvent::Dropped { token: 77, reason: Reason::Lost }));
    assert_eq!(host.poll_event(), Some(HostEvent::Lost));
    assert_eq!(from_host(&mut host), [octets(&Command::Hello { version: 1, session: 6 })]);
}

#[test]
fn a_frame_of_another_session_is_ignored() {
    let mut device = ready_device();
    let stale = Command::Transmit { session: 4, sequence: 0, priority: Priority::Text, frame: b"x" };
    device.handle_octets(&packet(&stale), NOW);
    assert_eq!(device.poll_event(), None);
    assert_eq!(from_device(&mut device), [octets(&hello(1, 5))]);
}

#[test]
fn a_host_keeps_the_last_credit_for_an_emergency() {
    let mut host = ready_host();
    assert!(host.can_transmit(Priority::Text));
    host.transmit(0, Priority::Text, b"a", NOW).unwrap();
    host.transmit(1, Priority::Receipt, b"b", NOW).unwrap();
    assert!(!host.can_transmit(Priority::Receipt));
    assert_eq!(host.transmit(2, Priority::Text, b"c", NOW), Err(TransmitError::NoCredit));
    host.transmit(3, Priority::Emergency, b"d", NOW).unwrap();
    assert_eq!(host.transmit(4, Priority::Emergency, b"e", NOW), Err(TransmitError::NoCredit));
    assert_eq!(host.transmit(5, Priority::Emergency, b"", NOW), Err(TransmitError::TooLong));
    assert_eq!(host.transmit(5, Priority::Emergency, &[0; 256], NOW), Err(TransmitError::TooLong));
    assert_eq!(from_host(&mut host).len(), 3);

    host.handle_octets(&packet(&Report::Credit { session: 4, limit: 9 }), NOW);
    assert!(!host.can_transmit(Priority::Emergency), "of another session");
    host.handle_octets(&packet(&Report::Credit { session: 5, limit: 4 }), NOW);
    assert!(host.can_transmit(Priority::Emergency) && !host.can_transmit(Priority::Text));
    host.handle_octets(&packet(&Report::Credit { session: 5, limit: 3 }), NOW);
    assert!(host.can_transmit(Priority::Emergency), "credit is not taken back");
}

#[test]
fn a_host_out_of_credit_asks_soon() {
    let mut host = ready_host();
    assert_eq!(host.poll_timeout(), Some(NOW + Duration::from_secs(2)));
    host.transmit(0, Priority::Text, b"a", NOW).unwrap();
    host.transmit(1, Priority::Text, b"b", NOW).unwrap();
    assert_eq!(host.poll_timeout(), Some(NOW + Duration::from_millis(250)));
}

#[test]
fn a_host_beyond_its_credit_is_told_so() {
    let mut device = ready_device();
    for sequence in 0..5 {
        device.handle_octets(&packet(&transmit(sequence, b"x")), NOW);
    }
    for sequence in 0..3 {
        let event = device.poll_event();
        assert!(matches!(event, Some(DeviceEvent::Transmit { sequence: found, .. }) if found == sequence));
    }
    assert_eq!(device.poll_event(), None);
    let full = |sequence| octets(&Report::Dropped { session: 5, sequence, reason: Reason::QueueFull });
    assert_eq!(from_device(&mut device), [full(3), full(4)]);
    // The number was not used up: it is good once there is room.
    device.transmitted(0, Duration::from_millis(40), NOW);
    let transmitted = Report::Transmitted { session: 5, sequence: 0, airtime_us: 40_000, at_us: 3_000_000 };
    let credit = octets(&Report::Credit { session: 5, limit: 4 });
    assert_eq!(from_device(&mut device), [octets(&transmitted), credit]);
    device.handle_octets(&packet(&transmit(3, b"x")), NOW);
    assert!(matches!(device.poll_event(), Some(DeviceEvent::Transmit { sequence: 3, .. })));
}

#[test]
fn frames_that_cannot_be_sent_are_dropped_with_the_reason() {
    let mut device = Device::new(9, "f", 3);
    device.handle_octets(&packet(&Command::Hello { version: 1, session: 5 }), NOW);
    device.handle_octets(&packet(&transmit(0, b"x")), NOW);
    let found = from_device(&mut device);
    assert!(found.contains(&octets(&Report::Dropped {
        session: 5,
        sequence: 0,
        reason: Reason::NotConfigured
    })));

    let mut device = ready_device();
    device.handle_octets(&packet(&transmit(0, b"")), NOW);
    device.handle_octets(&packet(&transmit(1, &[1; 256])), NOW);
    let found = from_device(&mut device);
    for sequence in 0..2 {
        let report = Report::Dropped { session: 5, sequence, reason: Reason::TooLong };
        assert!(found.contains(&octets(&report)), "{sequence}");
    }
}

#[test]
fn late_answers_about_frames_of_an_earlier_session_harm_nobody() {
    let mut device = ready_device();
    device.handle_octets(&packet(&transmit(0, b"old")), NOW);
    let Some(DeviceEvent::Transmit { sequence: old, .. }) = device.poll_event() else { panic!() };
    device.handle_octets(&packet(&Command::Hello { version: 1, session: 6 }), NOW);
    device.handle_octets(&packet(&Command::Configure { channel: CHANNEL }), NOW);
    assert_eq!(device.poll_event(), Some(DeviceEvent::Attached { session: 6 }));
    assert_eq!(device.poll_event(), Some(DeviceEvent::Configure { channel: CHANNEL }));
    device.configured(Ok(()));
    let new = Command::Transmit { session: 6, sequence: 0, priority: Priority::Text, frame: b"new" };
    device.handle_octets(&packet(&new), NOW);
    let Some(DeviceEvent::Transmit { sequence, .. }) = device.poll_event() else { panic!() };
    from_device(&mut device);
    assert_ne!(old, sequence);
    device.dropped(old, Reason::Flushed);
    device.transmitted(old, Duration::ZERO, NOW);
    assert_eq!(from_device(&mut device), Vec::<Vec<u8>>::new());
    device.transmitted(sequence, Duration::ZERO, NOW);
    assert_eq!(from_device(&mut device).len(), 2);
}

#[test]
fn a_ping_settles_what_was_lost_on_the_way() {
    let mut device = ready_device();
    // Of four frames the first and the third arrive; the first went out, and the host did not hear of it.
    device.handle_octets(&packet(&transmit(0, b"a")), NOW);
    device.handle_octets(&packet(&transmit(2, b"c")), NOW);
    while device.poll_event().is_some() {}
    device.transmitted(0, Duration::from_millis(40), NOW);
    from_device(&mut device);
    device.handle_octets(&packet(&Command::Ping { session: 5, nonce: 1, next: 4 }), NOW);
    let found = from_device(&mut device);
    let [pong] = &found[..] else { panic!("{found:?}") };
    let Ok(Report::Pong { limit, next, held, sent, .. }) = postcard::from_bytes(pong) else { panic!() };
    assert_eq!((limit, next, held, sent), (6, 4, 0b0010, 0b1000));
    // What the host gave up is not accepted any more.
    device.handle_octets(&packet(&transmit(3, b"d")), NOW);
    assert_eq!(device.poll_event(), None);

    let mut host = ready_host();
    host.handle_octets(&packet(&Report::Credit { session: 5, limit: 9 }), NOW);
    for token in 0..4 {
        host.transmit(100 + token, Priority::Text, b"frame", NOW).unwrap();
    }
    from_host(&mut host);
    host.handle_timeout(NOW + Duration::from_secs(2));
    // This one is written after the ping: nothing can be known of it.
    from_host(&mut host);
    host.transmit(104, Priority::Text, b"frame", NOW).unwrap();
    host.handle_octets(&packet(&postcard::from_bytes::<Report<'_>>(pong).unwrap()), NOW);
    let airtime = CHANNEL.rate.time_on_air(5);
    let lost = |token| HostEvent::Dropped { token, reason: Reason::Lost };
    assert_eq!(host.poll_event(), Some(HostEvent::Transmitted { token: 100, airtime }));
    assert_eq!(host.poll_event(), Some(lost(101)));
    assert_eq!(host.poll_event(), Some(lost(103)));
    assert!(matches!(host.poll_event(), Some(HostEvent::Status { .. })));
    host.handle_disconnected(NOW);
    assert_eq!(host.poll_event(), Some(lost(102)));
    assert_eq!(host.poll_event(), Some(lost(104)));
    assert_eq!(host.poll_event(), Some(HostEvent::Lost));
}

#[test]
fn a_frame_that_waits_long_stays_within_what_a_pong_tells() {
    let mut device = ready_device();
    device.handle_octets(&packet(&transmit(0, b"patient")), NOW);
    let mut limit = 3;
    for sequence in 1..200 {
        if sequence >= limit {
            break;
        }
        device.handle_octets(&packet(&transmit(sequence, b"x")), NOW);
        while let Some(event) = device.poll_event() {
            if let DeviceEvent::Transmit { sequence: 1.., .. } = event {
                device.dropped(sequence, Reason::ChannelBusy);
            }
        }
        from_device(&mut device);
        device.handle_octets(&packet(&Command::Ping { session: 5, nonce: sequence, next: 0 }), NOW);
        let found = from_device(&mut device);
        let Ok(Report::Pong { limit: new, next, held, .. }) = postcard::from_bytes(&found[0]) else {
            panic!()
        };
        assert_eq!(held, 1 << (next - 1));
        assert!(new >= limit);
        limit = new;
    }
    assert_eq!(limit, 64, "the host has to wait for the first frame");
}

#[test]
fn a_host_that_does_not_read_costs_a_modem_no_more_than_its_bounds() {
    let mut device = ready_device();
    for index in 0..50u8 {
        device.received(&[index], Quality::default(), NOW);
        device.log(&[index; 100]);
        device.handle_octets(&packet(&Command::Ping { session: 5, nonce: index.into(), next: 0 }), NOW);
    }
    let found = from_device(&mut device);
    assert_eq!(found.len(), 1 + 4 + 4, "one pong, the last four frames, 512 octets of log");
    let Ok(Report::Pong { nonce: 49, status, .. }) = postcard::from_bytes(&found[0]) else { panic!() };
    assert_eq!(status.counters.overruns, 46);
    assert!(matches!(postcard::from_bytes(&found[1]), Ok(Report::Received { frame: [46], .. })));
    device.received(&[0; 256], Quality::default(), NOW);
    assert_eq!(from_device(&mut device).len(), 0);
}

#[test]
fn a_caller_that_does_not_listen_costs_a_host_no_more_than_its_bounds() {
    let mut host = ready_host();
    for index in 0..50 {
        let received = Report::Received { quality: Quality::default(), at_us: index, frame: b"f" };
        host.handle_octets(&packet(&received), NOW);
    }
    assert_eq!(host.stats().overruns, 50 - 32);
    assert_eq!(core::iter::from_fn(|| host.poll_event()).count(), 32);
}

#[test]
fn packets_come_out_whole_whatever_the_size_of_the_buffer() {
    let mut whole = [0; 4_096];
    let mut device = ready_device();
    for _ in 0..4 {
        device.received(&[7; 200], Quality::default(), NOW);
    }
    let mut octets = Vec::new();
    for size in [1usize, 2, 3, 5, 8, 13, 300].into_iter().cycle() {
        let count = device.poll_octets(&mut whole[..size]);
        octets.extend_from_slice(&whole[..count]);
        if count < size {
            break;
        }
    }
    assert_eq!(messages(&octets).len(), 4);
    assert_eq!(device.poll_octets(&mut []), 0);
}

#[test]
fn a_long_firmware_name_is_cut_between_characters() {
    let mut device = Device::new(9, "1234567890123456789012345678901é and more", 3);
    let found = from_device(&mut device);
    let Ok(Report::Hello { firmware, .. }) = postcard::from_bytes(&found[0]) else { panic!() };
    assert_eq!(firmware, "1234567890123456789012345678901");
    assert_eq!(firmware.len(), MAX_FIRMWARE - 1);
}

#[test]
fn recorded_inputs_of_the_fuzzer_pass() {
    for corpus in [
        &b""[..],
        &[0; 500],
        &[0xFF; 500],
        &[0b0000_0001; 700],
        &[0b0000_0011; 700],
        // A greeting, a configuration and frames for the modem; answers for the host.
        &[
            3, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            3, 2, 5, 0, 1, 4,
        ],
    ] {
        fuzz_body(corpus);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_side_can_be_made_to_panic(octets in prop::collection::vec(any::<u8>(), 0..1_500)) {
        fuzz_body(&octets);
    }
}
