//! Golden stanzas of everything but [`outbound`](super::outbound), which has its own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::quality::Quality;
use fanal_protocol::time::Instant;
use xmpp_parsers::iq::Iq;
use xmpp_parsers::presence::{Presence, Type};

use super::names::sample::{ALICE, ROSA, SAM, Sample, assert_stanza, stanza};
use super::presence::{Edges, Hearing, Level, Manner, Thresholds};
use super::receipt::{self, Refusal};
use super::{inbound, presence, query};
use crate::words::Language;

const MANNER: Manner = Manner {
    thresholds: Thresholds {
        available: Duration::from_secs(1_800),
        away: Duration::from_secs(7_200),
        extended: Duration::from_secs(86_400),
    },
    language: Language::English,
};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// 2026-11-22T12:00:00Z
const NOON: u64 = 1_795_348_800;

fn radio_message(text: &str, received: u64) -> Option<xmpp_parsers::message::Message> {
    let id = MessageId { source: ROSA, destination: ALICE, counter: 7 };
    inbound::message(id, (false, text), (at(received), at(NOON)), &Sample::new(), Language::French)
}

#[test]
fn a_radio_message_becomes_a_chat_message_that_asks_for_a_receipt() {
    assert_stanza(
        radio_message("Bonjour", NOON).unwrap(),
        "<message from='rosa@lora.example/radio' to='alice@home.example' id='fanal-0201-0101-7' type='chat'>\
         <body>Bonjour</body><request xmlns='urn:xmpp:receipts'/>\
         <origin-id xmlns='urn:xmpp:sid:0' id='fanal-0201-0101-7'/><store xmlns='urn:xmpp:hints'/></message>",
    );
}

#[test]
fn an_old_radio_message_says_when_it_was_heard() {
    assert_stanza(
        radio_message("Bonjour", NOON - 60).unwrap(),
        "<message from='rosa@lora.example/radio' to='alice@home.example' id='fanal-0201-0101-7' type='chat'>\
         <body>Bonjour</body><request xmlns='urn:xmpp:receipts'/>\
         <origin-id xmlns='urn:xmpp:sid:0' id='fanal-0201-0101-7'/>\
         <delay xmlns='urn:xmpp:delay' from='lora.example' stamp='2026-11-22T11:59:00Z'/>\
         <store xmlns='urn:xmpp:hints'/></message>",
    );
}

#[test]
fn a_stamp_that_cannot_be_true_is_left_out() {
    for received in [60, NOON + 3_600] {
        let message = radio_message("x", received).unwrap();
        assert!(!message.payloads.iter().any(|payload| payload.name() == "delay"), "{received}");
    }
}

#[test]
fn what_xml_cannot_carry_is_replaced_not_lost() {
    let message = radio_message("bell \u{7} null \0 ok \u{FFFE}\n", NOON).unwrap();
    assert_eq!(message.bodies[""], "bell \u{FFFD} null \u{FFFD} ok \u{FFFD}\n");
}

#[test]
fn a_message_for_somebody_who_left_the_directory_has_no_stanza() {
    let id = MessageId { source: ROSA, destination: NodeId(0x0999), counter: 7 };
    assert!(
        inbound::message(id, (false, "x"), (at(NOON), at(NOON)), &Sample::new(), Language::French).is_none()
    );
}

#[test]
fn stanza_ids_lead_back_to_their_messages() {
    for counter in [0, 7, u32::MAX] {
        let id = MessageId { source: ROSA, destination: ALICE, counter };
        assert_eq!(inbound::message_id(&inbound::stanza_id(id)), Some(id));
    }
    for foreign in
        ["fanal-0201-0101-+7", "fanal-0201-0101-7-8", "fanal-0201-0101-4294967296", "fanal-0201-0000-1"]
    {
        assert_eq!(inbound::message_id(foreign), None, "{foreign}");
    }
}

#[test]
fn a_delivered_message_is_receipted_from_the_handheld() {
    let delivered = receipt::delivered(
        &"alice@home.example/phone".parse().unwrap(),
        &"rosa@lora.example".parse().unwrap(),
        "m1",
        "r1",
    );
    assert_stanza(
        delivered,
        "<message from='rosa@lora.example/radio' to='alice@home.example/phone' id='r1' type='chat'>\
         <received xmlns='urn:xmpp:receipts' id='m1'/></message>",
    );
}

#[test]
fn a_full_queue_asks_for_patience() {
    let error = receipt::error(
        &"alice@home.example/phone".parse().unwrap(),
        &"rosa@lora.example".parse().unwrap(),
        Some("m1"),
        &Refusal::QueueFull,
        Language::English,
    );
    assert_stanza(
        error,
        "<message from='rosa@lora.example' to='alice@home.example/phone' id='m1' type='error'><error type='wait'>\
         <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Not sent: too many messages wait for the \
         radio already. Try again in a while.</text></error></message>",
    );
}

