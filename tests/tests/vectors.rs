//! The golden vectors of the air, read and written: `tests/vectors/*.hex` against `wire` and `crypto`.

use std::collections::BTreeMap;

use fanal_protocol::crypto::{self, NetworkKey, PublicKey, Purpose, SecretKey, SessionKey, agree};
use fanal_protocol::id::{MessageId, NodeId, SequenceNumber};
use fanal_protocol::pairing;
use fanal_protocol::region::RegionCode;
use fanal_protocol::wire::{
    Ack, Beacon, Custody, Direct, Entries, Error, Form, Fragment, FragmentSet, Frame, Kind, MAX_FRAME,
    Metric, Piece, Proof, Receipt, Role, RouteEntry, Routed, Status, Strong, Text, routed,
};

const HANDHELD: NodeId = NodeId(0x0201);
const PERSON: NodeId = NodeId(0x0101);
const GATEWAY: NodeId = NodeId(0x0100);
const ID: MessageId = MessageId { source: HANDHELD, destination: PERSON, counter: 0x0001_2A07 };
const NEXT_ID: MessageId = MessageId { counter: 0x0001_2A08, ..ID };

/// One file of vectors. Each must be taken once, so that none is forgotten here.
struct Vectors(BTreeMap<&'static str, Vec<u8>>);

impl Vectors {
    fn read(file: &'static str) -> Self {
        let mut vectors = BTreeMap::new();
        for line in file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, hex) = line.split_once(" = ").expect(line);
            assert!(vectors.insert(name, octets(hex)).is_none(), "{name} twice");
        }
        Self(vectors)
    }

    fn take(&mut self, name: &str) -> Vec<u8> {
        self.0.remove(name).expect(name)
    }

    fn take_array<const N: usize>(&mut self, name: &str) -> [u8; N] {
        self.take(name).try_into().expect(name)
    }

    /// The frame and these octets are the same, in both directions.
    fn is_frame(&mut self, name: &str, frame: Frame<'_>) {
        let octets = self.take(name);
        assert_eq!(Frame::parse(&octets), Ok(frame), "{name}");
        assert_eq!(emitted(frame), octets, "{name}");
    }

    /// These octets mean the frame, which is written otherwise.
    fn is_read_as(&mut self, name: &str, frame: Frame<'_>) {
        let octets = self.take(name);
        assert_eq!(Frame::parse(&octets), Ok(frame), "{name}");
        assert_ne!(emitted(frame), octets, "{name}");
    }

    fn are_refused<const N: usize>(&mut self, refused: [(&str, Error); N]) {
        for (name, error) in refused {
            assert_eq!(Frame::parse(&self.take(name)), Err(error), "{name}");
        }
    }

    fn end(self) {
        assert!(self.0.is_empty(), "not asserted: {:?}", self.0.keys());
    }
}

fn octets(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect(hex)).collect()
}

fn emitted(frame: Frame<'_>) -> Vec<u8> {
    let mut out = [0; MAX_FRAME];
    let len = frame.emit(&mut out).expect("the frames below can be emitted");
    out[..len].to_vec()
}

fn crypto_vectors() -> Vectors {
    Vectors::read(include_str!("../vectors/crypto.hex"))
}

