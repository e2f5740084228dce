use proptest::prelude::*;
use xmpp_parsers::message::Message;

use super::fuzz::{HEADER, LIMITS, read_anything};
use super::*;

fn reader(octets: &str) -> Reader<std::io::Cursor<Vec<u8>>> {
    let octets = [HEADER, octets.as_bytes()].concat();
    Reader::new(std::io::Cursor::new(octets), Dialect::Component, LIMITS)
}

/// All that the octets are understood as, and how the stream ended.
async fn read(octets: &str) -> (Vec<Result<Stanza, Box<Invalid>>>, Error) {
    let mut reader = reader(octets);
    let header = reader.header().await.unwrap();
    assert_eq!(header.get(Namespace::none(), "id").map(String::as_str), Some("s1"));
    let mut stanzas = Vec::new();
    loop {
        match reader.stanza().await {
            Ok(stanza) => stanzas.push(stanza),
            Err(error) => return (stanzas, error),
        }
    }
}

fn id_of(stanza: &Result<Stanza, Box<Invalid>>) -> Option<String> {
    match stanza {
        Ok(Stanza::Message(message)) => message.id.clone().map(|id| id.0),
        Ok(Stanza::Presence(presence)) => presence.id.clone(),
        Ok(Stanza::Iq(iq)) => Some(iq.id().to_owned()),
        Err(invalid) => invalid.head.id.clone(),
    }
}

const GOOD: &str = "<message id='good'><body>ok</body></message>";

/// The defect of a stanza that must not harm the one after it.
async fn defect(bad: &str) -> Defect {
    let (mut stanzas, _) = read(&format!("{bad}{GOOD}")).await;
    assert_eq!(stanzas.len(), 2, "{stanzas:?}");
    assert_eq!(id_of(&stanzas[1]).as_deref(), Some("good"));
    stanzas.remove(0).unwrap_err().defect
}

#[tokio::test]
async fn stanzas_are_read_in_order_past_white_space() {
    let (stanzas, error) = read(&format!(" \n <presence id='p'/>\n\n{GOOD} </stream:stream>")).await;
    let ids: Vec<_> = stanzas.iter().filter_map(id_of).collect();
    assert_eq!(ids, ["p", "good"]);
    assert!(matches!(error, Error::Closed), "{error:?}");
}

#[tokio::test]
async fn a_long_stanza_costs_only_itself() {
    let long = "x".repeat(LIMITS.octets);
    assert_eq!(defect(&format!("<message><body>{long}</body></message>")).await, Defect::TooLong(2_048));
    let quotes = "&quot;".repeat(LIMITS.octets);
    assert_eq!(defect(&format!("<message><body>{quotes}</body></message>")).await, Defect::TooLong(2_048));
    let attribute = "&quot;".repeat(LIMITS.octets / 2);
    assert_eq!(defect(&format!("<message a='{attribute}'/>")).await, Defect::TooLong(2_048));
}

#[tokio::test]
async fn a_deep_or_wide_stanza_costs_only_itself() {
    let deep = format!("<message>{}{}</message>", "<a>".repeat(8), "</a>".repeat(8));
    assert_eq!(defect(&deep).await, Defect::TooDeep(8));
    let wide = format!("<message>{}</message>", "<a/>".repeat(32));
    assert_eq!(defect(&wide).await, Defect::TooManyElements(32));
    let (stanzas, _) = read(&format!("<message>{}{}</message>", "<a>".repeat(7), "</a>".repeat(7))).await;
    assert!(stanzas[0].is_ok());
}

#[tokio::test]
async fn a_meaningless_stanza_costs_only_itself() {
    for bad in [
        "<message from='@@'/>",
        "<message><thread>1</thread><thread>2</thread></message>",
        "<iq type='get' id='1'/>",
        "<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq id='1'/>",
        "<presence type='bogus'/>",
        "<presence to='@'><show/></presence>",
        "<handshake/>",
        "<message xmlns='jabber:server'/>",
    ] {
        assert!(matches!(defect(bad).await, Defect::Meaningless(_)), "{bad}");
    }
}

