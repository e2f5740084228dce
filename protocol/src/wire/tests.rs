use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::id::{MessageId, SequenceNumber};

fn node() -> impl Strategy<Value = NodeId> {
    (1..=0xFFFE_u16).prop_map(NodeId)
}

fn strong() -> impl Strategy<Value = Strong> {
    any::<(u32, [u8; TAG_OCTETS])>().prop_map(|(counter, second_tag)| Strong { counter, second_tag })
}

/// The forms of what is not urgent.
fn form() -> impl Strategy<Value = Form> {
    prop_oneof![any::<u8>().prop_map(|low| Form::Short(SequenceNumber(low))), strong().prop_map(Form::Strong)]
}

fn proof() -> impl Strategy<Value = Proof> {
    any::<([u8; STRONG_OCTETS], bool)>().prop_map(|(whole, strong)| Proof::of(whole, strong))
}

prop_compose! {
    fn receipt()(
        hop_limit in 0..=MAX_HOP_LIMIT,
        next_hop: u8,
        destination in node(),
        acknowledge: bool,
        proof in proof(),
    ) -> Receipt {
        Receipt { hop_limit, next_hop, destination, acknowledge, proof }
    }
}

prop_compose! {
    fn entry()(node in node(), sequence: u8, eighths in 0..=127_u32, direct: bool) -> RouteEntry {
        RouteEntry { node, sequence, metric: Metric::of_eighths(eighths), direct }
    }
}

fn limits() -> ProptestConfig {
    ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() }
}

/// Emits a frame and reads it back.
fn there_and_back(frame: Frame<'_>) -> usize {
    let mut out = [0xA5; MAX_FRAME];
    let len = frame.emit(&mut out).unwrap();
    assert_eq!(Frame::parse(&out[..len]), Ok(frame));
    len
}

proptest! {
    #![proptest_config(limits())]

    #[test]
    fn any_octets_are_parsed_without_panic_and_survive_the_way_back(
        octets in prop::collection::vec(any::<u8>(), 0..=MAX_FRAME + 2)
    ) {
        fuzz_body(&octets);
    }

    #[test]
    fn any_octets_behind_a_known_kind_are_parsed_without_panic(
        head in prop_oneof![0x10..0x90_u8, 0xA0..0xB0_u8],
        mut octets in prop::collection::vec(any::<u8>(), 1..24)
    ) {
        octets[0] = head;
        fuzz_body(&octets);
    }

    #[test]
    fn texts_come_back_as_they_went(
        (hop_limit, next_hop) in (0..=MAX_HOP_LIMIT, any::<u8>()),
        (destination, source) in (node(), node()).prop_filter("two nodes", |(a, b)| a != b),
        form in prop_oneof![form(), strong().prop_map(Form::Urgent)],
        sealed in prop::collection::vec(any::<u8>(), 5..=MAX_TEXT_OCTETS + TAG_OCTETS),
    ) {
        let text = Text { hop_limit, next_hop, destination, source, form, sealed: &sealed };
        let overhead = if matches!(form, Form::Short(_)) { 11 } else { 18 };
        prop_assert_eq!(there_and_back(Frame::Text(text)), overhead + sealed.len() - TAG_OCTETS);
    }

    #[test]
    fn acks_come_back_as_they_went(proof in proof()) {
        prop_assert_eq!(there_and_back(Frame::Ack(Ack { proof })), if proof.is_strong() { 9 } else { 5 });
    }

    #[test]
    fn direct_texts_come_back_as_they_went(
        label: [u8; LABEL_OCTETS],
        sequence: u8,
        sealed in prop::collection::vec(any::<u8>(), 5..=MAX_FRAME - 4),
    ) {
        let direct = Direct { label, sequence: SequenceNumber(sequence), sealed: &sealed };
        prop_assert_eq!(there_and_back(Frame::Direct(direct)), 4 + sealed.len());
    }

    #[test]
    fn receipts_come_back_as_they_went(receipt in receipt()) {
        let octets = if receipt.proof.is_strong() { 12 } else { 8 };
        prop_assert_eq!(there_and_back(Frame::Receipt(receipt)), octets);
    }

    #[test]
    fn fragments_come_back_as_they_went(
        (hop_limit, next_hop) in (0..=MAX_HOP_LIMIT, any::<u8>()),
        (destination, source) in (node(), node()).prop_filter("two nodes", |(a, b)| a != b),
        form in form(),
        sealed in prop::collection::vec(any::<u8>(), 6..=MAX_TEXT_OCTETS + TAG_OCTETS),
    ) {
        let text = Text { hop_limit, next_hop, destination, source, form, sealed: &sealed };
        let mut out = [0; MAX_FRAME];
        let len = text.emit(&mut out).unwrap();
        prop_assert_eq!(there_and_back(Frame::Fragment(Fragment(text))), len);
    }

    #[test]
    fn pieces_come_back_as_they_went(
        index in 0..MAX_FRAGMENTS,
        is_last: bool,
        octets in prop::collection::vec(any::<u8>(), 1..=MAX_PIECE_OCTETS),
    ) {
        let piece = Piece { index, is_last: is_last && index > 0, octets: &octets };
        let mut out = [0; MAX_TEXT_OCTETS];
        let len = piece.emit(&mut out).unwrap();
        prop_assert_eq!(len, 1 + octets.len());
        prop_assert_eq!(Piece::parse(&out[..len]), Ok(piece));
    }

    #[test]
    fn any_octets_that_are_a_piece_are_the_only_form_of_it(
        plain in prop::collection::vec(any::<u8>(), 0..=MAX_TEXT_OCTETS + 1)
    ) {
        if let Ok(piece) = Piece::parse(&plain) {
            let mut out = [0; MAX_FRAME];
            let len = piece.emit(&mut out).unwrap();
            prop_assert_eq!(&out[..len], &plain[..]);
        }
    }

    #[test]
    fn statuses_come_back_as_they_went_and_carry_no_octet_too_many(
        (hop_limit, next_hop) in (0..=MAX_HOP_LIMIT, any::<u8>()),
        destination in node(),
        proof: [u8; TAG_OCTETS],
        (missing, shift) in (1..=u32::MAX, 0..32_u32),
    ) {
        let missing = FragmentSet((missing >> shift).max(1));
        let status = Status { hop_limit, next_hop, destination, proof, missing };
        let bits = usize::from(missing.highest().unwrap()) + 1;
        prop_assert_eq!(there_and_back(Frame::Status(status)), 8 + bits.div_ceil(8));
    }

    #[test]
    fn beacons_come_back_as_they_went(
        hop_limit in 0..=MAX_HOP_LIMIT,
        source in node(),
        counter: u32,
        role: u8,
        told in prop::collection::vec(entry(), 0..=beacon::MAX_ENTRIES),
        tag: [u8; BEACON_TAG_OCTETS],
    ) {
        let octets: Vec<u8> = told.iter().flat_map(|entry| entry.octets()).collect();
        let entries = Entries::parse(&octets).unwrap();
        prop_assert_eq!(entries.iter().collect::<Vec<_>>(), told.clone());
        prop_assert_eq!((entries.len(), entries.is_empty()), (told.len(), told.is_empty()));
        let beacon = Beacon { hop_limit, source, counter, role: Role::of(role), entries, tag };
        prop_assert_eq!(there_and_back(Frame::Beacon(beacon)), 16 + 4 * told.len());
    }
}

