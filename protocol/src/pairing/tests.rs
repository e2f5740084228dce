use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::crypto::SecretKey;

fn limits() -> ProptestConfig {
    ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() }
}

fn somebody(node: u16, seed: u8, name: &str) -> Person {
    Person {
        node: NodeId(node),
        key: SecretKey::from_bytes([seed; 32]).public(),
        name: name.try_into().unwrap(),
    }
}

fn membership() -> Membership {
    Membership {
        network_key: NetworkKey([7; 16]),
        region: RegionCode::Eu,
        rate: "SF12/125/4:8".parse().unwrap(),
        guest: Some(NodeId(0x0203)),
        guest_name: "Rosa Tremblay".try_into().unwrap(),
    }
}

prop_compose! {
    fn person_at(node: u16)(key: [u8; 32], name in "[a-zé]{0,12}") -> Person {
        Person { node: NodeId(node), key: PublicKey(key), name: name.as_str().try_into().unwrap() }
    }
}

fn house() -> impl Strategy<Value = Vec<Person>> {
    (1..=MAX_PERSONS as u16)
        .prop_flat_map(|number| (0x0101..=0x0100 + number).map(person_at).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(limits())]

    #[test]
    fn a_card_is_read_as_it_was_written(person in person_at(0x0201)) {
        let text = Composed::card(&person).to_string();
        let code = Code::parse(&text).unwrap();
        prop_assert!(code.gateway().is_none() && code.membership().is_none());
        prop_assert_eq!(code.persons().collect::<Vec<_>>(), [person]);
    }

    #[test]
    fn an_invitation_is_read_as_it_was_written_in_whatever_case(persons in house()) {
        let written = membership();
        let text = Composed::invitation(NodeId(0x0100), &persons, &written).to_string();
        prop_assert!(text.len() <= MAX_CODE);
        for text in [text.clone(), text.to_lowercase()] {
            let code = Code::parse(&text).unwrap();
            prop_assert_eq!(code.gateway(), Some(NodeId(0x0100)));
            prop_assert_eq!(code.persons().collect::<Vec<_>>(), persons.clone());
            let read = code.membership().unwrap();
            prop_assert_eq!(read.network_key.0, written.network_key.0);
            prop_assert_eq!((read.region, read.rate), (written.region, written.rate));
            prop_assert_eq!((read.guest, &read.guest_name), (written.guest, &written.guest_name));
        }
    }

    #[test]
    fn no_character_can_be_changed_lost_or_added(at: prop::sample::Index, other in "[A-Z2-7]", secret: bool) {
        let persons = [somebody(0x0101, 1, "Alice"), somebody(0x0102, 2, "Bob")];
        let members = membership();
        let composed = if secret {
            Composed::invitation(NodeId(0x0100), &persons, &members)
        } else {
            Composed::house(NodeId(0x0100), &persons)
        };
        let text = composed.to_string();
        let at = at.index(text.len());
        let changed = [
            [&text[..at], &other, &text[at + 1..]].concat(),
            [&text[..at], &text[at + 1..]].concat(),
            [&text[..at], &other, &text[at..]].concat(),
            text[..at].to_string(),
        ];
        for changed in changed.iter().filter(|changed| **changed != text) {
            prop_assert!(Code::parse(changed).is_err(), "{} passes for {}", changed, text);
        }
    }

    #[test]
    fn no_text_harms_the_reader(text: String, body in "[A-Za-z2-7]{0,300}") {
        let _ = Code::parse(&text);
        for prefix in [CARD, INVITATION] {
            prop_assert!(Code::parse(&(String::from(prefix) + &body)).is_err());
        }
    }

    /// Behind a right check anything may stand: somebody who knows how made it.
    #[test]
    fn octets_with_a_right_check_are_read_or_refused(octets: Vec<u8>, head in 0..3usize, invites: bool) {
        let mut all = std::vec![VERSION];
        // Most would fall at the number of persons.
        all.extend_from_slice([&[][..], &[0, 0, 1], &[1, 0, 2]][head]);
        all.extend(octets);
        let text = with_check(if invites { INVITATION } else { CARD }, &all);
        if let Ok(code) = Code::parse(&text) {
            prop_assert_eq!(code.persons().count(), code.persons);
        }
    }

    #[test]
    fn base32_is_read_as_it_was_written(octets: Vec<u8>) {
        let text = Plain(&octets).to_string();
        prop_assert_eq!(text.len(), base32::length(octets.len()));
        prop_assert_eq!(base32::octets(&text).unwrap().collect::<Vec<_>>(), octets);
    }
}

struct Plain<'a>(&'a [u8]);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = base32::Writer::new(f);
        writer.write(self.0)?;
        writer.end()
    }
}