fn hearing(minutes: u64) -> Hearing {
    Hearing {
        ago: Some(Duration::from_secs(minutes * 60)),
        quality: Some(Quality { rssi_dbm: -110, snr_quarter_db: 17 }),
        waiting: 0,
    }
}

#[test]
fn a_handheld_fades_from_available_to_unavailable() {
    let level = |minutes| hearing(minutes).level(&MANNER.thresholds);
    assert_eq!(
        [0, 30, 31, 120, 121, 1_440, 1_441].map(level),
        [
            Level::Available,
            Level::Available,
            Level::Away,
            Level::Away,
            Level::ExtendedAway,
            Level::ExtendedAway,
            Level::Unavailable,
        ]
    );
    assert_eq!(Hearing::default().level(&MANNER.thresholds), Level::Unavailable);
}

#[test]
fn the_status_says_when_and_how_well() {
    let words = |minutes, language| hearing(minutes).words(language);
    assert_eq!(words(12, Language::English), "heard 12 min ago, SNR 4 dB");
    assert_eq!(words(0, Language::English), "heard just now, SNR 4 dB");
    assert_eq!(words(180, Language::French), "entendu il y a 3 h, RSB 4 dB");
    assert_eq!(words(2_880, Language::French), "entendu il y a 2 jours, RSB 4 dB");
    let waiting = Hearing { waiting: 3, ..Hearing::default() };
    assert_eq!(waiting.words(Language::English), "never heard, 3 messages waiting");
}

fn answers(xml: &str) -> Vec<Presence> {
    let presence: Presence = stanza(xml).try_into().unwrap();
    presence::answer(
        &presence,
        &Sample::new(),
        |node| if node == ROSA { hearing(45) } else { Hearing::default() },
        at(NOON),
        MANNER,
    )
}

#[test]
fn a_probe_is_answered_with_the_truth() {
    let answer =
        answers("<presence from='alice@home.example' to='rosa@lora.example' type='probe'/>").remove(0);
    assert_stanza(
        answer,
        "<presence from='rosa@lora.example/radio' to='alice@home.example'><show>away</show>\
         <status>heard 45 min ago, SNR 4 dB</status>\
         <idle xmlns='urn:xmpp:idle:1' since='2026-11-22T11:15:00Z'/></presence>",
    );
    let answer =
        answers("<presence from='alice@home.example' to='sam@lora.example' type='probe'/>").remove(0);
    assert_stanza(
        answer,
        "<presence from='sam@lora.example/radio' to='alice@home.example' type='unavailable'>\
         <status>never heard</status></presence>",
    );
}

#[test]
fn persons_of_the_directory_are_subscribed_and_nobody_else() {
    let kinds = |from: &str, to: &str, kind: &str| -> Vec<Type> {
        let xml = format!("<presence from='{from}' to='{to}' type='{kind}'/>");
        answers(&xml).into_iter().map(|answer| answer.type_).collect()
    };
    let (alice, mallory) = ("alice@home.example", "mallory@home.example");
    assert_eq!(kinds(alice, "rosa@lora.example", "subscribe"), [Type::Subscribed, Type::None]);
    assert_eq!(kinds(alice, "lora.example", "subscribe"), [Type::Subscribed, Type::None]);
    assert_eq!(kinds(alice, "nobody@lora.example", "subscribe"), [Type::Unsubscribed]);
    assert_eq!(kinds(mallory, "rosa@lora.example", "subscribe"), [Type::Unsubscribed]);
    assert_eq!(kinds(mallory, "rosa@lora.example", "probe"), [Type::Unsubscribed]);
    assert_eq!(kinds(alice, "rosa@lora.example", "unsubscribe"), [Type::Unavailable]);
}

#[test]
fn nothing_that_is_an_answer_is_answered() {
    for kind in ["subscribed", "unsubscribed", "unavailable", "error"] {
        let xml = format!("<presence from='alice@home.example/a' to='rosa@lora.example' type='{kind}'/>");
        assert!(answers(&xml).is_empty(), "{kind}");
    }
    assert!(answers("<presence from='alice@home.example/a' to='rosa@lora.example'/>").is_empty());
    assert!(answers("<presence type='probe'/>").is_empty());
}