#[tokio::test]
async fn a_message_of_an_unknown_type_is_an_ordinary_one() {
    let (stanzas, _) = read("<message type='shout' from='a@b/c'><body>hé</body></message>").await;
    let Ok(Stanza::Message(message)) = &stanzas[0] else { panic!("{stanzas:?}") };
    assert_eq!(message.type_, xmpp_parsers::message::MessageType::Normal);
}

#[tokio::test]
async fn a_presence_with_a_bad_show_is_still_a_presence() {
    for show in ["<show/>", "<show>bogus</show>", "<priority>900</priority>"] {
        let (stanzas, _) =
            read(&format!("<presence from='a@b/c' type='unavailable'>{show}</presence>")).await;
        let Ok(Stanza::Presence(presence)) = &stanzas[0] else { panic!("{stanzas:?}") };
        assert_eq!(presence.type_, xmpp_parsers::presence::Type::Unavailable);
        assert_eq!(presence.from.as_ref().map(ToString::to_string).as_deref(), Some("a@b/c"));
    }
}

#[tokio::test]
async fn attributes_that_nobody_defined_are_ignored() {
    let (stanzas, _) = read("<message id='1' shiny='yes' xmlns:z='z' z:id='2' xml:lang='fr'/>").await;
    assert_eq!(id_of(&stanzas[0]).as_deref(), Some("1"));
    assert!(stanzas[0].is_ok(), "{stanzas:?}");
}

#[tokio::test]
async fn the_language_of_a_message_is_that_of_its_body() {
    let (stanzas, _) = read("<message xml:lang='fr'><body>Bonjour</body></message>").await;
    let Ok(Stanza::Message(message)) = &stanzas[0] else { panic!("{stanzas:?}") };
    let (language, _) = message.get_best_body(Vec::new()).unwrap();
    assert_eq!(language.0, "fr");
}

#[tokio::test]
async fn senders_of_requests_and_messages_are_answered_and_nobody_else() {
    let answer = async |bad: &str| {
        let (mut stanzas, _) = read(bad).await;
        stanzas
            .remove(0)
            .unwrap_err()
            .answer()
            .map(|answer| String::from_utf8(encode(Dialect::Client, &answer).unwrap().to_vec()).unwrap())
    };
    let reply = answer("<iq type='get' id='1' from='a@b/c' to='d@e'/>").await.unwrap();
    for part in ["type='error'", "from='d@e'", "to='a@b/c'", "id='1'", "<bad-request"] {
        assert!(reply.contains(part), "{part} is not in {reply}");
    }
    let long = "x".repeat(LIMITS.octets);
    let reply = answer(&format!("<message id='2' from='a@b/c' to='d@e'><body>{long}</body></message>")).await;
    assert!(reply.is_some_and(|reply| reply.contains("type='error'") && reply.contains("<policy-violation")));
    for silent in [
        "<iq type='error' id='1' from='a@b/c' to='d@e'/>",
        "<iq type='get' from='a@b/c' to='d@e'/>",
        "<iq type='get' id='1' from='@' to='d@e'/>",
        "<message type='error' from='a@b/c' to='d@e'><thread/><thread/></message>",
        "<presence type='bogus' from='a@b/c' to='d@e'/>",
    ] {
        assert_eq!(answer(silent).await, None, "{silent}");
    }
}

#[tokio::test]
async fn ill_formed_xml_ends_the_stream() {
    for bad in
        ["<message></presence>", "<message a=1/>", "<!DOCTYPE x>", "<!-- c -->", "<a>&x;</a>", "<a>\u{1}</a>"]
    {
        let (stanzas, error) = read(&format!("{GOOD}{bad}{GOOD}")).await;
        assert_eq!(stanzas.len(), 1);
        assert!(matches!(error, Error::IllFormed(_)), "{bad}: {error:?}");
    }
}

#[tokio::test]
async fn a_tag_without_end_ends_the_stream() {
    let endless = " a='x'".repeat(LIMITS.octets * ESCAPING).replace("a=", "a1=");
    let (_, error) = read(&format!("<message{endless}")).await;
    assert!(matches!(error, Error::IllFormed(_)), "{error:?}");
    let distinct: String = (0..LIMITS.octets).map(|n| format!(" a{n}='{n}'")).collect();
    let (_, error) = read(&format!("<message{distinct}")).await;
    assert!(error.to_string().contains("a single tag is longer"), "{error:?}");
}

