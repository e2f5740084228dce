//! Cards and invitations, taken and refused, in the words that the person reads.

use std::string::ToString;

use fanal_protocol::crypto::{NetworkKey, PublicKey, SecretKey};
use fanal_protocol::id::NodeId;
use fanal_protocol::pairing::{Composed, Membership, Person, Verification};
use fanal_protocol::region::RegionCode;

use super::*;

fn key(seed: u8) -> PublicKey {
    SecretKey::from_bytes([40 + seed; 32]).public()
}

fn somebody(node: u16, seed: u8, name: &str) -> Person {
    Person { node: NodeId(node), key: key(seed), name: name.try_into().unwrap() }
}

fn card(node: u16, seed: u8, name: &str) -> String {
    Composed::card(&somebody(node, seed, name)).to_string()
}

fn membership(network: u8) -> Membership {
    Membership {
        network_key: NetworkKey([network; 16]),
        region: RegionCode::Ca,
        rate: "SF7/500".parse().unwrap(),
        guest: Some(NodeId(0x0203)),
        guest_name: "Rosa Tremblay".try_into().unwrap(),
    }
}

fn invitation(network: u8) -> String {
    let persons = [somebody(0x0101, 1, "alice"), somebody(0x0102, 2, "bob")];
    Composed::invitation(NodeId(0x0100), &persons, &membership(network)).to_string()
}

/// What the entropy `01…` makes of the first key.
const OWN: &str = "15b5a59bb942ede4f4703a39ec4b56d9844ed587d81cf6fd63b6f98913fff360";

fn own(node: u16, name: &str) -> Person {
    Person { node: NodeId(node), key: OWN.parse().unwrap(), name: name.try_into().unwrap() }
}