#[test]
fn presence_is_sent_on_edges_and_at_most_once_a_minute() {
    let mut edges = Edges::default();
    let at = Instant::from_secs;
    assert!(edges.due(ROSA, Level::Available, at(0)));
    assert!(!edges.due(ROSA, Level::Available, at(600)), "no edge");
    assert!(edges.due(SAM, Level::Away, at(600)), "another handheld");
    assert!(edges.due(ROSA, Level::Away, at(600)));
    assert!(!edges.due(ROSA, Level::Available, at(630)), "too soon");
    assert!(edges.due(ROSA, Level::Available, at(660)), "made up for later");
    edges.forget();
    assert!(edges.due(ROSA, Level::Available, at(661)));
}

#[track_caller]
fn assert_answer(question: &str, answer: &str) {
    let iq: Iq = stanza(question).try_into().unwrap();
    let found = query::answer(&iq, &Sample::new()).unwrap();
    assert_stanza(found, answer);
}

#[test]
fn the_gateway_says_what_it_is() {
    let info = |to: &str| -> Iq {
        let question = format!(
            "<iq type='get' id='1' from='alice@home.example/a' to='{to}'>\
             <query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
        );
        query::answer(&stanza(&question).try_into().unwrap(), &Sample::new()).unwrap()
    };
    for (to, category, kind, name) in [
        ("lora.example", "gateway", "lora", "Fanal (LoRa)"),
        ("rosa@lora.example", "account", "registered", "Rosa"),
        ("rosa@lora.example/radio", "client", "handheld", "Rosa"),
    ] {
        let Iq::Result { payload: Some(result), .. } = info(to) else { panic!("{to}") };
        let identity = result.children().find(|child| child.name() == "identity").unwrap();
        assert_eq!(
            (identity.attr("category"), identity.attr("type"), identity.attr("name")),
            (Some(category), Some(kind), Some(name))
        );
        assert!(result.children().any(|child| child.attr("var") == Some("urn:xmpp:ping")));
    }
}

#[test]
fn the_gateway_lists_its_handhelds_for_those_it_knows() {
    assert_answer(
        "<iq type='get' id='1' from='alice@home.example/a' to='lora.example'>\
         <query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "<iq type='result' id='1' from='lora.example' to='alice@home.example/a'>\
         <query xmlns='http://jabber.org/protocol/disco#items'><item jid='rosa@lora.example' name='Rosa'/>\
         <item jid='sam@lora.example' name='Sam'/></query></iq>",
    );
    assert_answer(
        "<iq type='get' id='1' from='mallory@home.example/a' to='lora.example'>\
         <query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "<iq type='result' id='1' from='lora.example' to='mallory@home.example/a'>\
         <query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
    );
}

#[test]
fn pings_and_versions_are_answered_and_other_queries_refused() {
    assert_answer(
        "<iq type='get' id='1' from='home.example' to='rosa@lora.example/radio'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq type='result' id='1' from='rosa@lora.example/radio' to='home.example'/>",
    );
    let version = format!(
        "<iq type='result' id='1' from='lora.example' to='alice@home.example/a'>\
         <query xmlns='jabber:iq:version'><name>Fanal</name><version>{}</version></query></iq>",
        env!("CARGO_PKG_VERSION")
    );
    assert_answer(
        "<iq type='get' id='1' from='alice@home.example/a' to='lora.example'><query xmlns='jabber:iq:version'/></iq>",
        &version,
    );
    let refused = |condition: &str, to: &str| {
        format!(
            "<iq type='error' id='1' from='{to}' to='alice@home.example/a'><error type='cancel'>\
             <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
    };
    let ask = |kind: &str, to: &str, query: &str| {
        format!("<iq type='{kind}' id='1' from='alice@home.example/a' to='{to}'>{query}</iq>")
    };
    let vcard = "<vCard xmlns='vcard-temp'/>";
    assert_answer(
        &ask("get", "rosa@lora.example", vcard),
        &refused("service-unavailable", "rosa@lora.example"),
    );
    assert_answer(&ask("set", "lora.example", vcard), &refused("service-unavailable", "lora.example"));
    let ping = "<ping xmlns='urn:xmpp:ping'/>";
    assert_answer(
        &ask("get", "nobody@lora.example", ping),
        &refused("item-not-found", "nobody@lora.example"),
    );
    let node = "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>";
    assert_answer(&ask("get", "lora.example", node), &refused("item-not-found", "lora.example"));
}

#[test]
fn results_and_errors_are_never_answered() {
    for xml in [
        "<iq type='result' id='1' from='alice@home.example/a' to='lora.example'/>",
        "<iq type='error' id='1' from='alice@home.example/a' to='lora.example'><error type='cancel'>\
         <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    ] {
        assert!(query::answer(&stanza(xml).try_into().unwrap(), &Sample::new()).is_none(), "{xml}");
    }
}
