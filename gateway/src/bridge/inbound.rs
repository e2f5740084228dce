//! From the air to XMPP: a stored radio message as a stanza.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use fanal_protocol::id::{MessageId, NodeId};
use minidom::Element;
use xmpp_parsers::date::DateTime as Stamp;
use xmpp_parsers::delay::Delay;
use xmpp_parsers::message::{Id, Lang, Message};
use xmpp_parsers::receipts;
use xmpp_parsers::stanza_id::OriginId;

use super::names::{Names, radio_jid};

const PREFIX: &str = "fanal-";
const HINTS: &str = "urn:xmpp:hints";
/// A message that was heard longer ago says when (XEP-0203).
const FRESH: Duration = Duration::from_secs(5);
/// Start of 2020 in Unix time. A box without a clock boots in 1970, and a stamp of then would sort the message
/// before all others, out of sight.
pub(super) const PLAUSIBLE: Duration = Duration::from_secs(1_577_836_800);

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
/// `None` when the directory no longer knows the person or the handheld.
pub fn message(
    id: MessageId,
    text: &str,
    received: SystemTime,
    now: SystemTime,
    names: &dyn Names,
) -> Option<Message> {
    let from = radio_jid(&names.jid_of(id.source)?);
    let to = names.jid_of(id.destination)?;
    let stanza_id = stanza_id(id);
    let mut message = Message::chat(jid::Jid::from(to)).with_body(Lang::new(), printable(text));
    message.from = Some(from.into());
    message.id = Some(Id(stanza_id.clone()));
    message.payloads.push(receipts::Request.into());
    message.payloads.push(OriginId { id: stanza_id }.into());
    if let Some(delay) = delay(received, now, names) {
        message.payloads.push(delay.into());
    }
    message.payloads.push(Element::bare("store", HINTS));
    Some(message)
}

fn delay(received: SystemTime, now: SystemTime, names: &dyn Names) -> Option<Delay> {
    let age = now.duration_since(received).ok()?;
    let since_epoch = received.duration_since(UNIX_EPOCH).ok()?;
    if age < FRESH || since_epoch < PLAUSIBLE {
        return None;
    }
    let stamp = DateTime::from_timestamp(i64::try_from(since_epoch.as_secs()).ok()?, 0)?;
    let from = jid::BareJid::from_parts(None, names.domain());
    Some(Delay { from: Some(from.into()), stamp: Stamp(stamp.fixed_offset()), data: None })
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