#[tokio::test(start_paused = true)]
async fn one_invitation_sets_everything_up() {
    let invited = invitation(7);
    let again = invited.to_lowercase();
    let shown = Composed::card(&own(0x0203, "Rosa Tremblay")).to_string();
    let digits = Verification::of((NodeId(0x0203), OWN.parse().unwrap()), (NodeId(0x0101), key(1)));
    let entropy = "01".repeat(32);
    converse(&format!(
        "Fanal 0.1.0 — /help pour l’aide
à régler~: /node /region /network /key new
> /language en
English
> /pair
! not ready yet, to be set: /node /key new
> /pair {invited}
! not enough randomness: first /entropy <64 hex digits>
> /contacts
no contacts
> /entropy {entropy}
randomness added
> /pair {invited}
channel CA 915.500 MHz SF7/500 22 dBm
network key stored
address 0203
0101 alice via 0100, not heard yet
0102 bob via 0100, not heard yet
card, not a secret: {shown}
> /status
0203 on CA 915.500 MHz SF7/500 22 dBm, waiting: 0, airtime unlimited, Fanal 0.1.0
> /verify alice
alice must see the same digits: {digits}
> /pair {again}
channel CA 915.500 MHz SF7/500 22 dBm
network key stored
address 0203
0101 alice via 0100, not heard yet
0102 bob via 0100, not heard yet
card, not a secret: {shown}
"
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_replaced_unless_the_person_says_so() {
    let (invited, elsewhere) = (invitation(7), invitation(8));
    let (impostor, renamed) = (card(0x0101, 9, "alice"), card(0x0101, 1, "Alice-la-grande"));
    let entropy = "01".repeat(32);
    let shown = Composed::card(&own(0x0203, "Rosa Tremblay")).to_string();
    converse(&format!(
        "Fanal 0.1.0 — /help pour l’aide
à régler~: /node /region /network /key new
> /language en
English
> /entropy {entropy}
randomness added
> /pair {invited}
channel CA 915.500 MHz SF7/500 22 dBm
network key stored
address 0203
0101 alice via 0100, not heard yet
0102 bob via 0100, not heard yet
card, not a secret: {shown}
> /pair {elsewhere}
! you would leave your network for another; if you mean it, the same line with replace at its end
> /pair {impostor}
! 0101 has another key here; if this is not their new one, somebody pretends to be them; if you mean it, the same line with replace at its end
> /contact 0101 alice {impostor_key}
! 0101 has another key here; if this is not their new one, somebody pretends to be them; if you mean it, the same line with replace at its end
> /key new
! your key would be lost and all your contacts had to be paired anew; if you mean it, the same line with replace at its end
> /node 0204
! this address would replace yours, and all your contacts had to be paired anew; if you mean it, the same line with replace at its end
> /network 00112233445566778899aabbccddeeff
! you would leave your network for another; if you mean it, the same line with replace at its end
> /key
public key {OWN}
> /verify alice
alice must see the same digits: {before}
> /pair {renamed}
0101 Alice-la-grande, not heard yet
> /pair {impostor} alice replace
0101 alice, not heard yet
> /verify alice
alice must see the same digits: {after}
> /pair {elsewhere} remplacer
channel CA 915.500 MHz SF7/500 22 dBm
network key stored
address 0203
0101 alice via 0100, not heard yet
0102 bob via 0100, not heard yet
card, not a secret: {shown}
> /node 0204 replace
address 0204
",
        impostor_key = key(9),
        before = Verification::of((NodeId(0x0203), OWN.parse().unwrap()), (NodeId(0x0101), key(1))),
        after = Verification::of((NodeId(0x0203), OWN.parse().unwrap()), (NodeId(0x0101), key(9))),
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_cannot_be_taken_changes_nothing() {
    let weak = Composed::card(&Person { key: PublicKey([0; 32]), ..somebody(0x0101, 1, "x") }).to_string();
    let mine = Composed::card(&own(0x0201, "")).to_string();
    let me_elsewhere = Composed::card(&own(0x0209, "")).to_string();
    let entropy = "01".repeat(32);
    converse(&format!(
        "Fanal 0.1.0 — /help pour l’aide
à régler~: /node /region /network /key new
> /language en
English
> /node 0201
address 0201
> /entropy {entropy}
randomness added
> /key new
public key {OWN}
> /jumeler
card, not a secret: {mine}
> /pair {mine}
! this address is taken: 0201
> /pair {me_elsewhere}
! this public key is no good: weak, or your own
> /pair {weak}
! this public key is no good: weak, or your own
> /pair FANAL:CARD/AEAAAAIB
! this code is no good: a character of the code is wrong, missing or too many
> /pair {alice} Alice Bob
! one too many: Bob
> /pair {alice} 0102
! a name has 1 to 24 octets and is not another’s address
> /pair {alice}
0101 Alice-B, not heard yet
to be set: /region /network
> /pair {twin}
! 0101 has this key already
> /pair {namesake}
0102 Alice-B-0102, not heard yet
to be set: /region /network
> /pair {nameless}
0103 0103, not heard yet
to be set: /region /network
> /pair {disguised}
0104 0104, not heard yet
to be set: /region /network
> /pair {namesake} Bob
0102 Bob, not heard yet
to be set: /region /network
> /pair {bob_again}
0102 Bob, not heard yet
to be set: /region /network
",
        alice = card(0x0101, 1, "Alice B"),
        twin = card(0x0102, 1, "Twin"),
        namesake = card(0x0102, 2, "Alice B"),
        nameless = card(0x0103, 3, ""),
        bob_again = card(0x0102, 2, ""),
        disguised = card(0x0104, 4, "0101"),
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_invitation_fits_on_a_line() {
    let persons: Vec<_> =
        (1..=15).map(|n| somebody(0x0100 + n, n as u8, &format!("{n:02}-lettres-au-maximum-ok"))).collect();
    let membership = Membership { guest_name: "x".repeat(24).as_str().try_into().unwrap(), ..membership(7) };
    let code = Composed::invitation(NodeId(0x0100), &persons, &membership).to_string();
    assert_eq!(code.len(), fanal_protocol::pairing::MAX_CODE);
    let air = Air::new(Settings::room(), 1);
    let (line, clock, mut flash) = (Line::new(), SimulatedClock::new(), MemoryFlash::new(PAGES));
    let device = handheld(&air, "handheld", &line, &clock, &mut flash);
    let talk = async {
        line.send(format!("/language en\n/entropy {}\n", "01".repeat(32)).as_bytes()).await;
        line.send(format!("/pair {code} remplacer\n").as_bytes()).await;
        line.sees("card, not a secret").await;
        line.send(format!("/pair {}\n", card(0x0301, 30, "Marc")).as_bytes()).await;
        line.sees("0301 Marc").await;
        line.send(format!("/pair {}\n", card(0x0302, 31, "Jeanne")).as_bytes()).await;
        line.sees("! 16 contacts already, no room").await;
    };
    with(device, talk).await;
}
