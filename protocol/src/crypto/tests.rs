use std::string::ToString;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::id::{NodeId, SequenceNumber};
use crate::wire::{Entries, Form, FragmentSet, Frame, Kind, MAX_FRAGMENTS, MAX_FRAME, MAX_TEXT_OCTETS, Text};

const ALICE: NodeId = NodeId(0x0201);
const BOB: NodeId = NodeId(0x0101);
const ID: MessageId = MessageId { source: ALICE, destination: BOB, counter: 7 };

fn key() -> SessionKey {
    SessionKey::from_bytes(*b"sixteen octets!!")
}

fn sealed(key: &SessionKey, id: MessageId, plaintext: &[u8]) -> Vec<u8> {
    let mut out = [0; MAX_FRAME];
    let len = key.seal_text(id, plaintext, &mut out).unwrap();
    out[..len].to_vec()
}

fn opened(key: &SessionKey, id: MessageId, sealed: &[u8]) -> Result<Vec<u8>, Forged> {
    let mut out = [0; MAX_FRAME];
    let len = key.open_text(id, sealed, &mut out)?;
    Ok(out[..len].to_vec())
}

fn limits() -> ProptestConfig {
    ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() }
}

prop_compose! {
    fn message_id()(source: u16, destination: u16, counter: u32) -> MessageId {
        MessageId { source: NodeId(source), destination: NodeId(destination), counter }
    }
}

proptest! {
    #![proptest_config(limits())]

    #[test]
    fn what_was_sealed_opens(
        octets: [u8; 16],
        id in message_id(),
        plaintext in prop::collection::vec(any::<u8>(), 0..=MAX_TEXT_OCTETS)
    ) {
        let key = SessionKey::from_bytes(octets);
        prop_assert_eq!(opened(&key, id, &sealed(&key, id, &plaintext)), Ok(plaintext));
    }

    #[test]
    fn random_octets_do_not_open(
        id in message_id(),
        octets in prop::collection::vec(any::<u8>(), 0..=MAX_FRAME)
    ) {
        prop_assert_eq!(opened(&key(), id, &octets), Err(Forged));
    }

    #[test]
    fn a_window_accepts_no_counter_twice_and_every_new_one_within_its_width(
        base in prop_oneof![Just(0), Just(u32::MAX - 400), any::<u32>()],
        steps in prop::collection::vec(0..400_u32, 1..200)
    ) {
        let mut window = Window::new();
        let mut accepted = std::collections::BTreeSet::new();
        for step in steps {
            let counter = base.saturating_add(step);
            match window.check(counter) {
                Freshness::Fresh => {
                    prop_assert!(accepted.insert(counter), "{} accepted twice", counter);
                    window.mark(counter);
                }
                Freshness::Seen => prop_assert!(accepted.contains(&counter)),
                Freshness::TooOld => {
                    prop_assert!(accepted.last().is_some_and(|top| top - counter >= WINDOW_WIDTH));
                }
            }
            prop_assert_eq!(window.top(), accepted.last().copied());
            prop_assert_ne!(window.check(counter), Freshness::Fresh);
            window = Window::restore(window.top(), window.bits());
            prop_assert_ne!(window.check(counter), Freshness::Fresh);
        }
    }
}

#[test]
fn a_flipped_bit_in_a_frame_fails_to_open_unless_relays_may_change_it() {
    let seal = sealed(&key(), ID, "À demain".as_bytes());
    let strong = Form::Strong(key().strengthen(Kind::Text, ID, &seal));
    for form in [Form::Short(SequenceNumber::of(ID.counter)), strong] {
        let text = Text { hop_limit: 3, next_hop: 0, destination: BOB, source: ALICE, form, sealed: &seal };
        let mut frame = [0; MAX_FRAME];
        let len = text.emit(&mut frame).unwrap();
        for bit in 0..len * 8 {
            let mut changed = frame;
            changed[bit / 8] ^= 1 << (bit % 8);
            let opens = match Frame::parse(&changed[..len]) {
                Ok(Frame::Text(text)) => {
                    let id = MessageId {
                        source: text.source,
                        destination: text.destination,
                        counter: text.form.recover(ID.counter),
                    };
                    let second = text.form.strong().is_none_or(|strong| {
                        key().check_strong(text.form.kind(), id, text.sealed, &strong.second_tag).is_ok()
                    });
                    second && opened(&key(), id, text.sealed).is_ok()
                }
                _ => false,
            };
            // The hop limit is the lowest three bits of the first octet, the next hop the second octet.
            assert_eq!(opens, bit < 3 || (8..16).contains(&bit), "bit {bit}");
        }
    }
}

