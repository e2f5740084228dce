use std::vec::Vec;

use super::*;
use crate::modem::{PROTOCOL_VERSION, codec};
use crate::region::{Bandwidth, RegionCode};

fn octets(message: &impl Serialize) -> Vec<u8> {
    let mut buffer = [0; codec::MAX_MESSAGE];
    postcard::to_slice(message, &mut buffer).unwrap().to_vec()
}

fn channel() -> Channel {
    Channel { region: RegionCode::Eu, frequency_hz: 1, rate: "SF9/250".parse().unwrap(), power_dbm: 14 }
}

#[test]
fn every_discriminant_of_a_command_keeps_its_place() {
    let text = Priority::Text;
    assert_eq!(octets(&Command::Hello { version: 1, session: 2 }), [0, 1, 2]);
    // Region, frequency, spreading factor, bandwidth, coding rate, power.
    assert_eq!(octets(&Command::Configure { channel: channel() }), [1, 2, 1, 4, 1, 0, 14]);
    let transmit = Command::Transmit { session: 2, sequence: 3, priority: text, frame: &[7, 8] };
    assert_eq!(octets(&transmit), [2, 2, 3, 1, 2, 7, 8]);
    assert_eq!(octets(&Command::Ping { session: 2, nonce: 3, next: 4 }), [3, 2, 3, 4]);
    assert_eq!(octets(&Command::Reboot), [4]);
}

#[test]
fn every_discriminant_of_a_report_keeps_its_place() {
    let hello = Report::Hello {
        version: 1,
        session: 2,
        boot: 3,
        firmware: "f",
        capabilities: 4,
        max_frame: 5,
        queue: 6,
    };
    assert_eq!(octets(&hello), [0, 1, 2, 3, 1, b'f', 4, 5, 6]);
    assert_eq!(octets(&Report::Configured { channel: channel() }), [1, 2, 1, 4, 1, 0, 14]);
    assert_eq!(octets(&Report::Refused { reason: Refusal::RadioFailed }), [2, 1]);
    assert_eq!(octets(&Report::Credit { session: 2, limit: 3 }), [3, 2, 3]);
    let transmitted = Report::Transmitted { session: 2, sequence: 3, airtime_us: 4, at_us: 5 };
    assert_eq!(octets(&transmitted), [4, 2, 3, 4, 5]);
    let dropped = Report::Dropped { session: 2, sequence: 3, reason: Reason::Flushed };
    assert_eq!(octets(&dropped), [5, 2, 3, 6]);
    let quality = Quality { rssi_dbm: -1, snr_quarter_db: 2 };
    assert_eq!(octets(&Report::Received { quality, at_us: 3, frame: &[4] }), [6, 1, 2, 3, 1, 4]);
    let counters = Counters { received: 12, transmitted: 13, busy: 14, radio_failures: 15, overruns: 16 };
    let status = Status { queued: 10, airtime_left_us: Some(11), counters };
    let pong = Report::Pong {
        session: 2,
        nonce: 3,
        limit: 4,
        next: 5,
        held: 6,
        sent: 7,
        at_us: 8,
        garbled: 9,
        status,
    };
    assert_eq!(octets(&pong), [7, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 11, 12, 13, 14, 15, 16]);
    assert_eq!(octets(&Report::Log { octets: &[1] }), [8, 1, 1]);
}