const SEALED: &[u8] = &[1, 2, 3, 4, 5];

fn text(sealed: &[u8]) -> Text<'_> {
    Text {
        hop_limit: 0,
        next_hop: DIRECT,
        destination: NodeId(0x0101),
        source: NodeId(0x0201),
        form: Form::Short(SequenceNumber(7)),
        sealed,
    }
}

#[test]
fn no_octets_are_no_frame() {
    assert_eq!(kind_of(&[]), None);
    assert_eq!(Frame::parse(&[]), Err(Error::Empty));
}

#[test]
fn kinds_keep_their_numbers() {
    for number in 0..16 {
        assert_eq!(Kind::of(number).number(), number);
        assert_eq!(kind_of(&[number << 4 | 0x0F]), Some(Kind::of(number)));
    }
    assert_eq!([Kind::Text, Kind::Ack, Kind::Receipt, Kind::Beacon].map(Kind::number), [1, 2, 3, 4]);
    assert_eq!(Kind::Direct.number(), 5);
    assert_eq!([Kind::Fragment, Kind::Status, Kind::Urgent].map(Kind::number), [7, 8, 10]);
}

#[test]
fn roles_keep_their_numbers() {
    for octet in 0..=255 {
        assert_eq!(Role::of(octet).octet(), octet);
    }
    assert_eq!([Role::Handheld, Role::Relay, Role::Gateway].map(Role::octet), [1, 2, 3]);
}

#[test]
fn frames_of_an_unknown_kind_are_kept_whole() {
    let octets = [0xDA, 1, 2, 3];
    let frame = Frame::parse(&octets).unwrap();
    assert_eq!(frame, Frame::Unknown { kind: 13, octets: &octets });
    assert_eq!(there_and_back(frame), 4);
}

#[test]
fn frames_longer_than_a_radio_can_send_are_refused() {
    assert_eq!(Frame::parse(&[0xD0; MAX_FRAME + 1]), Err(Error::TooLong));
    let mut out = [0; 300];
    assert_eq!(Frame::Unknown { kind: 13, octets: &[0xD0; 256] }.emit(&mut out), Err(Error::TooLong));
}