#[test]
fn a_text_opens_under_its_own_name_and_key_only() {
    let seal = sealed(&key(), ID, b"salut");
    for bit in 0..32 {
        assert_eq!(opened(&key(), MessageId { counter: ID.counter ^ 1 << bit, ..ID }, &seal), Err(Forged));
    }
    for bit in 0..16 {
        let (source, destination) = (NodeId(ALICE.0 ^ 1 << bit), NodeId(BOB.0 ^ 1 << bit));
        assert_eq!(opened(&key(), MessageId { source, ..ID }, &seal), Err(Forged));
        assert_eq!(opened(&key(), MessageId { destination, ..ID }, &seal), Err(Forged));
    }
    for bit in 0..128 {
        let mut octets = *b"sixteen octets!!";
        octets[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(opened(&SessionKey::from_bytes(octets), ID, &seal), Err(Forged));
    }
}

#[test]
fn a_forged_text_leaves_nothing_behind() {
    let mut seal = sealed(&key(), ID, b"salut");
    seal[8] ^= 1;
    let mut out = [0xAA; 8];
    assert_eq!(key().open_text(ID, &seal, &mut out), Err(Forged));
    assert_eq!(out, [0, 0, 0, 0, 0, 0xAA, 0xAA, 0xAA]);
}

#[test]
fn buffers_too_small_are_refused_and_left_alone() {
    let mut out = [0xAA; 8];
    assert_eq!(key().seal_text(ID, b"salut", &mut out), None);
    let seal = sealed(&key(), ID, b"salut, toi");
    assert_eq!(key().open_text(ID, &seal, &mut out), Err(Forged));
    assert_eq!(key().open_text(ID, &seal[..3], &mut out), Err(Forged));
    assert_eq!(out, [0xAA; 8]);
    let mut out = [0; 9];
    assert_eq!(key().seal_text(ID, b"salut", &mut out), Some(9));
}

#[test]
fn proofs_differ_by_purpose_message_and_key() {
    let mut proofs = Vec::new();
    for key in [key(), SessionKey::from_bytes([0; 16])] {
        for id in [ID, MessageId { counter: 8, ..ID }, MessageId { source: BOB, destination: ALICE, ..ID }] {
            for purpose in [Purpose::Ack, Purpose::Receipt, Purpose::ReceiptAck] {
                proofs.push(key.proof(purpose, id));
                assert_eq!(proofs.last(), Some(&key.proof(purpose, id)));
            }
        }
    }
    for (i, proof) in proofs.iter().enumerate() {
        assert!(proofs[..i].iter().all(|other| !same(other, proof)));
    }
    assert!(same(&proofs[0], &proofs[0]));
    assert!(!same(&proofs[0], &proofs[0][..3]));
    assert!(same(&[], &[]));
}

#[test]
fn a_fragment_is_never_read_as_a_text() {
    let mut out = [0; MAX_FRAME];
    let len = key().seal_fragment(ID, b"\x01bonjour", &mut out).unwrap();
    let seal = out[..len].to_vec();
    assert_eq!(key().open_fragment(ID, &seal, &mut out), Ok(8));
    assert_eq!(&out[..8], b"\x01bonjour");
    assert_eq!(opened(&key(), ID, &seal), Err(Forged));
    assert_eq!(key().open_fragment(ID, &sealed(&key(), ID, b"salut"), &mut out), Err(Forged));
    assert_ne!(sealed(&key(), ID, b"\x01bonjour")[..8], seal[..8], "another keystream");
}

#[test]
fn a_status_proves_what_is_missing_of_which_message() {
    let mut proofs = Vec::new();
    for id in [ID, MessageId { counter: 8, ..ID }] {
        for bit in 0..32 {
            proofs.push(key().status_proof(id, FragmentSet(1 << bit)));
        }
        proofs.push(key().status_proof(id, FragmentSet(u32::MAX)));
        proofs.push(key().proof(Purpose::Receipt, id));
    }
    for (i, proof) in proofs.iter().enumerate() {
        assert!(proofs[..i].iter().all(|other| !same(other, proof)));
    }
}

#[test]
fn a_message_of_the_most_fragments_fits_into_the_window() {
    // All its counters are marked at once when it is accepted; none of its fragments is new or too old after that.
    let first = 1_000;
    let mut window = Window::restore(Some(first - 1), u64::MAX);
    let counters = first..first + u32::from(MAX_FRAGMENTS);
    assert!(counters.clone().all(|counter| window.check(counter) == Freshness::Fresh));
    counters.clone().for_each(|counter| window.mark(counter));
    assert!(counters.clone().all(|counter| window.check(counter) == Freshness::Seen));
    // The next message may be as long, and late repetitions of this one are still known for what they are.
    counters.clone().for_each(|counter| window.mark(counter + u32::from(MAX_FRAGMENTS)));
    assert!(counters.clone().all(|counter| window.check(counter) == Freshness::Seen));
}

#[test]
fn a_flipped_bit_anywhere_in_a_beacon_is_noticed() {
    let key = NetworkKey([7; 16]);
    let octets = [2, 1, 5, 8, 3, 1, 9, 0x90];
    let entries = Entries::parse(&octets).unwrap();
    let tag = key.seal_beacon(ALICE, 9, 1, entries);
    assert_eq!(key.open_beacon(ALICE, 9, 1, entries, &tag), Ok(()));
    for bit in 0..64 {
        let mut changed = tag;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.open_beacon(ALICE, 9, 1, entries, &changed), Err(Forged));
    }
    for bit in 0..32 {
        assert_eq!(key.open_beacon(ALICE, 9 ^ 1 << bit, 1, entries, &tag), Err(Forged));
    }
    for bit in 0..16 {
        assert_eq!(key.open_beacon(NodeId(ALICE.0 ^ 1 << bit), 9, 1, entries, &tag), Err(Forged));
    }
    for bit in 0..8 {
        assert_eq!(key.open_beacon(ALICE, 9, 1 ^ 1 << bit, entries, &tag), Err(Forged));
    }
    for bit in 0..64 {
        let mut changed = octets;
        changed[bit / 8] ^= 1 << (bit % 8);
        let changed = Entries::parse(&changed).unwrap();
        assert_eq!(key.open_beacon(ALICE, 9, 1, changed, &tag), Err(Forged));
    }
    for shorter in [Entries::NONE, Entries::parse(&octets[..4]).unwrap()] {
        assert_eq!(key.open_beacon(ALICE, 9, 1, shorter, &tag), Err(Forged));
    }
    assert_eq!(NetworkKey([8; 16]).open_beacon(ALICE, 9, 1, entries, &tag), Err(Forged));
}