#[test]
fn keys_seals_and_proofs_match_the_vectors() {
    let mut vectors = crypto_vectors();

    let handheld = SecretKey::from_bytes(vectors.take_array("secret_a"));
    let person = SecretKey::from_bytes(vectors.take_array("secret_b"));
    let (handheld_public, person_public) =
        (PublicKey(vectors.take_array("public_a")), PublicKey(vectors.take_array("public_b")));
    assert_eq!(handheld.public(), handheld_public);
    assert_eq!(person.public(), person_public);
    assert_eq!(handheld.derive(PERSON).public(), PublicKey(vectors.take_array("person_public")));

    let plaintext = vectors.take("plaintext");
    let sealed = vectors.take("sealed");
    let longest_plaintext = vectors.take("longest_plaintext");
    let longest_sealed = vectors.take("longest_sealed");
    let proofs = [
        (Purpose::Ack, vectors.take_array::<4>("proof_ack")),
        (Purpose::Receipt, vectors.take_array("proof_receipt")),
        (Purpose::ReceiptAck, vectors.take_array("proof_receipt_ack")),
    ];
    let strong_proofs = [
        (Purpose::Ack, vectors.take_array::<8>("strong_proof_ack")),
        (Purpose::Receipt, vectors.take_array("strong_proof_receipt")),
        (Purpose::ReceiptAck, vectors.take_array("strong_proof_receipt_ack")),
    ];
    let urgent = vectors.take("urgent_sealed");
    let second_tags = [
        (Kind::Text, ID, &sealed, vectors.take_array::<4>("second_tag")),
        (Kind::Text, NEXT_ID, &longest_sealed, vectors.take_array("longest_second_tag")),
        (Kind::Urgent, ID, &urgent, vectors.take_array("urgent_second_tag")),
    ];
    let labels = [vectors.take_array("label"), vectors.take_array("label_back")];
    for session in [
        SessionKey::from_bytes(vectors.take_array("session_key")),
        agree(&handheld, HANDHELD, &person_public, PERSON).unwrap(),
        agree(&person, PERSON, &handheld_public, HANDHELD).unwrap(),
    ] {
        for (id, plaintext, sealed) in
            [(ID, &plaintext, &sealed), (NEXT_ID, &longest_plaintext, &longest_sealed)]
        {
            let mut out = [0; MAX_FRAME];
            let len = session.seal_text(id, plaintext, &mut out).unwrap();
            assert_eq!(&out[..len], sealed);
            let len = session.open_text(id, sealed, &mut out).unwrap();
            assert_eq!(&out[..len], plaintext);
        }
        assert_eq!([session.label(HANDHELD, PERSON), session.label(PERSON, HANDHELD)], labels);
        for (purpose, proof) in &strong_proofs {
            assert_eq!(session.strong_proof(*purpose, ID), *proof, "{purpose:?}");
        }
        for (kind, id, sealed, second_tag) in second_tags {
            let strong = Strong { counter: id.counter, second_tag };
            assert_eq!(session.strengthen(kind, id, sealed), strong, "{kind:?}");
            assert_eq!(session.check_strong(kind, id, sealed, &second_tag), Ok(()), "{kind:?}");
        }
        let mut out = [0; MAX_FRAME];
        let len = session.seal_urgent(ID, &plaintext, &mut out).unwrap();
        assert_eq!(out[..len], urgent);
        let len = session.open_urgent(ID, &urgent, &mut out).unwrap();
        assert_eq!(out[..len], plaintext);
        for (purpose, proof) in &proofs {
            assert!(crypto::same(&session.proof(*purpose, ID), proof), "{purpose:?}");
        }
    }

    let network = NetworkKey(vectors.take_array("network_key"));
    let tag = vectors.take_array("beacon_tag");
    assert_eq!(network.seal_beacon(GATEWAY, 258, Role::Gateway.octet(), Entries::NONE), tag);
    assert_eq!(network.open_beacon(GATEWAY, 258, Role::Gateway.octet(), Entries::NONE, &tag), Ok(()));
    vectors.end();
}

#[test]
fn text_frames_match_the_vectors() {
    let mut crypto = crypto_vectors();
    let (sealed, longest_sealed) = (crypto.take("sealed"), crypto.take("longest_sealed"));
    let urgent_sealed = crypto.take("urgent_sealed");
    let mut strong = |counter, name: &str| Strong { counter, second_tag: crypto.take_array(name) };
    let short = Text {
        hop_limit: 0,
        next_hop: 0,
        destination: PERSON,
        source: HANDHELD,
        form: Form::Short(SequenceNumber(7)),
        sealed: &sealed,
    };

    let mut vectors = Vectors::read(include_str!("../vectors/text.hex"));
    vectors.is_frame("short", Frame::Text(short));
    let form = Form::Strong(strong(ID.counter, "second_tag"));
    let long = Text { hop_limit: 3, next_hop: 0x40, form, ..short };
    vectors.is_frame("strong", Frame::Text(long));
    assert_eq!(Routed::identity(&emitted(Frame::Text(long))), Routed::identity(&emitted(Frame::Text(short))));
    let form = Form::Strong(strong(NEXT_ID.counter, "longest_second_tag"));
    let longest = Text { form, sealed: &longest_sealed, ..short };
    vectors.is_frame("longest", Frame::Text(longest));
    let form = Form::Urgent(strong(ID.counter, "urgent_second_tag"));
    let urgent = Text { hop_limit: 7, next_hop: 0x40, form, sealed: &urgent_sealed, ..short };
    vectors.is_frame("urgent", Frame::Text(urgent));
    vectors.is_read_as("urgent_reserved_bit_set", Frame::Text(urgent));
    let shortest = Text {
        hop_limit: 7,
        next_hop: 0xFF,
        destination: NodeId(0x0001),
        source: NodeId(0xFFFE),
        form: Form::Short(SequenceNumber(0xFF)),
        sealed: &[1, 2, 3, 4, 5],
    };
    vectors.is_frame("shortest", Frame::Text(shortest));
    vectors.are_refused([
        ("refused_tag_without_text", Error::Truncated),
        ("refused_half_a_header", Error::Truncated),
        ("refused_counter_cut_short", Error::Truncated),
        ("refused_counter_without_text", Error::Truncated),
        ("refused_second_tag_without_text", Error::Truncated),
        ("refused_urgent_without_second_tag", Error::Truncated),
        ("refused_one_octet_too_many", Error::TooLong),
        ("refused_source_nobody", Error::InvalidSource),
        ("refused_source_everybody", Error::InvalidSource),
        ("refused_destination_nobody", Error::InvalidDestination),
        ("refused_destination_everybody", Error::InvalidDestination),
        ("refused_same_ends", Error::SameEnds),
    ]);
    vectors.end();
}

