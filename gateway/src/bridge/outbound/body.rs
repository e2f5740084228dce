//! What is in a message, besides its addresses.

use minidom::Element;
use xmpp_parsers::message::Message;
use xmpp_parsers::ns;
use xmpp_parsers::stanza_error::StanzaError;

use crate::words::Language;

const OPENPGP: &str = "urn:xmpp:openpgp:0";
const OPENPGP_LEGACY: &str = "jabber:x:encrypted";
const OMEMO: [&str; 3] = [ns::LEGACY_OMEMO, "urn:xmpp:omemo:1", "urn:xmpp:omemo:2"];
const FILE_SHARING: &str = "urn:xmpp:sfs:0";
const RETRACT: [&str; 2] = ["urn:xmpp:message-retract:0", "urn:xmpp:message-retract:1"];
const FALLBACK: &str = "urn:xmpp:fallback:0";
const REPLY: &str = "urn:xmpp:reply:0";
const DIRECT_INVITATION: &str = "jabber:x:conference";

/// A text and the language to answer in.
pub(super) struct Text {
    pub(super) body: String,
    pub(super) language: Language,
}

/// Things that are not just a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Special {
    Encrypted,
    KeyExchange,
    File,
    Reaction,
    Retraction,
    Invitation,
}

/// The best body, without what the client repeated of an earlier message; `None` when nothing is left.
///
/// Servers put `xml:lang` on stanzas that have none, so a body's language is only a hint.
pub(super) fn text(message: &Message, site: Language) -> Option<Text> {
    let preferred = [site.tag(), "fr", "en"];
    let (tag, body) = message.get_best_body(preferred.to_vec())?;
    let body = without_fallback(message, body);
    let body = body.trim();
    if body.is_empty() {
        return None;
    }
    Some(Text { body: body.to_owned(), language: Language::of_tag(&tag).unwrap_or(site) })
}

/// Cuts the quotation out of a reply (XEP-0461, marked as XEP-0428 says: offsets in code points).
fn without_fallback(message: &Message, body: &str) -> String {
    let marked: Vec<(usize, usize)> = message
        .payloads
        .iter()
        .filter(|payload| payload.is("fallback", FALLBACK) && payload.attr("for") == Some(REPLY))
        .flat_map(|fallback| fallback.children().filter(|child| child.is("body", FALLBACK)))
        .filter_map(|range| Some((range.attr("start")?.parse().ok()?, range.attr("end")?.parse().ok()?)))
        .collect();
    if marked.is_empty() {
        return body.to_owned();
    }
    let kept = |index: usize| !marked.iter().any(|&(start, end)| (start..end).contains(&index));
    body.chars().enumerate().filter(|&(index, _)| kept(index)).map(|(_, c)| c).collect()
}

/// What makes the message something else than a text.
pub(super) fn special(message: &Message) -> Option<Special> {
    let payloads = &message.payloads;
    let has = |name: &str, namespace: &str| child(message, name, namespace).is_some();
    if let Some(encrypted) =
        payloads.iter().find(|payload| OMEMO.iter().any(|&omemo| payload.is("encrypted", omemo)))
    {
        let carries_text = encrypted.children().any(|child| child.name() == "payload");
        return Some(if carries_text { Special::Encrypted } else { Special::KeyExchange });
    }
    if has("encryption", ns::EME) || has("openpgp", OPENPGP) || has("x", OPENPGP_LEGACY) {
        return Some(Special::Encrypted);
    }
    if has("x", ns::OOB) || has("file-sharing", FILE_SHARING) {
        return Some(Special::File);
    }
    if has("reactions", ns::REACTIONS) {
        return Some(Special::Reaction);
    }
    if RETRACT.iter().any(|&retract| has("retract", retract)) {
        return Some(Special::Retraction);
    }
    let mediated = payloads
        .iter()
        .any(|payload| payload.is("x", ns::MUC_USER) && payload.has_child("invite", ns::MUC_USER));
    (mediated || has("x", DIRECT_INVITATION)).then_some(Special::Invitation)
}

/// Whether the message is a copy for another device (XEP-0280).
pub(super) fn is_carbon(message: &Message) -> bool {
    message
        .payloads
        .iter()
        .any(|payload| payload.has_ns(ns::CARBONS) && matches!(payload.name(), "received" | "sent"))
}

/// The `id` that the message acknowledges: a receipt (XEP-0184), or a marker that proves as much (XEP-0333).
pub(super) fn receipt(message: &Message) -> Option<&str> {
    message
        .payloads
        .iter()
        .find(|payload| {
            payload.is("received", ns::RECEIPTS)
                || (payload.has_ns(ns::DISPLAYED_MARKERS)
                    && matches!(payload.name(), "received" | "displayed" | "acknowledged"))
        })
        .and_then(|payload| payload.attr("id"))
}

/// The payload of that name.
pub(super) fn child<'a>(message: &'a Message, name: &str, namespace: &str) -> Option<&'a Element> {
    message.payloads.iter().find(|payload| payload.is(name, namespace))
}

/// The `id` attribute of the payload of that name.
pub(super) fn attribute(message: &Message, name: &str, namespace: &str) -> Option<String> {
    child(message, name, namespace)?.attr("id").map(str::to_owned)
}

/// Why a message came back.
pub(super) fn reason(message: &Message) -> String {
    let error = child(message, "error", ns::JABBER_CLIENT).cloned().map(StanzaError::try_from);
    let Some(Ok(error)) = error else { return "no reason given".to_owned() };
    let condition = Element::from(error.defined_condition).name().to_owned();
    match error.texts.into_values().find(|text| !text.is_empty()) {
        Some(text) => format!("{condition}: {text}"),
        None => condition,
    }
}
