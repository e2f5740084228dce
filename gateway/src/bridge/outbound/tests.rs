use super::*;
use crate::bridge::names::sample::{ALICE, ROSA, Sample, assert_stanza, message};

const MAX: usize = 237;

fn outcome(xml: &str) -> Outcome {
    translate(&message(xml), &Sample::new(), MAX, Language::French)
}

/// What comes of a message of Alice's to Rosa with these children.
fn to_rosa(children: &str) -> Outcome {
    outcome(&format!(
        "<message from='alice@home.example/phone' to='rosa@lora.example' id='m1' type='chat'>{children}</message>"
    ))
}

#[track_caller]
fn accepted(outcome: Outcome) -> Draft {
    match outcome {
        Outcome::Accept(draft) => draft,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ignored(outcome: Outcome) -> Ignored {
    match outcome {
        Outcome::Ignore(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// The condition and the words of the error that comes back to the sender, by the stanza's id.
#[track_caller]
fn refused(outcome: Outcome) -> (String, String) {
    let Outcome::Reply(reply) = outcome else { panic!("{outcome:?}") };
    assert_eq!(reply.type_, MessageType::Error);
    assert_eq!(reply.id.as_ref().map(|id| id.0.as_str()), Some("m1"));
    assert_eq!(reply.to.as_ref().map(ToString::to_string).as_deref(), Some("alice@home.example/phone"));
    let reason = body::reason(&reply);
    let (condition, words) = reason.split_once(": ").unwrap();
    (condition.to_owned(), words.to_owned())
}

#[test]
fn a_text_is_accepted_with_all_that_is_needed_to_answer_it() {
    let draft = accepted(to_rosa(
        "<body xml:lang='en'> See you at 6 \n</body><request xmlns='urn:xmpp:receipts'/>\
         <origin-id xmlns='urn:xmpp:sid:0' id='o1'/><active xmlns='http://jabber.org/protocol/chatstates'/>",
    ));
    assert_eq!(
        draft,
        Draft {
            from_bare: "alice@home.example".parse().unwrap(),
            from_full: "alice@home.example/phone".parse().unwrap(),
            to: "rosa@lora.example".parse().unwrap(),
            source: ALICE,
            destination: ROSA,
            stanza_id: Some("m1".to_owned()),
            repetition_key: Some("o1".to_owned()),
            replaces: None,
            body: "See you at 6".to_owned(),
            urgent: false,
            wants_receipt: true,
            language: Language::English,
        }
    );
}

#[test]
fn a_repetition_is_told_by_the_id_when_there_is_no_origin_id() {
    let draft = accepted(to_rosa("<body>x</body>"));
    assert_eq!(draft.repetition_key.as_deref(), Some("m1"));
    assert!(!draft.wants_receipt);
    assert_eq!(draft.language, Language::French, "the site's");
    let xml = "<message from='alice@home.example/a' to='rosa@lora.example/radio'><body>x</body></message>";
    let draft = accepted(outcome(xml));
    assert_eq!((draft.stanza_id, draft.repetition_key), (None, None));
    assert_eq!(draft.to.to_string(), "rosa@lora.example");
}

#[test]
fn of_several_bodies_the_sites_language_is_taken() {
    let draft = accepted(to_rosa("<body xml:lang='en'>Hello</body><body xml:lang='fr'>Bonjour</body>"));
    assert_eq!((draft.body.as_str(), draft.language), ("Bonjour", Language::French));
    let draft = accepted(to_rosa("<body xml:lang='de'>Hallo</body>"));
    assert_eq!((draft.body.as_str(), draft.language), ("Hallo", Language::French));
}

#[test]
fn a_delayed_text_is_never_dropped() {
    let draft =
        accepted(to_rosa("<body>late</body><delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z'/>"));
    assert_eq!(draft.body, "late");
}

#[test]
fn the_quotation_of_a_reply_stays_off_the_air() {
    let draft = accepted(to_rosa(
        "<body>&gt; Où ça, é?\nIci</body><reply xmlns='urn:xmpp:reply:0' id='x'/>\
         <fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='12'/></fallback>",
    ));
    assert_eq!(draft.body, "Ici");
    let nonsense = accepted(to_rosa(
        "<body>text</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>\
         <body start='9' end='3'/><body start='-1' end='99999999999999999999'/></fallback>",
    ));
    assert_eq!(nonsense.body, "text");
}

#[test]
fn a_correction_names_what_it_replaces() {
    let draft = accepted(to_rosa("<body>fixed</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/>"));
    assert_eq!(draft.replaces.as_deref(), Some("m0"));
}

#[test]
fn what_is_no_text_is_passed_over() {
    for (children, reason) in [
        ("", Ignored::NoText),
        ("<body/>", Ignored::NoText),
        ("<body>  \n </body>", Ignored::NoText),
        ("<composing xmlns='http://jabber.org/protocol/chatstates'/>", Ignored::NoText),
        ("<markable xmlns='urn:xmpp:chat-markers:0'/>", Ignored::NoText),
        (
            "<body>x</body><reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction></reactions>",
            Ignored::Reaction,
        ),
        ("<received xmlns='urn:xmpp:carbons:2'/><body>x</body>", Ignored::Carbon),
        ("<sent xmlns='urn:xmpp:carbons:2'/>", Ignored::Carbon),
        (
            "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>",
            Ignored::KeyExchange,
        ),
        ("<received xmlns='urn:xmpp:receipts' id='someone-elses'/>", Ignored::ForeignReceipt),
    ] {
        assert_eq!(ignored(to_rosa(children)), reason, "{children}");
    }
    let from_alice = "from='alice@home.example/a' to='rosa@lora.example'";
    for (xml, reason) in [
        (format!("<message {from_alice} type='headline'><body>news</body></message>"), Ignored::Headline),
        (format!("<message {from_alice} type='error'><body>x</body></message>"), Ignored::Error),
        ("<message from='room@muc.example/joe' to='rosa@lora.example' type='groupchat'><body>x</body></message>".to_owned(), Ignored::Room),
        ("<message to='rosa@lora.example'><body>x</body></message>".to_owned(), Ignored::NoAddress),
    ] {
        assert_eq!(ignored(outcome(&xml)), reason, "{xml}");
    }
}

#[test]
fn what_cannot_go_on_the_air_is_answered_in_words() {
    let long = "é".repeat(121);
    for (children, condition, words) in [
        (format!("<body>{long}</body>"), "policy-violation", "242 octets"),
        (
            "<body>enc</body><encrypted xmlns='eu.siacs.conversations.axolotl'><payload/></encrypted>"
                .to_owned(),
            "not-acceptable",
            "OMEMO",
        ),
        (
            "<encrypted xmlns='urn:xmpp:omemo:2'><header/><payload/></encrypted>".to_owned(),
            "not-acceptable",
            "OMEMO",
        ),
        (
            "<body>enc</body><encryption xmlns='urn:xmpp:eme:0' namespace='x'/>".to_owned(),
            "not-acceptable",
            "OMEMO",
        ),
        ("<body>enc</body><x xmlns='jabber:x:encrypted'>ab</x>".to_owned(), "not-acceptable", "OpenPGP"),
        (
            "<body>https://h/1.jpg</body><x xmlns='jabber:x:oob'><url>https://h/1.jpg</url></x>".to_owned(),
            "not-acceptable",
            "fichiers",
        ),
        (
            "<body>gone</body><retract xmlns='urn:xmpp:message-retract:1' id='m0'/>".to_owned(),
            "feature-not-implemented",
            "retiré",
        ),
        (
            "<x xmlns='jabber:x:conference' jid='room@muc.example'/>".to_owned(),
            "feature-not-implemented",
            "groupe",
        ),
    ] {
        let (found, text) = refused(to_rosa(&children));
        assert_eq!(found, condition, "{children}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_text_of_the_greatest_length_is_accepted() {
    assert_eq!(accepted(to_rosa(&format!("<body>{}</body>", "x".repeat(MAX)))).body.len(), MAX);
}

#[test]
fn addresses_that_do_not_match_anybody_are_named() {
    let refused = |from: &str, to: &str| {
        let reply = outcome(&format!(
            "<message from='{from}' to='{to}' id='m1'><body xml:lang='en'>x</body></message>"
        ));
        let Outcome::Reply(reply) = reply else { panic!("{reply:?}") };
        body::reason(&reply).split(':').next().unwrap().to_owned()
    };
    assert_eq!(refused("alice@home.example/a", "nobody@lora.example"), "item-not-found");
    assert_eq!(refused("alice@home.example/a", "rosa@elsewhere.example"), "item-not-found");
    assert_eq!(refused("alice@home.example/a", "lora.example"), "not-acceptable");
    assert_eq!(refused("mallory@home.example/a", "rosa@lora.example"), "forbidden");
}

#[test]
fn an_error_looks_like_this() {
    let reply = outcome(
        "<message from='alice@home.example/a' to='nobody@lora.example' id='m1' type='chat' xml:lang='en'>\
         <body>x</body></message>",
    );
    let Outcome::Reply(reply) = reply else { panic!("{reply:?}") };
    assert_stanza(
        *reply,
        "<message from='nobody@lora.example' to='alice@home.example/a' id='m1' type='error'><error type='cancel'>\
         <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Not sent: there is no handheld at this \
         address. The gateway's services list shows those that exist.</text></error></message>",
    );
}

#[test]
fn receipts_and_markers_confirm_only_what_was_sent_to_that_person() {
    let id = MessageId { source: ROSA, destination: ALICE, counter: 7 };
    for proof in [
        "<received xmlns='urn:xmpp:receipts' id='fanal-0201-0101-7'/>",
        "<displayed xmlns='urn:xmpp:chat-markers:0' id='fanal-0201-0101-7'/>",
    ] {
        let Outcome::ReceiptFor { id: found, from } = to_rosa(proof) else { panic!("{proof}") };
        assert_eq!((found, from.to_string().as_str()), (id, "alice@home.example"));
    }
    for foreign in
        ["fanal-0201-0102-7", "fanal-0202-0101-7", "fanal-0201-0101", "fanal-0201-0101-07", "m1", ""]
    {
        let proof = format!("<received xmlns='urn:xmpp:receipts' id='{foreign}'/>");
        assert_eq!(ignored(to_rosa(&proof)), Ignored::ForeignReceipt, "{foreign}");
    }
}

#[test]
fn a_message_of_ours_that_comes_back_is_noticed() {
    let returned = outcome(
        "<message from='alice@home.example' to='rosa@lora.example/radio' id='fanal-0201-0101-7' type='error'>\
         <body>x</body><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
         </error></message>",
    );
    let Outcome::Returned { id, reason } = returned else { panic!("{returned:?}") };
    assert_eq!(id, MessageId { source: ROSA, destination: ALICE, counter: 7 });
    assert_eq!(reason, "item-not-found");
}

#[test]
fn two_exclamation_marks_and_a_space_make_a_text_urgent_and_are_not_sent() {
    for (body, expected) in [
        ("!! Au feu", (true, "Au feu")),
        ("  !!  Au feu ", (true, "Au feu")),
        ("!!Au feu", (false, "!!Au feu")),
        ("!!", (false, "!!")),
        ("Au feu !! ", (false, "Au feu !!")),
    ] {
        let draft = accepted(to_rosa(&format!("<body>{body}</body>")));
        assert_eq!((draft.urgent, draft.body.as_str()), expected, "{body}");
    }
    let longest = format!("<body>!! {}</body>", "x".repeat(MAX));
    assert_eq!(accepted(to_rosa(&longest)).body.len(), MAX, "the mark does not count");
}

#[test]
fn an_urgent_text_must_fit_one_frame_though_others_may_be_longer() {
    let to_rosa = |body: &str| {
        let xml = format!(
            "<message from='alice@home.example/phone' to='rosa@lora.example' id='m1' type='chat'><body>{body}</body></message>"
        );
        translate(&message(&xml), &Sample::new(), 4_096, Language::French)
    };
    let long = "x".repeat(MAX + 1);
    assert!(!accepted(to_rosa(&long)).urgent);
    let (condition, words) = refused(to_rosa(&format!("!! {long}")));
    assert_eq!(condition, "policy-violation");
    assert!(words.contains("237"), "{words}");
}