#[test]
fn direct_text_frames_match_the_vectors() {
    let mut crypto = crypto_vectors();
    let session = SessionKey::from_bytes(crypto.take_array("session_key"));
    let label = crypto.take_array("label");
    assert_eq!(session.label(HANDHELD, PERSON), label);
    assert_eq!(session.label(PERSON, HANDHELD), crypto.take_array("label_back"));
    let sealed = crypto.take("sealed");
    let direct = Direct { label, sequence: SequenceNumber(7), sealed: &sealed };

    let mut vectors = Vectors::read(include_str!("../vectors/direct.hex"));
    vectors.is_frame("direct", Frame::Direct(direct));
    vectors.is_read_as("reserved_bits_set", Frame::Direct(direct));
    let shortest = Direct { label: [0xFF, 0xFE], sequence: SequenceNumber(0), sealed: &[1, 2, 3, 4, 5] };
    vectors.is_frame("shortest", Frame::Direct(shortest));
    vectors.are_refused([
        ("refused_tag_without_text", Error::Truncated),
        ("refused_half_a_label", Error::Truncated),
        ("refused_no_sequence", Error::Truncated),
    ]);
    vectors.end();
    // What the label stands for is the short form of a text, sealed in the same way.
    let mut out = [0; MAX_FRAME];
    let len = session.open_text(ID, direct.between(HANDHELD, PERSON).sealed, &mut out).unwrap();
    assert_eq!(out[..len], crypto.take("plaintext"));
}

#[test]
fn ack_frames_match_the_vectors() {
    let mut crypto = crypto_vectors();
    let ack = Frame::Ack(Ack { proof: Proof::Short(crypto.take_array("proof_ack")) });
    let strong = Frame::Ack(Ack { proof: Proof::Strong(crypto.take_array("strong_proof_ack")) });
    let mut vectors = Vectors::read(include_str!("../vectors/ack.hex"));
    vectors.is_frame("ack", ack);
    vectors.is_frame("strong", strong);
    vectors.is_read_as("reserved_bits_set", ack);
    vectors.are_refused([
        ("refused_truncated", Error::Truncated),
        ("refused_trailing_octet", Error::TooLong),
        ("refused_strong_truncated", Error::TooLong),
        ("refused_strong_trailing_octet", Error::TooLong),
    ]);
    vectors.end();
}

#[test]
fn receipt_frames_match_the_vectors() {
    let mut crypto = crypto_vectors();
    let receipt = Receipt {
        hop_limit: 0,
        next_hop: 0,
        destination: HANDHELD,
        acknowledge: false,
        proof: Proof::Short(crypto.take_array("proof_receipt")),
    };
    let mut vectors = Vectors::read(include_str!("../vectors/receipt.hex"));
    vectors.is_frame("receipt", Frame::Receipt(receipt));
    let to_be_acknowledged = Receipt { hop_limit: 7, next_hop: 0x40, acknowledge: true, ..receipt };
    vectors.is_frame("to_be_acknowledged", Frame::Receipt(to_be_acknowledged));
    let proof = Proof::Strong(crypto.take_array("strong_proof_receipt"));
    vectors.is_frame("strong", Frame::Receipt(Receipt { proof, ..to_be_acknowledged }));
    vectors.are_refused([
        ("refused_truncated", Error::Truncated),
        ("refused_trailing_octet", Error::TooLong),
        ("refused_strong_trailing_octet", Error::TooLong),
        ("refused_destination_nobody", Error::InvalidDestination),
        ("refused_destination_everybody", Error::InvalidDestination),
    ]);
    vectors.end();
}

