//! Questions of apps and servers (IQ, RFC 6120, section 8.2.3): what we are (XEP-0030), whether we live
//! (XEP-0199), and in which version (XEP-0092). Answered here; nothing goes on the air.

use jid::Jid;
use minidom::Element;
use xmpp_parsers::disco::{
    DiscoInfoQuery, DiscoInfoResult, DiscoItemsQuery, DiscoItemsResult, Identity, Item,
};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::ns;
use xmpp_parsers::stanza_error::{DefinedCondition as Condition, ErrorType, StanzaError};
use xmpp_parsers::version::VersionResult;

use super::names::{self, Names, Target, radio_jid};

/// The name under which the gateway is listed among a server's services.
const TITLE: &str = "Fanal (LoRa)";

type Answer = Result<Option<Element>, Condition>;

/// The answer to a query; `None` for results and errors, which are never answered, and without addresses.
pub fn answer(iq: &Iq, names: &dyn Names) -> Option<Iq> {
    let (Iq::Get { from, to, id, payload } | Iq::Set { from, to, id, payload }) = iq else { return None };
    let (from, to) = (from.as_ref()?, to.as_ref()?);
    let is_get = matches!(iq, Iq::Get { .. });
    let answer = match names::target(names, to) {
        Target::Unknown => Err(Condition::ItemNotFound),
        target if is_get => result(payload, target, from, to, names),
        _ => Err(Condition::ServiceUnavailable),
    };
    let (answer_from, answer_to, id) = (Some(to.clone()), Some(from.clone()), id.clone());
    Some(match answer {
        Ok(payload) => Iq::Result { from: answer_from, to: answer_to, id, payload },
        Err(condition) => {
            let error = refusal(condition);
            Iq::Error { from: answer_from, to: answer_to, id, error, payload: None }
        }
    })
}

fn refusal(condition: Condition) -> StanzaError {
    StanzaError {
        type_: ErrorType::Cancel,
        by: None,
        defined_condition: condition,
        texts: std::collections::BTreeMap::new(),
        other: None,
    }
}

fn result(payload: &Element, target: Target, from: &Jid, to: &Jid, names: &dyn Names) -> Answer {
    let malformed = |_| Condition::BadRequest;
    match (payload.name(), payload.ns().as_str()) {
        ("ping", ns::PING) => Ok(None),
        ("query", ns::VERSION) => Ok(Some(
            VersionResult {
                name: "Fanal".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                os: None,
            }
            .into(),
        )),
        ("query", ns::DISCO_INFO) => {
            let query = DiscoInfoQuery::try_from(payload.clone()).map_err(malformed)?;
            no_node(query.node)?;
            Ok(Some(info(target, to, names).into()))
        }
        ("query", ns::DISCO_ITEMS) => {
            let query = DiscoItemsQuery::try_from(payload.clone()).map_err(malformed)?;
            no_node(query.node)?;
            Ok(Some(items(target, from, names).into()))
        }
        _ => Err(Condition::ServiceUnavailable),
    }
}

/// None of our addresses has nodes (XEP-0030, section 3.2).
fn no_node(node: Option<String>) -> Result<(), Condition> {
    match node.as_deref() {
        None | Some("") => Ok(()),
        Some(_) => Err(Condition::ItemNotFound),
    }
}

fn info(target: Target, to: &Jid, names: &dyn Names) -> DiscoInfoResult {
    let (category, kind, name) = match target {
        Target::Handheld(node) if to.resource().is_some() => ("client", "handheld", names.name_of(node)),
        Target::Handheld(node) => ("account", "registered", names.name_of(node)),
        Target::Gateway | Target::Unknown => ("gateway", "lora", Some(TITLE.to_owned())),
    };
    let identity = Identity { category: category.to_owned(), type_: kind.to_owned(), lang: None, name };
    let mut features = vec![ns::DISCO_INFO, ns::DISCO_ITEMS, ns::PING, ns::VERSION];
    if matches!(target, Target::Handheld(_)) {
        features.push(ns::RECEIPTS);
    }
    DiscoInfoResult {
        node: None,
        identities: vec![identity],
        features: features.into_iter().map(str::to_owned).collect(),
        extensions: Vec::new(),
    }
}

/// The gateway's items are the handhelds, for people who may write to them; a handheld's is its radio.
fn items(target: Target, from: &Jid, names: &dyn Names) -> DiscoItemsResult {
    let item = |jid: Jid, node| Item { jid, node: None, name: names.name_of(node) };
    let known = names.person(&from.to_bare()).is_some();
    let items = match target {
        _ if !known => Vec::new(),
        Target::Gateway => names
            .handhelds()
            .into_iter()
            .filter_map(|node| Some(item(names.jid_of(node)?.into(), node)))
            .collect(),
        Target::Handheld(node) => {
            names.jid_of(node).map(|jid| item(radio_jid(&jid).into(), node)).into_iter().collect()
        }
        Target::Unknown => Vec::new(),
    };
    DiscoItemsResult { node: None, items, rsm: None }
}
