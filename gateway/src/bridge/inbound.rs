//! From the air to XMPP: a stored radio message as a stanza.

use std::time::{Duration, SystemTime};

use fanal_protocol::id::{MessageId, NodeId};
use minidom::Element;
use xmpp_parsers::message::{Id, Lang, Message};
use xmpp_parsers::receipts;
use xmpp_parsers::stanza_id::OriginId;

use super::names::{Names, radio_jid};
use super::stamp;
use crate::words::{Language, say};

const PREFIX: &str = "fanal-";
const HINTS: &str = "urn:xmpp:hints";
/// A message that was heard longer ago says when (XEP-0203).
const FRESH: Duration = Duration::from_secs(5);

/// The id of the stanza that carries a message: always the same, so that apps can tell a repetition.
pub fn stanza_id(id: MessageId) -> String {
    format!("{PREFIX}{id}")
}

/// The message that a stanza id of [`stanza_id`] names.
pub fn message_id(stanza_id: &str) -> Option<MessageId> {
    let mut parts = stanza_id.strip_prefix(PREFIX)?.split('-');
    let source: NodeId = parts.next()?.parse().ok()?;
    let destination: NodeId = parts.next()?.parse().ok()?;
    let counter = parts.next()?.parse().ok()?;
    let id = MessageId { source, destination, counter };
    // One spelling only: "+7" and "007" are nobody's counter.
    (parts.next().is_none() && self::stanza_id(id) == stanza_id).then_some(id)
}

/// The stanza for a message that was received from the air at `received`.
///
/// An urgent one says so in words, before what was written: every app shows those.
///
/// `None` when the directory no longer knows the person or the handheld.
pub fn message(
    id: MessageId,
    (urgent, text): (bool, &str),
    (received, now): (SystemTime, SystemTime),
    names: &dyn Names,
    language: Language,
) -> Option<Message> {
    let from = radio_jid(&names.jid_of(id.source)?);
    let to = names.jid_of(id.destination)?;
    let stanza_id = stanza_id(id);
    let mut body = if urgent { say(language, "urgent-text", &[]) + " " } else { String::new() };
    body.push_str(&printable(text));
    let mut message = Message::chat(jid::Jid::from(to)).with_body(Lang::new(), body);
    message.from = Some(from.into());
    message.id = Some(Id(stanza_id.clone()));
    message.payloads.push(receipts::Request.into());
    message.payloads.push(OriginId { id: stanza_id }.into());
    let age = now.duration_since(received).unwrap_or_default();
    if age >= FRESH {
        message.payloads.extend(stamp::delay(names.domain().as_str(), received));
    }
    message.payloads.push(Element::bare("store", HINTS));
    Some(message)
}

/// Replaces what XML cannot carry (XML 1.0, section 2.2): one such character would cost the whole message.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => c,
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}