#[test]
fn beacon_frames_match_the_vectors() {
    let network = NetworkKey(crypto_vectors().take_array("network_key"));
    fn sealed<'a>(network: &NetworkKey, beacon: Beacon<'a>) -> Frame<'a> {
        let Beacon { source, counter, role, entries, .. } = beacon;
        let tag = network.seal_beacon(source, counter, role.octet(), entries);
        assert_eq!(network.open_beacon(source, counter, role.octet(), entries, &tag), Ok(()));
        Frame::Beacon(Beacon { tag, ..beacon })
    }
    let beacon = |hop_limit, source, counter, role: Role| {
        let entries = Entries::NONE;
        sealed(&network, Beacon { hop_limit, source, counter, role, entries, tag: [0; 8] })
    };
    let mut vectors = Vectors::read(include_str!("../vectors/beacon.hex"));
    let gateway = beacon(0, GATEWAY, 258, Role::Gateway);
    vectors.is_frame("gateway", gateway);
    vectors.is_frame("handheld", beacon(2, HANDHELD, 0, Role::Handheld));
    vectors.is_frame("relay", beacon(0, NodeId(0xFFFE), u32::MAX, Role::Relay));
    let told = |node, sequence, eighths, direct| RouteEntry {
        node: NodeId(node),
        sequence,
        metric: Metric::of_eighths(eighths),
        direct,
    };
    let route = told(0x0201, 8, 19, false).octets();
    let with = |octets| Beacon {
        hop_limit: 0,
        source: GATEWAY,
        counter: 258,
        role: Role::Gateway,
        entries: Entries::parse(octets).unwrap(),
        tag: [0; 8],
    };
    vectors.is_frame("one_route", sealed(&network, with(&route)));
    let every_sort = [
        told(0x0300, 0, 9, true),
        told(0x0201, 8, 19, false),
        told(0x0400, 255, 127, false),
        told(0x0500, 4, 127, true),
    ];
    let every_sort: Vec<u8> = every_sort.iter().flat_map(|entry| entry.octets()).collect();
    vectors.is_frame("every_sort_of_entry", sealed(&network, with(&every_sort)));
    let most: Vec<u8> = (1..=59).flat_map(|node| told(node, 1, 8, false).octets()).collect();
    vectors.is_frame("most_entries", sealed(&network, with(&most)));
    vectors.is_frame("role_from_the_future", beacon(0, GATEWAY, 258, Role::Unknown(0x80)));
    vectors.is_read_as("reserved_bit_set", gateway);
    vectors.are_refused([
        ("refused_truncated", Error::Truncated),
        ("refused_trailing_octet", Error::TooLong),
        ("refused_source_nobody", Error::InvalidSource),
        ("refused_source_everybody", Error::InvalidSource),
        ("refused_entry_cut_short", Error::TooLong),
        ("refused_entry_about_nobody", Error::InvalidEntry),
        ("refused_entry_about_everybody", Error::InvalidEntry),
    ]);
    vectors.end();
}