#[test]
fn both_ends_agree_and_nobody_else_does() {
    let (alice, bob, eve) =
        (SecretKey::from_bytes([1; 32]), SecretKey::from_bytes([2; 32]), SecretKey::from_bytes([3; 32]));
    let ours = agree(&alice, ALICE, &bob.public(), BOB).unwrap();
    let seal = sealed(&ours, ID, b"salut");
    let opens = |key: Result<SessionKey, WeakKey>| opened(&key.unwrap(), ID, &seal).is_ok();
    assert!(opens(agree(&bob, BOB, &alice.public(), ALICE)));
    assert!(!opens(agree(&bob, BOB, &eve.public(), ALICE)));
    assert!(!opens(agree(&eve, BOB, &alice.public(), ALICE)));
    assert!(!opens(agree(&bob, NodeId(0x0102), &alice.public(), ALICE)));
    assert!(!opens(agree(&bob, BOB, &alice.public(), NodeId(0x0202))));
    // The ids exchanged between the keys are another pair of nodes.
    assert!(!opens(agree(&bob, ALICE, &alice.public(), BOB)));
}

#[test]
fn weak_public_keys_are_refused() {
    // The points of low order, in the encodings listed at https://cr.yp.to/ecdh.html#validate.
    const WEAK: [&str; 7] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let secret = SecretKey::from_bytes([1; 32]);
    for weak in WEAK {
        let public: PublicKey = weak.parse().unwrap();
        assert_eq!(agree(&secret, ALICE, &public, BOB).err(), Some(WeakKey), "{weak}");
    }
    assert_eq!(agree(&secret, ALICE, &secret.public(), BOB).err(), Some(WeakKey));
}