fn with_check(prefix: &str, octets: &[u8]) -> String {
    let hash = Sha256::new_with_prefix(prefix).chain_update(octets).finalize();
    let all: Vec<u8> = octets.iter().copied().chain(hash.into_iter().take(CHECK)).collect();
    String::from(prefix) + &Plain(&all).to_string()
}

#[test]
fn base32_is_that_of_the_rfc() {
    for (octets, text) in [
        ("", ""),
        ("f", "MY"),
        ("fo", "MZXQ"),
        ("foo", "MZXW6"),
        ("foob", "MZXW6YQ"),
        ("foobar", "MZXW6YTBOI"),
    ] {
        assert_eq!(Plain(octets.as_bytes()).to_string(), text);
    }
    // Lengths that no octets have, and bits that no octet needs.
    for text in ["A", "AAA", "AAAAAA", "MZ", "M1", "é"] {
        assert!(base32::octets(text).is_none(), "{text}");
    }
}

#[test]
fn a_code_that_contradicts_itself_is_refused() {
    let alice = somebody(0x0101, 1, "Alice");
    let twins = [alice.clone(), Person { node: NodeId(0x0102), ..alice.clone() }];
    let doubles = [alice.clone(), somebody(0x0101, 2, "Bob")];
    let members = membership();
    let nobody = Person { node: NodeId::NONE, ..alice.clone() };
    let everybody = Person { node: NodeId::BROADCAST, ..alice.clone() };
    let spoken = Person { name: "a\u{9b}2J".try_into().unwrap(), ..alice.clone() };
    let alone = core::slice::from_ref(&alice);
    for composed in [
        Composed::house(NodeId(0x0100), &twins),
        Composed::house(NodeId(0x0100), &doubles),
        Composed::house(NodeId(0x0100), &[]),
        Composed::house(NodeId(0x0101), alone),
        Composed::house(NodeId::BROADCAST, alone),
        Composed::card(&nobody),
        Composed::card(&everybody),
        Composed::card(&spoken),
        Composed { membership: Some(&members), ..Composed::card(&alice) },
    ] {
        let text = composed.to_string();
        assert_eq!(Code::parse(&text).err(), Some(Invalid::Impossible), "{composed:?}");
    }
    for guest in [NodeId::BROADCAST, NodeId::NONE] {
        let members = Membership { guest: Some(guest), ..membership() };
        let text = Composed::invitation(NodeId(0x0100), alone, &members).to_string();
        assert_eq!(Code::parse(&text).is_ok(), guest == NodeId::NONE, "{guest}");
    }
}

#[test]
fn a_card_is_no_invitation_whatever_it_is_called() {
    let persons = [somebody(0x0101, 1, "Alice")];
    let members = membership();
    let invitation = Composed::invitation(NodeId(0x0100), &persons, &members).to_string();
    let disguised = invitation.replace("INVITATION", "CARD");
    assert_eq!(Code::parse(&disguised).err(), Some(Invalid::Damaged));
}

#[test]
fn other_versions_and_other_texts_are_told_apart() {
    assert_eq!(Code::parse("https://example.org").err(), Some(Invalid::NoCode));
    assert_eq!(Code::parse("FANAL:ROOM/AA").err(), Some(Invalid::NoCode));
    assert!(Code::is_meant_by("fanal:room") && !Code::is_meant_by("fanal") && !Code::is_meant_by("é"));
    let mut later = std::vec![9];
    later.extend([0; 40]);
    assert_eq!(Code::parse(&with_check(CARD, &later)).err(), Some(Invalid::Version(9)));
    assert_eq!(Code::parse(CARD).err(), Some(Invalid::Damaged));
}

#[test]
fn names_that_do_not_show_are_refused() {
    for name in ["", "Rosa", "Rosa Tremblay", "Grand-père", "👩\u{200d}🚒"] {
        assert!(is_name(name), "{name}");
    }
    for name in
        [" Rosa", "Rosa ", "a  b", "a\tb", "a\nb", "a\u{1b}[2J", "a\u{2028}b", "xxxxxxxxxxxxxxxxxxxxxxxxx"]
    {
        assert!(!is_name(name), "{name:?}");
    }
}

#[test]
fn both_sides_see_the_same_digits_and_any_other_key_or_address_changes_them() {
    let alice = (NodeId(0x0101), SecretKey::from_bytes([1; 32]).public());
    let rosa = (NodeId(0x0201), SecretKey::from_bytes([2; 32]).public());
    let eve = SecretKey::from_bytes([3; 32]).public();
    let digits = Verification::of(alice, rosa);
    assert_eq!(digits, Verification::of(rosa, alice));
    assert_ne!(digits, Verification::of((alice.0, eve), rosa));
    assert_ne!(digits, Verification::of((NodeId(0x0102), alice.1), rosa));
    let text = digits.to_string();
    assert_eq!((text.len(), text.split(' ').count()), (29, 6), "{text}");
}