#[test]
fn fragment_frames_match_the_vectors() {
    let session = SessionKey::from_bytes(crypto_vectors().take_array("session_key"));
    let mut vectors = Vectors::read(include_str!("../vectors/fragment.hex"));
    let mut sealed = |name: &str, index: u8, is_last: bool| {
        let plain = vectors.take(name);
        let piece = Piece::parse(&plain).expect(name);
        assert_eq!((piece.index, piece.is_last), (index, is_last), "{name}");
        let mut out = [0; MAX_FRAME];
        let len = piece.emit(&mut out).unwrap();
        assert_eq!(out[..len], plain, "{name}");
        let id = MessageId { counter: ID.counter + u32::from(index), ..ID };
        assert_eq!(piece.message(id), Some(ID), "{name}");
        let len = session.seal_fragment(id, &plain, &mut out).unwrap();
        let sealed = out[..len].to_vec();
        let len = session.open_fragment(id, &sealed, &mut out).unwrap();
        assert_eq!(out[..len], plain, "{name}");
        sealed
    };
    let (first, last, longest) =
        (sealed("first_plain", 0, false), sealed("last_plain", 17, true), sealed("longest_plain", 3, false));
    let short = Text {
        hop_limit: 0,
        next_hop: 0,
        destination: PERSON,
        source: HANDHELD,
        form: Form::Short(SequenceNumber(7)),
        sealed: &first,
    };

    vectors.is_frame("short", Frame::Fragment(Fragment(short)));
    let strong = |counter, sealed: &[u8]| {
        Form::Strong(session.strengthen(Kind::Fragment, MessageId { counter, ..ID }, sealed))
    };
    let form = strong(ID.counter + 17, &last);
    let long = Text { hop_limit: 3, next_hop: 0x40, form, sealed: &last, ..short };
    vectors.is_frame("strong", Frame::Fragment(Fragment(long)));
    let longest = Text { form: strong(ID.counter + 3, &longest), sealed: &longest, ..short };
    vectors.is_frame("longest", Frame::Fragment(Fragment(longest)));
    let shortest = Text {
        hop_limit: 7,
        next_hop: 0xFF,
        destination: NodeId(0x0001),
        source: NodeId(0xFFFE),
        form: Form::Short(SequenceNumber(0xFF)),
        sealed: &[1, 2, 3, 4, 5, 6],
    };
    vectors.is_frame("shortest", Frame::Fragment(Fragment(shortest)));
    let proof = session.proof(Purpose::Poll, ID);
    let poll = Fragment(Text { hop_limit: 4, next_hop: 0x40, sealed: &proof, ..short });
    assert_eq!(poll.poll_proof(), Some(proof));
    vectors.is_frame("poll", Frame::Fragment(poll));
    let whole = Text { form: strong(ID.counter, &proof), sealed: &proof, ..short };
    vectors.is_frame("poll_strong", Frame::Fragment(Fragment(whole)));
    vectors.are_refused([
        ("refused_poll_cut_short", Error::Truncated),
        ("refused_index_without_piece", Error::Truncated),
        ("refused_half_a_header", Error::Truncated),
        ("refused_counter_without_piece", Error::Truncated),
        ("refused_source_nobody", Error::InvalidSource),
        ("refused_destination_everybody", Error::InvalidDestination),
        ("refused_same_ends", Error::SameEnds),
    ]);
    for (name, error) in [
        ("refused_plain_only_fragment", Error::InvalidIndex),
        ("refused_plain_reserved_bit", Error::InvalidIndex),
        ("refused_plain_no_piece", Error::Truncated),
    ] {
        assert_eq!(Piece::parse(&vectors.take(name)), Err(error), "{name}");
    }
    vectors.end();
}

#[test]
fn status_frames_match_the_vectors() {
    let session = SessionKey::from_bytes(crypto_vectors().take_array("session_key"));
    let status = |hop_limit, next_hop, missing| {
        let missing = FragmentSet(missing);
        let proof = session.status_proof(ID, missing);
        Frame::Status(Status { hop_limit, next_hop, destination: HANDHELD, proof, missing })
    };
    let mut vectors = Vectors::read(include_str!("../vectors/status.hex"));
    let missing = status(0, 0, 1 << 3 | 1 << 7);
    vectors.is_frame("missing", missing);
    vectors.is_frame("missing_far", status(7, 0x40, 1 | 1 << 16));
    vectors.is_frame("missing_most", status(0, 0, u32::MAX >> 1));
    vectors.is_read_as("reserved_bit_set", missing);
    vectors.are_refused([
        ("refused_no_bitmap", Error::Truncated),
        ("refused_truncated", Error::Truncated),
        ("refused_nothing_missing", Error::InvalidBitmap),
        ("refused_empty_octet_at_the_end", Error::InvalidBitmap),
        ("refused_trailing_octet", Error::TooLong),
        ("refused_destination_nobody", Error::InvalidDestination),
        ("refused_destination_everybody", Error::InvalidDestination),
    ]);
    vectors.end();
}

