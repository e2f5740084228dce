//! From XMPP to the air: what to do with a message that a person's app has sent to a handheld.
//!
//! Only text goes on the air. The rest is answered here in words, or passed over; nothing is dropped because it
//! is late (XEP-0203).

mod body;
#[cfg(test)]
mod tests;

use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::wire::MAX_TEXT_OCTETS;
use jid::{BareJid, Jid};
use xmpp_parsers::message::{Message, MessageType};
use xmpp_parsers::ns;

use super::names::{self, Names, Target};
use super::receipt::{self, Refusal};
use crate::words::Language;

/// What a person writes before a text that is to go before all others.
pub const URGENT: &str = "!! ";

/// What a person wrote, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who wrote it, without the device.
    pub from_bare: BareJid,
    /// Who wrote it, with the device: where receipts and errors go.
    pub from_full: Jid,
    /// The handheld's address as it was written to, less its resource.
    pub to: BareJid,
    /// The node id that stands for the person.
    pub source: NodeId,
    /// The handheld's node id.
    pub destination: NodeId,
    /// The stanza's `id`, by which receipts and errors refer to it. Some clients set none.
    pub stanza_id: Option<String>,
    /// What tells a repetition (with `from_bare`): the origin-id (XEP-0359), or else the stanza's `id`.
    pub repetition_key: Option<String>,
    /// The `id` of the message that this one is to replace (XEP-0308).
    pub replaces: Option<String>,
    /// The text, less white space around it and quotations that the client repeated in it (XEP-0428).
    pub body: String,
    /// Whether it began with [`URGENT`], which is not part of the text.
    pub urgent: bool,
    /// Whether the app asked for a receipt (XEP-0184).
    pub wants_receipt: bool,
    /// The language to speak to the person.
    pub language: Language,
}

/// What to do with a message.
#[derive(Debug)]
pub enum Outcome {
    /// Store it, and send it by radio.
    Accept(Draft),
    /// The app of the person has received a message of ours (XEP-0184, or a marker of XEP-0333).
    ReceiptFor {
        /// Which message.
        id: MessageId,
        /// Whose app.
        from: BareJid,
    },
    /// The server has returned a message of ours.
    Returned {
        /// Which message.
        id: MessageId,
        /// Why, in the server's words.
        reason: String,
    },
    /// Send this answer; nothing goes on the air.
    Reply(Box<Message>),
    /// Nothing to do.
    Ignore(Ignored),
}

/// Why a message was passed over. For counters: none of these is an error of ours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ignored {
    /// An error that answers none of our messages.
    Error,
    /// An announcement to nobody in particular (`headline`).
    Headline,
    /// A room speaks; rooms are not joined.
    Room,
    /// No text: chat states (XEP-0085), markers, empty bodies.
    NoText,
    /// A copy of what another device sent or received (XEP-0280).
    Carbon,
    /// A reaction (XEP-0444) or another addition to an earlier message.
    Reaction,
    /// An encryption key without a message (XEP-0384).
    KeyExchange,
    /// A receipt for a message that was not for this person, or that is none of ours.
    ForeignReceipt,
    /// An address is missing.
    NoAddress,
}

/// Decides about one message. `max_octets` is the longest text that goes on the air; `site` is the language
/// spoken when the message does not say its own.
pub fn translate(message: &Message, names: &dyn Names, max_octets: usize, site: Language) -> Outcome {
    let (Some(from), Some(to)) = (&message.from, &message.to) else {
        return Outcome::Ignore(Ignored::NoAddress);
    };
    match message.type_ {
        MessageType::Error => return returned(message, from, to, names),
        MessageType::Headline => return Outcome::Ignore(Ignored::Headline),
        MessageType::Groupchat | MessageType::Chat | MessageType::Normal => {}
    }
    if body::is_carbon(message) {
        return Outcome::Ignore(Ignored::Carbon);
    }
    let best = body::text(message, site);
    let language = best.as_ref().map_or(site, |text| text.language);
    let reply = |refusal| {
        let id = message.id.as_ref().map(|id| id.0.as_str());
        Outcome::Reply(Box::new(receipt::error(from, to, id, &refusal, language)))
    };

    let source = names.person(&from.to_bare());
    if message.type_ == MessageType::Groupchat {
        // A room has no entry in the directory, and must not be answered in kind.
        return if source.is_some() { reply(Refusal::Room) } else { Outcome::Ignore(Ignored::Room) };
    }
    if best.is_none()
        && let Some(id) = body::receipt(message)
    {
        return match inbound_id(id, from, to, names) {
            Some(id) => Outcome::ReceiptFor { id, from: from.to_bare() },
            None => Outcome::Ignore(Ignored::ForeignReceipt),
        };
    }
    match body::special(message) {
        Some(body::Special::KeyExchange) => return Outcome::Ignore(Ignored::KeyExchange),
        Some(body::Special::Reaction) => return Outcome::Ignore(Ignored::Reaction),
        Some(body::Special::Encrypted) => return reply(Refusal::Encrypted),
        Some(body::Special::File) => return reply(Refusal::File),
        Some(body::Special::Retraction) => return reply(Refusal::Retraction),
        Some(body::Special::Invitation) => return reply(Refusal::Room),
        None => {}
    }
    let Some(text) = best else { return Outcome::Ignore(Ignored::NoText) };
    let Some(source) = source else { return reply(Refusal::NotListed) };
    let destination = match names::target(names, to) {
        Target::Handheld(node) => node,
        Target::Gateway => return reply(Refusal::ToGateway),
        Target::Unknown => return reply(Refusal::UnknownRecipient),
    };
    // White space around the text is gone, so something follows the mark.
    let (urgent, body) = match text.body.strip_prefix(URGENT) {
        Some(body) => (true, body.trim_start().to_owned()),
        None => (false, text.body),
    };
    // Urgent is only what fits one frame.
    let max = if urgent { max_octets.min(MAX_TEXT_OCTETS) } else { max_octets };
    if body.len() > max {
        return reply(Refusal::TooLong { octets: body.len(), max });
    }
    let stanza_id = message.id.as_ref().map(|id| id.0.clone());
    Outcome::Accept(Draft {
        from_bare: from.to_bare(),
        from_full: from.clone(),
        to: to.to_bare(),
        source,
        destination,
        repetition_key: body::attribute(message, "origin-id", ns::SID).or_else(|| stanza_id.clone()),
        stanza_id,
        replaces: body::attribute(message, "replace", ns::MESSAGE_CORRECT),
        body,
        urgent,
        wants_receipt: body::child(message, "request", ns::RECEIPTS).is_some(),
        language,
    })
}

/// An error: perhaps one of our own messages comes back.
fn returned(message: &Message, from: &Jid, to: &Jid, names: &dyn Names) -> Outcome {
    let id = message.id.as_ref().and_then(|id| inbound_id(&id.0, from, to, names));
    match id {
        Some(id) => Outcome::Returned { id, reason: body::reason(message) },
        None => Outcome::Ignore(Ignored::Error),
    }
}

/// The message of ours that `stanza_id` names, if it went from the handheld `to` to the person `from`.
fn inbound_id(stanza_id: &str, from: &Jid, to: &Jid, names: &dyn Names) -> Option<MessageId> {
    let id = super::inbound::message_id(stanza_id)?;
    let right = names.person(&from.to_bare()) == Some(id.destination)
        && names::target(names, to) == Target::Handheld(id.source);
    right.then_some(id)
}