#[test]
fn the_longest_texts_fill_a_frame() {
    assert_eq!((text::MAX_TEXT, MAX_TEXT_OCTETS), (244, 237));
    let sealed = [0; 249];
    let short = text(&sealed[..text::MAX_TEXT + TAG_OCTETS]);
    assert_eq!(there_and_back(Frame::Text(short)), MAX_FRAME);
    let strong = Form::Strong(Strong { counter: 7, second_tag: [9; 4] });
    let full = Text { form: strong, sealed: &sealed[..MAX_TEXT_OCTETS + TAG_OCTETS], ..short };
    assert_eq!(there_and_back(Frame::Text(full)), MAX_FRAME);

    let mut out = [0; 300];
    let longer = Text { sealed: &sealed[..short.sealed.len() + 1], ..short };
    assert_eq!(longer.emit(&mut out), Err(Error::TooLong));
    let longer = Text { sealed: &sealed[..full.sealed.len() + 1], ..full };
    assert_eq!(longer.emit(&mut out), Err(Error::TooLong));
}

#[test]
fn what_would_not_parse_is_not_emitted() {
    let mut out = [0; MAX_FRAME];
    let good = text(SEALED);
    for (bad, error) in [
        (Text { hop_limit: 8, ..good }, Error::InvalidHopLimit),
        (Text { source: NodeId::NONE, ..good }, Error::InvalidSource),
        (Text { source: NodeId::BROADCAST, ..good }, Error::InvalidSource),
        (Text { destination: NodeId::NONE, ..good }, Error::InvalidDestination),
        (Text { destination: NodeId::BROADCAST, ..good }, Error::InvalidDestination),
        (Text { destination: good.source, ..good }, Error::SameEnds),
        (Text { sealed: &SEALED[..4], ..good }, Error::Truncated),
    ] {
        assert_eq!(bad.emit(&mut out), Err(error));
    }
    let receipt = Receipt {
        hop_limit: 0,
        next_hop: 0,
        destination: NodeId(1),
        acknowledge: true,
        proof: Proof::Short([0; 4]),
    };
    let direct = Direct { label: [1, 2], sequence: SequenceNumber(7), sealed: &SEALED[..4] };
    assert_eq!(direct.emit(&mut out), Err(Error::Truncated));
    assert_eq!(Direct { sealed: &[0; MAX_FRAME - 3], ..direct }.emit(&mut [0; 300]), Err(Error::TooLong));
    assert_eq!(Receipt { hop_limit: 8, ..receipt }.emit(&mut out), Err(Error::InvalidHopLimit));
    assert_eq!(
        Receipt { destination: NodeId::NONE, ..receipt }.emit(&mut out),
        Err(Error::InvalidDestination)
    );
    let fragment = Fragment(Text { sealed: &[1, 2, 3, 4, 5, 6], ..good });
    assert_eq!(there_and_back(Frame::Fragment(fragment)), 13);
    assert_eq!(fragment.poll_proof(), None);
    let urgent = Form::Urgent(Strong { counter: 7, second_tag: [9; 4] });
    assert_eq!(Fragment(Text { form: urgent, ..fragment.0 }).emit(&mut out), Err(Error::UrgentFragment));
    assert_eq!(Fragment(good).emit(&mut out), Err(Error::Truncated), "an index without a piece");
    let poll = Fragment(Text { sealed: &SEALED[..4], ..good });
    assert_eq!(there_and_back(Frame::Fragment(poll)), 11);
    assert_eq!(poll.poll_proof(), Some([1, 2, 3, 4]));
    assert_eq!(Fragment(Text { sealed: &SEALED[..3], ..good }).emit(&mut out), Err(Error::Truncated));
    let status = Status {
        hop_limit: 0,
        next_hop: 0,
        destination: NodeId(1),
        proof: [0; 4],
        missing: FragmentSet::only(31),
    };
    assert_eq!(there_and_back(Frame::Status(status)), Status::MAX_OCTETS);
    assert_eq!(Status { hop_limit: 8, ..status }.emit(&mut out), Err(Error::InvalidHopLimit));
    assert_eq!(Status { destination: NodeId::NONE, ..status }.emit(&mut out), Err(Error::InvalidDestination));
    assert_eq!(Status { missing: FragmentSet::EMPTY, ..status }.emit(&mut out), Err(Error::InvalidBitmap));
    let beacon = Beacon {
        hop_limit: 0,
        source: NodeId(1),
        counter: 0,
        role: Role::Relay,
        entries: Entries::NONE,
        tag: [0; 8],
    };
    assert_eq!(Beacon { hop_limit: 8, ..beacon }.emit(&mut out), Err(Error::InvalidHopLimit));
    assert_eq!(Beacon { source: NodeId::NONE, ..beacon }.emit(&mut out), Err(Error::InvalidSource));
}