#[test]
fn custody_frames_match_the_vectors() {
    const CUSTODIAN: NodeId = NodeId(0x0300);
    let network = NetworkKey(crypto_vectors().take_array("network_key"));
    let mut vectors = Vectors::read(include_str!("../vectors/custody.hex"));
    let text = Vectors::read(include_str!("../vectors/text.hex")).take("short");
    let identity = Routed::identity(&text);
    assert_eq!(identity.to_be_bytes(), vectors.take_array("identity"));
    assert_eq!([routed::name(CUSTODIAN, 3, &text)], vectors.take_array("name"));
    let kept = Custody {
        hop_limit: 7,
        next_hop: 0x40,
        destination: HANDHELD,
        release: false,
        about: CUSTODIAN,
        proof: network.proof(Purpose::Custody, CUSTODIAN, identity),
    };
    vectors.is_frame("kept", Frame::Custody(kept));
    let release = Custody {
        next_hop: 0,
        destination: CUSTODIAN,
        release: true,
        about: HANDHELD,
        proof: network.proof(Purpose::Release, HANDHELD, identity),
        ..kept
    };
    vectors.is_frame("release", Frame::Custody(release));
    vectors.are_refused([
        ("refused_truncated", Error::Truncated),
        ("refused_trailing_octet", Error::TooLong),
        ("refused_destination_nobody", Error::InvalidDestination),
        ("refused_destination_everybody", Error::InvalidDestination),
        ("refused_about_nobody", Error::InvalidSource),
        ("refused_about_everybody", Error::InvalidSource),
    ]);
    vectors.end();
}

/// The specification shows vectors of these files, not others.
#[test]
fn the_examples_in_the_specification_are_golden() {
    let page = include_str!("../../docs/protocol.md");
    let files = [
        (include_str!("../vectors/text.hex"), &["short", "strong", "urgent"][..]),
        (include_str!("../vectors/direct.hex"), &["direct"]),
        (include_str!("../vectors/ack.hex"), &["ack", "strong"]),
        (include_str!("../vectors/receipt.hex"), &["to_be_acknowledged"]),
        (include_str!("../vectors/beacon.hex"), &["gateway", "every_sort_of_entry"]),
        (include_str!("../vectors/custody.hex"), &["kept", "release"]),
        (include_str!("../vectors/fragment.hex"), &["short", "poll"]),
        (include_str!("../vectors/status.hex"), &["missing"]),
    ];
    for (file, names) in files {
        for name in names {
            let line = file.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).expect(name);
            assert!(page.contains(line), "docs/protocol.md does not show {name} = {line}");
        }
    }
}

#[test]
fn codes_and_digits_match_the_vectors() {
    let file = include_str!("../vectors/pairing.txt");
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut vectors: BTreeMap<&str, &str> = lines.map(|line| line.split_once(" = ").expect(line)).collect();
    let mut take = |name: &str| vectors.remove(name).expect(name);

    let mut keys = crypto_vectors();
    let mut person = |node, key, name: &str| pairing::Person {
        node,
        key: PublicKey(keys.take_array(key)),
        name: name.try_into().unwrap(),
    };
    let rosa = person(HANDHELD, "public_a", "Rosa");
    let alice = [person(PERSON, "public_b", "alice")];
    let membership = pairing::Membership {
        network_key: NetworkKey(keys.take_array("network_key")),
        region: RegionCode::Ca,
        rate: "SF9/500".parse().unwrap(),
        guest: Some(HANDHELD),
        guest_name: "Rosa".try_into().unwrap(),
    };
    for (name, composed) in [
        ("card", pairing::Composed::card(&rosa)),
        ("house", pairing::Composed::house(GATEWAY, &alice)),
        ("invitation", pairing::Composed::invitation(GATEWAY, &alice, &membership)),
    ] {
        let text = take(name);
        assert_eq!(composed.to_string(), text, "{name}");
        let code = pairing::Code::parse(text).unwrap();
        assert_eq!(code.gateway().is_some(), name != "card", "{name}");
        assert_eq!(code.membership().is_some(), name == "invitation", "{name}");
        assert_eq!(code.persons().next().unwrap().node, if name == "card" { HANDHELD } else { PERSON });
    }
    let digits = pairing::Verification::of((HANDHELD, rosa.key), (PERSON, alice[0].key));
    assert_eq!(digits.to_string(), take("digits"));
    assert!(vectors.is_empty(), "not asserted: {vectors:?}");
}
