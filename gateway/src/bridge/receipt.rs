//! What became of a person's message: delivered (XEP-0184), or not, with the reason in words.

use jid::{BareJid, Jid};
use xmpp_parsers::message::{Id, Message, MessageType};
use xmpp_parsers::receipts::Received;
use xmpp_parsers::stanza_error::{DefinedCondition as Condition, ErrorType, StanzaError};

use super::names::radio_jid;
use crate::words::{Language, say};

/// Why a message does not reach its reader.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The text is longer than what goes over the radio in one message.
    TooLong {
        /// Octets of the text in UTF-8.
        octets: usize,
        /// Octets that would have fitted.
        max: usize,
    },
    /// No such handheld.
    UnknownRecipient,
    /// The gateway itself was written to.
    ToGateway,
    /// The sender is not in the directory.
    NotListed,
    /// The text is encrypted for XMPP devices (OMEMO, OpenPGP), which handhelds cannot read.
    Encrypted,
    /// A file, picture or voice message.
    File,
    /// A message is to be taken back.
    Retraction,
    /// Something about group chats.
    Room,
    /// Too many messages wait already.
    QueueFull,
    /// Too many urgent texts of the sender are waiting.
    TooManyUrgent,
    /// The handheld was not heard while the message was worth sending.
    Expired,
    /// The radio network gave up on it.
    Failed,
}

impl Refusal {
    fn condition(&self) -> (ErrorType, Condition) {
        match self {
            Refusal::TooLong { .. } => (ErrorType::Modify, Condition::PolicyViolation),
            Refusal::UnknownRecipient => (ErrorType::Cancel, Condition::ItemNotFound),
            Refusal::ToGateway => (ErrorType::Cancel, Condition::NotAcceptable),
            Refusal::NotListed => (ErrorType::Auth, Condition::Forbidden),
            Refusal::Encrypted | Refusal::File => (ErrorType::Modify, Condition::NotAcceptable),
            Refusal::Retraction | Refusal::Room => (ErrorType::Cancel, Condition::FeatureNotImplemented),
            Refusal::QueueFull | Refusal::TooManyUrgent => (ErrorType::Wait, Condition::ResourceConstraint),
            Refusal::Expired => (ErrorType::Wait, Condition::RecipientUnavailable),
            Refusal::Failed => (ErrorType::Wait, Condition::RemoteServerTimeout),
        }
    }

    /// What to tell the person.
    pub fn words(&self, language: Language) -> String {
        match self {
            Refusal::TooLong { octets, max } => {
                say(language, "refused-too-long", &[("octets", (*octets).into()), ("max", (*max).into())])
            }
            Refusal::UnknownRecipient => say(language, "refused-unknown-recipient", &[]),
            Refusal::ToGateway => say(language, "refused-to-gateway", &[]),
            Refusal::NotListed => say(language, "refused-not-listed", &[]),
            Refusal::Encrypted => say(language, "refused-encrypted", &[]),
            Refusal::File => say(language, "refused-file", &[]),
            Refusal::Retraction => say(language, "refused-retraction", &[]),
            Refusal::Room => say(language, "refused-room", &[]),
            Refusal::QueueFull => say(language, "refused-queue-full", &[]),
            Refusal::TooManyUrgent => say(language, "refused-too-many-urgent", &[]),
            Refusal::Expired => say(language, "refused-expired", &[]),
            Refusal::Failed => say(language, "refused-failed", &[]),
        }
    }
}

/// Returns a message that `from` sent to `to` with the id `stanza_id` (RFC 6120, section 8.3).
pub fn error(
    from: &Jid,
    to: &Jid,
    stanza_id: Option<&str>,
    refusal: &Refusal,
    language: Language,
) -> Message {
    let (kind, condition) = refusal.condition();
    let error = StanzaError::new(kind, condition, language.tag(), refusal.words(language));
    let mut message = Message::new_with_type(MessageType::Error, from.clone());
    message.from = Some(to.clone());
    message.id = stanza_id.map(|id| Id(id.to_owned()));
    message.payloads.push(error.into());
    message
}

/// Tells the app of `from` that the handheld `to` has received its message `stanza_id` (XEP-0184, section 5.4).
///
/// Only for messages that asked for it, and only once the handheld's own receipt has come back by radio.
/// `own_id` is this stanza's own id.
pub fn delivered(from: &Jid, to: &BareJid, stanza_id: &str, own_id: &str) -> Message {
    let mut message = Message::chat(from.clone()).with_payload(Received { id: stanza_id.to_owned() });
    message.from = Some(radio_jid(to).into());
    message.id = Some(Id(own_id.to_owned()));
    message
}