#[tokio::test]
async fn an_interrupted_stream_is_closed_not_ill_formed() {
    for cut in ["", "<", "<mess", "<message>", "<message><body>te"] {
        let (_, error) = read(cut).await;
        assert!(matches!(error, Error::Closed), "{cut}: {error:?}");
    }
}

#[tokio::test]
async fn a_stream_error_says_why() {
    let (_, error) = read(
        "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>again</text></stream:error>",
    )
    .await;
    assert_eq!(error.to_string(), "the server ended the stream: conflict (\"again\")");
}

#[tokio::test]
async fn what_is_no_stream_is_refused() {
    for wrong in ["<html>", "HTTP/1.1 400 Bad Request", "", "<?xml version='1.0'?><stream>"] {
        let cursor = std::io::Cursor::new(wrong.as_bytes().to_vec());
        let mut reader = Reader::new(cursor, Dialect::Component, LIMITS);
        reader.header().await.unwrap_err();
    }
}

#[tokio::test]
async fn an_abandoned_read_loses_nothing() {
    use tokio::io::AsyncWriteExt;
    let (near, mut far) = tokio::io::duplex(64 * 1024);
    let mut reader = Reader::new(near, Dialect::Component, LIMITS);
    far.write_all(HEADER).await.unwrap();
    reader.header().await.unwrap();
    for octet in GOOD.as_bytes().chunks(1) {
        let early = tokio::time::timeout(std::time::Duration::ZERO, reader.stanza()).await;
        assert!(early.is_err());
        far.write_all(octet).await.unwrap();
    }
    let stanza = reader.stanza().await.unwrap();
    assert_eq!(id_of(&stanza).as_deref(), Some("good"));
}

#[test]
fn stanzas_are_written_in_the_dialect_of_the_stream() {
    let message = Message::chat(None).with_body("".into(), "a<b & c".to_owned());
    let written = |dialect| String::from_utf8(encode(dialect, &message).unwrap().to_vec()).unwrap();
    let expected = "<message type='chat'><body>a&lt;b &amp; c</body></message>";
    assert_eq!(written(Dialect::Component), expected);
    assert_eq!(written(Dialect::Client), expected);
}

#[test]
fn what_xml_cannot_carry_is_not_written() {
    let message = Message::chat(None).with_body("".into(), "bell \u{7}".to_owned());
    encode(Dialect::Client, &message).unwrap_err();
}

/// Octets that are nearly stanzas.
fn nearly_stanzas() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "<message", "<presence", "<iq", " id='1'", " from='a@b/c'", " type='get'", " xmlns='x'", ">", "/>",
            "<body>", "</body>", "<show>", "</show>", "</message>", "</presence>", "</iq>", "&lt;", "&#x41;", "text",
            " ", "<![CDATA[", "]]>", "<stream:error>", "</stream:error>", "<ping xmlns='urn:xmpp:ping'/>", "é",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        2 => prop::sample::select(vec![
            "<message id='1'><body xml:lang='fr'>Ça</body><x xmlns='y' z='1'><w/>\r\n</x></message>",
            "<presence from='a@b/c'><show>away</show><status>x</status></presence>",
            "<iq type='set' id='2' from='a@b'><query xmlns='jabber:iq:roster'/></iq>",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..4_000),
                                    cuts in prop::collection::vec(any::<u8>(), 0..40)) {
        read_anything(&octets, &cuts);
    }

    #[test]
    fn near_stanzas_never_panic_and_survive_a_round_trip(octets in nearly_stanzas(),
                                                        cuts in prop::collection::vec(any::<u8>(), 0..40)) {
        read_anything(&octets, &cuts);
    }

    #[test]
    fn where_the_octets_are_cut_makes_no_difference(octets in nearly_stanzas(),
                                                   cuts in prop::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(read_anything(&octets, &cuts), read_anything(&octets, &[]));
    }
}