#[test]
fn every_discriminant_inside_of_a_message_keeps_its_place() {
    let priorities = [Priority::Background, Priority::Text, Priority::Receipt, Priority::Emergency];
    for (octet, priority) in (0..).zip(priorities) {
        assert_eq!(octets(&priority), [octet]);
    }
    let reasons = [
        Reason::QueueFull,
        Reason::TooLong,
        Reason::Unlawful,
        Reason::NotConfigured,
        Reason::RadioFailed,
        Reason::ChannelBusy,
        Reason::Flushed,
        Reason::Lost,
    ];
    for (octet, reason) in (0..).zip(reasons) {
        assert_eq!(octets(&reason), [octet]);
    }
    let bandwidth = Bandwidth::Khz500;
    assert_eq!(octets(&Refusal::Unlawful(Unlawful::OutsideBands { frequency_hz: 5 })), [0, 0, 5]);
    assert_eq!(octets(&Refusal::Unlawful(Unlawful::BandwidthForbidden { bandwidth })), [0, 1, 2]);
    assert_eq!(
        octets(&Refusal::Unlawful(Unlawful::HoppingRequired { bandwidth, channels: 25 })),
        [0, 2, 2, 25]
    );
    assert_eq!(octets(&Refusal::Unlawful(Unlawful::PowerTooHigh { max_power_dbm: 14 })), [0, 3, 14]);
    for (octet, region) in (0..).zip([RegionCode::Ca, RegionCode::Us, RegionCode::Eu]) {
        assert_eq!(octets(&region), [octet]);
    }
    for (octet, khz) in (0..).zip([125, 250, 500]) {
        for (factor_octet, factor) in (0..).zip(5..=12) {
            for (coding_octet, coding) in (0..).zip(5..=8) {
                let rate =
                    std::format!("SF{factor}/{khz}/4:{coding}").parse::<crate::region::Rate>().unwrap();
                assert_eq!(octets(&rate), [factor_octet, octet, coding_octet]);
            }
        }
    }
}

#[test]
fn messages_are_read_as_they_were_written() {
    let frame = [9; 255];
    let commands = [
        Command::Hello { version: 1, session: u32::MAX },
        Command::Configure { channel: Channel::home(RegionCode::Ca) },
        Command::Transmit { session: 1, sequence: u32::MAX, priority: Priority::Emergency, frame: &frame },
        Command::Ping { session: 1, nonce: 0, next: 1 << 20 },
        Command::Reboot,
    ];
    for command in commands {
        assert_eq!(postcard::from_bytes(&octets(&command)), Ok(command));
    }
}

#[test]
fn the_longest_messages_fit_a_packet() {
    let worst = Quality { rssi_dbm: i16::MIN, snr_quarter_db: i8::MIN };
    let received = Report::Received { quality: worst, at_us: u64::MAX, frame: &[0; 255] };
    assert!(octets(&received).len() <= codec::MAX_MESSAGE);
    let transmit = Command::Transmit {
        session: u32::MAX,
        sequence: u32::MAX,
        priority: Priority::Emergency,
        frame: &[0; 255],
    };
    assert!(octets(&transmit).len() <= codec::MAX_MESSAGE);
    assert!(octets(&Report::Log { octets: &[0; MAX_LOG] }).len() <= codec::MAX_MESSAGE);
}

#[test]
fn a_frame_costs_few_octets_more_on_the_line() {
    // A usual text of 50 octets, well into a session with a random number.
    let frame = [0x5A; 50];
    let mut packet = [0; codec::MAX_PACKET];
    let transmit =
        Command::Transmit { session: 0xDEAD_BEEF, sequence: 300, priority: Priority::Text, frame: &frame };
    assert_eq!(codec::encode(&transmit, &mut packet), Ok(50 + 14));
    let quality = Quality { rssi_dbm: -117, snr_quarter_db: -20 };
    let received = Report::Received { quality, at_us: 3_600_000_000, frame: &frame };
    assert_eq!(codec::encode(&received, &mut packet), Ok(50 + 14));
}

#[test]
fn a_hello_of_any_version_tells_its_version() {
    assert_eq!(hello_version(&octets(&Command::Hello { version: 1, session: 2 })), Some(PROTOCOL_VERSION));
    assert_eq!(hello_version(&[0, 0xAC, 0x02, 0xFF, 0xFF]), Some(300));
    assert_eq!(hello_version(&[1, 1]), None);
    assert_eq!(hello_version(&[0]), None);
    assert_eq!(hello_version(&[]), None);
}

#[test]
fn octets_behind_a_known_message_are_ignored() {
    assert_eq!(
        postcard::from_bytes(&[3, 2, 3, 4, 99, 98]),
        Ok(Command::Ping { session: 2, nonce: 3, next: 4 })
    );
}