#[test]
fn a_piece_that_cannot_be_placed_is_refused() {
    for (plain, error) in [
        (&[][..], Error::Truncated),
        (&[0x01], Error::Truncated),
        (&[0x20, b'x'], Error::InvalidIndex),
        (&[0x41, b'x'], Error::InvalidIndex),
        (&[0x81, b'x'], Error::InvalidIndex),
        (&[0x01; 1 + MAX_PIECE_OCTETS + 1], Error::TooLong),
    ] {
        assert_eq!(Piece::parse(plain), Err(error), "{plain:02x?}");
    }
    let piece = Piece { index: MAX_FRAGMENTS, is_last: false, octets: b"x" };
    assert_eq!(piece.emit(&mut [0; 8]), Err(Error::InvalidIndex));
    assert_eq!(Piece { index: 1, ..piece }.emit(&mut [0; 1]), Err(Error::BufferTooSmall));
}

#[test]
fn a_bitmap_has_one_form() {
    let status = [0x80, 0, 0, 1, 9, 9, 9, 9, 0x10, 0x80];
    let Ok(Frame::Status(parsed)) = Frame::parse(&status) else { panic!("a status") };
    assert_eq!(parsed.missing, FragmentSet::only(4).union(FragmentSet::only(15)));
    assert_eq!(Frame::parse(&status[..8]), Err(Error::Truncated));
    for end in [&[0][..], &[1, 0], &[0, 0, 0, 0]] {
        assert_eq!(Frame::parse(&[&status[..8], end].concat()), Err(Error::InvalidBitmap), "{end:?}");
    }
    assert_eq!(Frame::parse(&[&status[..8], &[1; 5]].concat()), Err(Error::TooLong));
}

#[test]
fn a_fragment_names_its_message() {
    let piece = Piece::parse(&[0x23, b'x']).unwrap();
    assert_eq!((piece.index, piece.is_last), (3, true));
    let id = MessageId { source: NodeId(1), destination: NodeId(2), counter: 9 };
    assert_eq!(piece.message(id), Some(MessageId { counter: 6, ..id }));
    assert_eq!(
        piece.message(MessageId { counter: 2, ..id }),
        None,
        "no message begins before the first counter"
    );
}

#[test]
fn fragment_sets_know_their_ends() {
    assert_eq!(FragmentSet::first(0), FragmentSet::EMPTY);
    assert_eq!(FragmentSet::first(32), FragmentSet(u32::MAX));
    assert_eq!(FragmentSet::only(32), FragmentSet::EMPTY);
    assert_eq!((FragmentSet::EMPTY.lowest(), FragmentSet::EMPTY.highest()), (None, None));
    let set = FragmentSet::only(3).union(FragmentSet::only(31));
    assert_eq!((set.lowest(), set.highest(), set.len()), (Some(3), Some(31), 2));
    assert!(set.contains(31) && !set.contains(4) && !set.contains(32));
    assert_eq!(set.without(FragmentSet::first(4)), FragmentSet::only(31));
}

#[test]
fn a_sequence_number_stands_for_the_nearest_counter() {
    assert_eq!(Form::Short(SequenceNumber(1)).recover(0x1FE), 0x201);
    assert_eq!(Form::Strong(Strong { counter: 9, second_tag: [0; 4] }).recover(0x1FE), 9);
}

#[test]
fn entries_are_whole_few_enough_and_about_single_nodes() {
    for (octets, error) in [
        (&[0, 1, 0][..], Error::TooLong),
        (&[0, 1, 0, 8, 0], Error::TooLong),
        (&[1; beacon::ENTRY_OCTETS * (beacon::MAX_ENTRIES + 1)], Error::TooLong),
        (&[0, 0, 0, 8], Error::InvalidEntry),
        (&[0, 1, 0, 8, 0xFF, 0xFF, 0, 8], Error::InvalidEntry),
    ] {
        assert_eq!(Entries::parse(octets), Err(error), "{octets:?}");
    }
    assert_eq!(beacon::MAX_ENTRIES, 59);
}

#[test]
fn metrics_end_at_unreachable() {
    let metric = Metric::of_eighths;
    assert_eq!(metric(100).saturating_add(metric(26)), metric(126));
    assert_eq!(metric(100).saturating_add(metric(27)), Metric::UNREACHABLE);
    assert_eq!(Metric::UNREACHABLE.saturating_add(Metric::UNREACHABLE), Metric::UNREACHABLE);
    assert_eq!(metric(u32::MAX), Metric::UNREACHABLE);
    assert!(metric(126).is_reachable() && !Metric::UNREACHABLE.is_reachable());
}
