//! Stanzas (RFC 6120, section 8): what arrived, what it was if it did not parse, and answers to it.

use jid::Jid;
use minidom::Element;
use rxml::{Namespace, xml_ncname};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::message::{Id, Message, MessageType};
use xmpp_parsers::ns;
use xmpp_parsers::presence::{Presence, Type as PresenceType};
use xmpp_parsers::stanza_error::{DefinedCondition, ErrorType, StanzaError};

pub use xmpp_parsers::stanza::Stanza;

/// The start tag of a stanza as it stood, before anything was made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The element's local name: `message`, `presence`, `iq`, or whatever stood there.
    pub name: String,
    /// `id` attribute.
    pub id: Option<String>,
    /// `from` attribute; not necessarily a JID.
    pub from: Option<String>,
    /// `to` attribute; not necessarily a JID.
    pub to: Option<String>,
    /// `type` attribute.
    pub kind: Option<String>,
}

/// Why a stanza was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// More octets than a stanza may have.
    #[error("longer than {0} octets")]
    TooLong(usize),
    /// Elements within elements beyond the limit.
    #[error("nested deeper than {0} elements")]
    TooDeep(usize),
    /// More elements than a stanza may have.
    #[error("more than {0} elements")]
    TooManyElements(usize),
    /// Well-formed, but not what RFC 6120 and 6121 call a message, a presence or an IQ.
    #[error("{0}")]
    Meaningless(String),
}

/// A stanza that was not taken. It has cost nothing but itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} from {}: {defect}", .head.name, .head.from.as_deref().unwrap_or("nowhere"))]
pub struct Invalid {
    /// Its start tag.
    pub head: Head,
    /// What is wrong with it.
    pub defect: Defect,
}

impl Invalid {
    /// The error that its sender is owed: `bad-request` or, for length, `policy-violation` (RFC 6120,
    /// section 8.3). `None` where an answer would be wrong (presence, errors, results, groupchat, headlines) or
    /// impossible (no usable address, an IQ without id).
    pub fn answer(&self) -> Option<Stanza> {
        let to: Jid = self.head.from.as_deref()?.parse().ok()?;
        let from: Jid = self.head.to.as_deref()?.parse().ok()?;
        let condition = match self.defect {
            Defect::Meaningless(_) => DefinedCondition::BadRequest,
            _ => DefinedCondition::PolicyViolation,
        };
        let error = StanzaError::new(ErrorType::Modify, condition, "en", self.defect.to_string());
        match (self.head.name.as_str(), self.head.kind.as_deref()) {
            ("iq", Some("get" | "set")) => {
                let id = self.head.id.clone()?;
                Some(Iq::Error { from: Some(from), to: Some(to), id, error, payload: None }.into())
            }
            ("message", kind) if !matches!(kind, Some("error" | "groupchat" | "headline")) => {
                let mut message = Message::new_with_type(MessageType::Error, to);
                message.from = Some(from);
                message.id = self.head.id.clone().map(Id);
                message.payloads.push(error.into());
                Some(message.into())
            }
            _ => None,
        }
    }
}

/// The types of messages that RFC 6121 knows.
const MESSAGE_TYPES: [&str; 5] = ["chat", "error", "groupchat", "headline", "normal"];

/// Reads one element in the namespace `jabber:client`.
///
/// A presence whose children are nonsense (real clients send an empty `<show/>`) is taken without them: its type
/// and its addresses are what matters here. A message of an unknown type is an ordinary one (RFC 6121, section
/// 5.2.2).
///
/// # Errors
///
/// [`Invalid`] when the element is not a message, a presence or an IQ.
pub fn parse(mut element: Element, head: Head) -> Result<Stanza, Box<Invalid>> {
    if head.name == "message" && head.kind.as_deref().is_some_and(|kind| !MESSAGE_TYPES.contains(&kind)) {
        element.set_attr(Namespace::NONE, xml_ncname!("type").to_owned(), "normal");
    }
    let parsed = match (head.name.as_str(), element.ns().as_str()) {
        ("message", ns::JABBER_CLIENT) => Message::try_from(element).map(Stanza::from).map_err(describe),
        ("iq", ns::JABBER_CLIENT) => Iq::try_from(element).map(Stanza::from).map_err(describe),
        ("presence", ns::JABBER_CLIENT) => {
            Presence::try_from(element).or_else(|_| bare_presence(&head)).map(Stanza::from)
        }
        (_, namespace) => Err(format!("no stanza is called that in {namespace}")),
    };
    parsed.map_err(|reason| Box::new(Invalid { head, defect: Defect::Meaningless(reason) }))
}

fn describe(error: xso::error::FromElementError) -> String {
    match error {
        xso::error::FromElementError::Invalid(error) => error.to_string(),
        xso::error::FromElementError::Mismatch(_) => "not what its name says".to_owned(),
    }
}

fn bare_presence(head: &Head) -> Result<Presence, String> {
    let address = |text: &Option<String>| {
        text.as_deref().map(Jid::new).transpose().map_err(|error| format!("address: {error}"))
    };
    let mut presence = Presence::new(match head.kind.as_deref() {
        None => PresenceType::None,
        Some("error") => PresenceType::Error,
        Some("probe") => PresenceType::Probe,
        Some("subscribe") => PresenceType::Subscribe,
        Some("subscribed") => PresenceType::Subscribed,
        Some("unavailable") => PresenceType::Unavailable,
        Some("unsubscribe") => PresenceType::Unsubscribe,
        Some("unsubscribed") => PresenceType::Unsubscribed,
        Some(other) => return Err(format!("no presence has the type {other:?}")),
    });
    presence.from = address(&head.from)?;
    presence.to = address(&head.to)?;
    presence.id.clone_from(&head.id);
    Ok(presence)
}
