use proptest::prelude::*;
use std::vec::Vec as StdVec;

use super::*;

fn packet(message: &[u8]) -> StdVec<u8> {
    let mut out = [0xAA; MAX_PACKET];
    let len = encode(message, &mut out).unwrap();
    out[..len].to_vec()
}

/// Everything that a deframer makes of `octets`; what is no packet is `None`.
fn deframed<const N: usize>(deframer: &mut Deframer<N>, octets: &[u8]) -> StdVec<Option<StdVec<u8>>> {
    let mut found = StdVec::new();
    for &octet in octets {
        if let Some(result) = deframer.push(octet) {
            found.push(result.ok().map(|message| postcard::from_bytes::<&[u8]>(message).unwrap().to_vec()));
        }
    }
    found
}

#[test]
fn a_packet_looks_as_documented() {
    // postcard: length 2, octets 00 01.
    let checksum = CRC.checksum(&[2, 0, 1]).to_le_bytes();
    assert_eq!(packet(&[0, 1]), [2, 2, 4, 1, checksum[0], checksum[1], 0]);
    // The check value of CRC-16/IBM-SDLC.
    assert_eq!(CRC.checksum(b"123456789"), 0x906E);
}

#[test]
fn zeros_between_packets_are_idle_line() {
    let mut line = std::vec![0, 0];
    line.extend(packet(b"a"));
    line.extend([0, 0, 0]);
    line.extend(packet(b"b"));
    let mut deframer = Deframer::<MAX_PACKET>::new();
    assert_eq!(deframed(&mut deframer, &line), [Some(b"a".to_vec()), Some(b"b".to_vec())]);
}

#[test]
fn a_packet_too_long_for_the_receiver_is_reported_once_and_the_next_is_read() {
    let mut line = packet(&[7; 200]);
    line.extend(packet(b"after"));
    let mut deframer = Deframer::<64>::new();
    assert_eq!(deframed(&mut deframer, &line), [None, Some(b"after".to_vec())]);
}

#[test]
fn a_message_that_does_not_fit_the_buffer_is_refused_at_every_size() {
    for len in [0usize, 1, 100, 252, 253, 254, 255, 270, 281] {
        let message = std::vec![1u8; len];
        let whole = packet(&message).len();
        assert!(whole <= MAX_PACKET);
        for size in 0..whole {
            assert_eq!(encode(&message[..], &mut std::vec![0; size][..]), Err(TooLong), "{len} into {size}");
        }
        assert_eq!(encode(&message[..], &mut std::vec![0; whole][..]), Ok(whole));
    }
    // A length prefix of two octets makes this MAX_MESSAGE, and one more is too long for sure.
    assert_eq!(packet(&[1; MAX_MESSAGE - 2]).len(), MAX_PACKET);
    assert_eq!(encode(&[1u8; MAX_MESSAGE - 1][..], &mut [0; MAX_PACKET]), Err(TooLong));
}

#[test]
fn every_single_bit_error_is_noticed() {
    let good = packet(b"\0fanal\0\x01");
    for bit in 0..8 * (good.len() - 1) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        bad.extend(packet(b"next"));
        let mut deframer = Deframer::<MAX_PACKET>::new();
        let found = deframed(&mut deframer, &bad);
        assert_eq!(found.last(), Some(&Some(b"next".to_vec())), "bit {bit}");
        assert!(found.iter().rev().skip(1).all(Option::is_none), "bit {bit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded(message in prop::collection::vec(any::<u8>(), 0..=281)) {
        let packet = packet(&message);
        prop_assert_eq!(packet.iter().filter(|&&octet| octet == 0).count(), 1);
        let mut deframer = Deframer::<MAX_PACKET>::new();
        prop_assert_eq!(deframed(&mut deframer, &packet), [Some(message)]);
    }

    #[test]
    fn the_line_costs_little_more_than_its_load(message in prop::collection::vec(any::<u8>(), 1..=255)) {
        // Length prefix 1 or 2, checksum 2, code 1 or 2, zero 1.
        prop_assert!(packet(&message).len() <= message.len() + 7);
    }

    #[test]
    fn after_any_garbage_the_packet_behind_the_next_zero_is_read(
        garbage in prop::collection::vec(any::<u8>(), 0..700),
        message in prop::collection::vec(any::<u8>(), 0..=255),
    ) {
        let mut line = garbage;
        line.push(0);
        line.extend(packet(&message));
        let mut deframer = Deframer::<MAX_PACKET>::new();
        for (index, &octet) in line.iter().enumerate() {
            if let Some(Ok(found)) = deframer.push(octet) && index + 1 == line.len() {
                prop_assert_eq!(postcard::from_bytes::<&[u8]>(found), Ok(&message[..]));
                return Ok(());
            }
        }
        prop_assert!(false, "the packet was not found");
    }
}