#[test]
fn each_person_has_a_key_of_their_own() {
    let gateway = SecretKey::from_bytes([1; 32]);
    let publics = [gateway.public(), gateway.derive(ALICE).public(), gateway.derive(BOB).public()];
    assert!(publics[0] != publics[1] && publics[1] != publics[2] && publics[0] != publics[2]);
    assert_eq!(gateway.derive(BOB).public(), publics[2]);
}

#[test]
fn keys_read_as_they_are_written() {
    let public = SecretKey::from_bytes([1; 32]).public();
    assert_eq!(public.to_string().parse(), Ok(public));
    assert_eq!(public.to_string().to_uppercase().parse(), Ok(public));
    assert_eq!("00112233445566778899aaBBccDDeeFF".parse::<NetworkKey>().unwrap().0[10..12], [0xAA, 0xBB]);
    let digits = "0".repeat(62);
    for end in ["", "0", "000", "0g", "+0", "é", " 0", "0é0"] {
        assert!((digits.clone() + end).parse::<PublicKey>().is_err(), "{end}");
    }
    assert_eq!("00".parse::<NetworkKey>().unwrap_err().digits, 32);
}

#[test]
fn debug_output_keeps_secrets() {
    assert_eq!(std::format!("{:?}", SecretKey::from_bytes([1; 32])), "SecretKey(..)");
    assert_eq!(std::format!("{:?}", key()), "SessionKey(..)");
    assert_eq!(std::format!("{:?}", NetworkKey([7; 16])), "NetworkKey(..)");
}

#[test]
fn windows_remember_sixty_four_counters() {
    let mut window = Window::new();
    assert_eq!((window.top(), window.bits()), (None, 0));
    assert_eq!(window.check(0), Freshness::Fresh);
    window.mark(100);
    assert_eq!(window.check(100), Freshness::Seen);
    assert_eq!(window.check(37), Freshness::Fresh);
    assert_eq!(window.check(36), Freshness::TooOld);
    window.mark(37);
    assert_eq!((window.check(37), window.bits()), (Freshness::Seen, 1 << 63 | 1));
    window.mark(36);
    assert_eq!((window.top(), window.bits()), (Some(100), 1 << 63 | 1));
    window.mark(101);
    assert_eq!((window.top(), window.bits()), (Some(101), 0b11));
    window.mark(u32::MAX);
    assert_eq!((window.top(), window.bits()), (Some(u32::MAX), 1));
    assert_eq!(window.check(u32::MAX), Freshness::Seen);
}

#[test]
fn a_stored_window_cannot_forget_its_top() {
    assert_eq!(Window::restore(Some(5), 0).check(5), Freshness::Seen);
    assert_eq!(Window::restore(None, u64::MAX), Window::new());
}

/// A fragment, a poll and a text under one counter differ in what the first half is for; so do answers.
#[test]
fn second_halves_of_one_counter_have_nothing_in_common() {
    let seal = [7; 4];
    let longer = [7; 9];
    let mut halves = [
        key().strengthen(Kind::Text, ID, &longer).second_tag,
        key().strengthen(Kind::Urgent, ID, &longer).second_tag,
        key().strengthen(Kind::Fragment, ID, &longer).second_tag,
        key().strengthen(Kind::Fragment, ID, &seal).second_tag,
    ]
    .to_vec();
    for purpose in [Purpose::Ack, Purpose::Receipt, Purpose::ReceiptAck] {
        let strong = key().strong_proof(purpose, ID);
        assert_eq!(strong[..4], key().proof(purpose, ID));
        halves.extend(strong.last_chunk::<4>());
    }
    halves.sort();
    halves.dedup();
    assert_eq!(halves.len(), 7);
    assert_eq!(key().check_strong(Kind::Text, ID, &[0; MAX_FRAME + 1], &[0; 4]), Err(Forged));
}
