//! Everything the handheld says, in both languages side by side.

use core::fmt;

use fanal_protocol::crypto::PublicKey;
use fanal_protocol::id::NodeId;
use fanal_protocol::pairing::{Composed, Invalid, Verification};
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, Unlawful};
use fanal_protocol::time::Duration;
use serde::{Deserialize, Serialize};

use super::screen::Plain;
use crate::store::{MAX_CONTACTS, MAX_NAME, Status};

/// Writes one of two format strings, French first.
macro_rules! say {
    ($f:expr, $language:expr, $french:literal, $english:literal $(, $argument:expr)*) => {
        match $language {
            Language::French => write!($f, $french $(, $argument)*),
            Language::English => write!($f, $english $(, $argument)*),
        }
    };
}

mod missing;
mod pairing;

pub(super) use missing::Missing;
pub(super) use pairing::Replaced;
use pairing::{say_bad_code_in_french, say_replaced};

/// The language of the person.
///
/// The discriminants are stored in flash and never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Language {
    /// Français.
    #[default]
    French,
    /// English.
    English,
}

impl Language {
    /// The language with this code.
    pub fn of(code: &str) -> Option<Self> {
        match code {
            "fr" => Some(Self::French),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// `phrase` in this language.
    pub fn say(self, phrase: Phrase<'_>) -> Spoken<'_> {
        Spoken { language: self, phrase }
    }
}

/// Something to say.
#[derive(Clone, Copy)]
pub enum Phrase<'a> {
    /// The first line after a start.
    Welcome {
        /// Version of the firmware.
        version: &'static str,
    },
    /// What still has to be set before a message can leave.
    Missing(Missing),
    /// This handheld's address.
    Node(NodeId),
    /// The channel.
    Channel(Channel),
    /// The network key is set.
    Network,
    /// Entropy was taken in.
    Entropy,
    /// The public key.
    Key(&'a PublicKey),
    /// The own card.
    Card(Composed<'a>),
    /// The digits to compare with this contact.
    Verification {
        /// Who.
        name: &'a str,
        /// What both should see.
        digits: Verification,
    },
    /// The language, in itself.
    Language,
    /// What is known of a contact.
    Contact {
        /// Radio address.
        node: NodeId,
        /// Name.
        name: &'a str,
        /// Whose gateway.
        via: Option<NodeId>,
        /// How long ago and how well the contact, or its gateway, was heard.
        heard: Option<(Duration, Quality)>,
    },
    /// Nobody is known yet.
    NoContacts,
    /// Bare lines go to this contact.
    Chosen(&'a str),
    /// A message came in.
    Incoming {
        /// Who wrote it.
        name: &'a str,
        /// Whether they called it urgent.
        urgent: bool,
        /// What.
        text: &'a str,
        /// Whether more of it is not there any more.
        cut: bool,
    },
    /// What has become of a message that was sent here.
    State {
        /// Its number.
        number: u32,
        /// Whom it is for.
        name: &'a str,
        /// What has become of it.
        status: Status,
    },
    /// A sent message in a list.
    Outgoing {
        /// Its number.
        number: u32,
        /// Whom it is for.
        name: &'a str,
        /// What has become of it.
        status: Status,
        /// Whether it is urgent.
        urgent: bool,
        /// What it says.
        text: &'a str,
        /// Whether more of it is not there any more.
        cut: bool,
    },
    /// There are no messages.
    NoMessages,
    /// How things stand, all set up.
    Status {
        /// This handheld.
        node: NodeId,
        /// Its channel.
        channel: Channel,
        /// Messages that wait for their receipt.
        waiting: usize,
        /// Airtime that may still be used now; `None`: no limit.
        airtime_left: Option<Duration>,
        /// Version of the firmware.
        version: &'static str,
    },
    /// Line `n` of the help, from 0.
    Help(usize),
    /// What went wrong.
    Complaint(Complaint<'a>),
}

/// Why a line could not be carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Complaint<'a> {
    /// The line has too many octets.
    LineTooLong,
    /// The line is not UTF-8.
    NotUtf8,
    /// No such command.
    UnknownCommand(&'a str),
    /// The command is written like this.
    Usage(&'static str),
    /// `/contact` is written otherwise.
    ContactUsage,
    /// `/entropy` is written otherwise.
    EntropyUsage,
    /// A word too many.
    Surplus(&'a str),
    /// The channel is not allowed.
    Unlawful(Unlawful),
    /// The name is too long.
    BadName,
    /// Another contact has this name.
    NameTaken(&'a str),
    /// A contact, or this handheld, has this address.
    AddressTaken(NodeId),
    /// An address that ends in 0 is a gateway's: texts for its whole house would come here.
    GatewayAddress(NodeId),
    /// The contact with this address has the same key.
    KeyTaken(NodeId),
    /// Nobody has this name or address.
    UnknownContact(&'a str),
    /// No contact is chosen for bare lines.
    NobodyChosen,
    /// There is no room for another contact.
    ContactsFull,
    /// The contact's key cannot be used.
    WeakKey,
    /// Something would be lost, and the person has not said that it may be.
    WouldReplace(Replaced),
    /// The text is not a card or an invitation.
    BadCode(Invalid),
    /// There is no randomness to make a key from.
    NoEntropy,
    /// There is no key yet.
    NoKey,
    /// The text has too many octets.
    TextTooLong {
        /// How many it has.
        octets: usize,
        /// How many such a text may have.
        most: usize,
    },
    /// Too many messages wait for their receipts.
    TooManyWaiting,
    /// A long text is still on its way.
    LongTextWaiting,
    /// Two urgent messages are under way already.
    UrgentWaiting,
    /// Something must be set first.
    NotReady(Missing),
    /// Lines were dropped because nobody took them.
    LinesLost(u32),
    /// The flash does not work.
    StoreFailed,
    /// The flash cannot be read any more.
    StoreDamaged,
    /// A message could not be sent for another reason.
    NotSent,
}

/// A phrase in a language.
#[derive(Clone, Copy)]
pub struct Spoken<'a> {
    language: Language,
    phrase: Phrase<'a>,
}

impl fmt::Display for Spoken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.language;
        match self.phrase {
            Phrase::Welcome { version } => {
                say!(f, language, "Fanal {} — /help pour l’aide", "Fanal {} — /help for help", version)
            }
            Phrase::Missing(missing) => say!(f, language, "à régler\u{a0}: {}", "to be set: {}", missing),
            Phrase::Node(node) => say!(f, language, "adresse {}", "address {}", node),
            Phrase::Channel(channel) => say!(f, language, "canal {}", "channel {}", channel),
            Phrase::Network => say!(f, language, "clé du réseau enregistrée", "network key stored"),
            Phrase::Entropy => say!(f, language, "hasard ajouté", "randomness added"),
            Phrase::Key(key) => say!(f, language, "clé publique {}", "public key {}", key),
            Phrase::Card(card) => {
                say!(f, language, "carte, pas un secret\u{a0}: {}", "card, not a secret: {}", card)
            }
            Phrase::Verification { name, digits } => say!(
                f,
                language,
                "{} doit voir les mêmes chiffres\u{a0}: {}",
                "{} must see the same digits: {}",
                Plain(name),
                digits
            ),
            Phrase::Language => say!(f, language, "français", "English"),
            Phrase::Contact { node, name, via, heard } => {
                write!(f, "{node} {}", Plain(name))?;
                if let Some(via) = via {
                    write!(f, " via {via}")?;
                }
                match heard {
                    None => say!(f, language, ", pas encore entendu", ", not heard yet"),
                    Some((age, Quality { rssi_dbm, .. })) => {
                        let age = Age { language, age };
                        say!(
                            f,
                            language,
                            ", entendu il y a {} à {} dBm",
                            ", heard {} ago at {} dBm",
                            age,
                            rssi_dbm
                        )
                    }
                }
            }
            Phrase::NoContacts => say!(f, language, "aucun contact", "no contacts"),
            Phrase::Chosen(name) => say!(f, language, "à {}", "to {}", Plain(name)),
            Phrase::Incoming { name, urgent, text, cut } => {
                write!(f, "<{}> ", Plain(name))?;
                say_urgent(f, language, urgent)?;
                write!(f, "{}{}", Plain(text), ellipsis(cut))
            }
            Phrase::State { number, name, status } => {
                write!(f, "{} {number} ", mark(status))?;
                say_state(f, language, Plain(name), status)
            }
            Phrase::Outgoing { number, name, status, urgent, text, cut } => {
                write!(f, "{} {number} @{} ", mark(status), Plain(name))?;
                say_urgent(f, language, urgent)?;
                write!(f, "{}{}", Plain(text), ellipsis(cut))
            }
            Phrase::NoMessages => say!(f, language, "aucun message", "no messages"),
            Phrase::Status { node, channel, waiting, airtime_left, version } => {
                say!(
                    f,
                    language,
                    "{} sur {}, en attente\u{a0}: {}, ",
                    "{} on {}, waiting: {}, ",
                    node,
                    channel,
                    waiting
                )?;
                match airtime_left {
                    None => say!(f, language, "émission sans limite", "airtime unlimited")?,
                    Some(left) => {
                        let seconds = left.as_secs();
                        say!(f, language, "émission permise\u{a0}: {} s", "airtime left: {} s", seconds)?;
                    }
                }
                write!(f, ", Fanal {version}")
            }
            Phrase::Help(line) => {
                f.write_str(HELP.get(line).map_or("", |(french, english)| match language {
                    Language::French => french,
                    Language::English => english,
                }))
            }
            Phrase::Complaint(complaint) => {
                f.write_str("! ")?;
                say_complaint(f, language, complaint)
            }
        }
    }
}

/// What `/help` shows.
const HELP: [(&str, &str); 11] = [
    ("@alice bonjour — envoyer un message", "@alice hello — send a message"),
    (
        "/urgence [@alice] au feu — passer avant tous les autres messages",
        "/urgent [@alice] fire — go before all other messages",
    ),
    ("/to alice — choisir à qui vont les lignes simples", "/to alice — choose whom bare lines go to"),
    ("/contacts /messages /status — voir", "/contacts /messages /status — look"),
    ("/language fr|en", "/language fr|en"),
    (
        "/jumeler [Rosa] — montrer sa carte · /jumeler FANAL:… — prendre une carte ou une invitation",
        "/pair [Rosa] — show one’s card · /pair FANAL:… — take a card or an invitation",
    ),
    (
        "/vérifier alice — chiffres à comparer de vive voix",
        "/verify alice — digits to compare by word of mouth",
    ),
    (
        "/node 0201 · /region CA [SF9/500] [22] — régler la radio",
        "/node 0201 · /region CA [SF9/500] [22] — set up the radio",
    ),
    ("/network <32 chiffres hexadécimaux> — clé du réseau", "/network <32 hex digits> — network key"),
    (
        "/entropy <64 chiffres hexadécimaux> · /key new · /key — sa propre clé",
        "/entropy <64 hex digits> · /key new · /key — one’s own key",
    ),
    (
        "/contact 0101 Alice <clé publique> [via 0100] — ajouter une personne",
        "/contact 0101 Alice <public key> [via 0100] — add a person",
    ),
];

/// How many lines `/help` has.
pub(super) const HELP_LINES: usize = HELP.len();

/// What stands for the part of a text that is not there any more.
const fn ellipsis(cut: bool) -> &'static str {
    if cut { "…" } else { "" }
}

fn say_urgent(f: &mut fmt::Formatter<'_>, language: Language, urgent: bool) -> fmt::Result {
    if urgent { say!(f, language, "URGENCE\u{a0}: ", "URGENT: ") } else { Ok(()) }
}

const fn mark(status: Status) -> &'static str {
    match status {
        Status::Queued => "[.]",
        Status::Sent => "[>]",
        Status::InCustody(_) => "[=]",
        Status::Delivered => "[+]",
        Status::Expired => "[x]",
        Status::Failed => "[!]",
    }
}

fn say_state(f: &mut fmt::Formatter<'_>, language: Language, name: Plain<'_>, status: Status) -> fmt::Result {
    match status {
        Status::Queued => say!(f, language, "en attente pour {}", "waiting for {}", name),
        Status::Sent => say!(f, language, "envoyé à {}", "sent to {}", name),
        Status::InCustody(keeper) => {
            say!(f, language, "gardé par {} pour {}", "kept by {} for {}", keeper, name)
        }
        Status::Delivered => say!(f, language, "livré à {}", "delivered to {}", name),
        Status::Expired => {
            say!(
                f,
                language,
                "expiré, rien ne prouve que {} l’ait reçu",
                "expired, no proof that {} got it",
                name
            )
        }
        Status::Failed => say!(
            f,
            language,
            "abandonné, rien ne prouve que {} l’ait reçu",
            "given up, no proof that {} got it",
            name
        ),
    }
}

fn say_complaint(f: &mut fmt::Formatter<'_>, language: Language, complaint: Complaint<'_>) -> fmt::Result {
    match complaint {
        Complaint::LineTooLong => say!(f, language, "ligne trop longue, ignorée", "line too long, ignored"),
        Complaint::NotUtf8 => {
            say!(f, language, "ligne ignorée\u{a0}: ce n’est pas de l’UTF-8", "line ignored: not UTF-8")
        }
        Complaint::UnknownCommand(verb) => {
            say!(
                f,
                language,
                "commande inconnue\u{a0}: /{} (voir /help)",
                "unknown command: /{} (see /help)",
                Plain(verb)
            )
        }
        Complaint::Usage(usage) => say!(f, language, "s’écrit\u{a0}: {}", "is written: {}", usage),
        Complaint::ContactUsage => say!(
            f,
            language,
            "s’écrit\u{a0}: /contact 0101 Alice <clé publique, 64 chiffres hexadécimaux> [via 0100]",
            "is written: /contact 0101 Alice <public key, 64 hex digits> [via 0100]"
        ),
        Complaint::EntropyUsage => say!(
            f,
            language,
            "s’écrit\u{a0}: /entropy <64 chiffres hexadécimaux>",
            "is written: /entropy <64 hex digits>"
        ),
        Complaint::Surplus(word) => say!(f, language, "de trop\u{a0}: {}", "one too many: {}", Plain(word)),
        Complaint::Unlawful(why) => match language {
            Language::French => say_unlawful_in_french(f, why),
            Language::English => write!(f, "not allowed: {why}"),
        },
        Complaint::BadName => {
            say!(
                f,
                language,
                "un nom a 1 à {} octets et n’est pas l’adresse d’un autre",
                "a name has 1 to {} octets and is not another’s address",
                MAX_NAME
            )
        }
        Complaint::NameTaken(name) => {
            say!(f, language, "ce nom est déjà pris\u{a0}: {}", "this name is taken: {}", Plain(name))
        }
        Complaint::GatewayAddress(node) => say!(
            f,
            language,
            "{} est une adresse de passerelle\u{a0}: en choisir une qui ne finit pas par 0",
            "{} is a gateway’s address: choose one that does not end in 0",
            node
        ),
        Complaint::AddressTaken(node) => {
            say!(f, language, "cette adresse est déjà prise\u{a0}: {}", "this address is taken: {}", node)
        }
        Complaint::KeyTaken(node) => {
            say!(f, language, "{} a déjà cette clé", "{} has this key already", node)
        }
        Complaint::UnknownContact(name) => {
            say!(
                f,
                language,
                "contact inconnu\u{a0}: {} (voir /contacts)",
                "unknown contact: {} (see /contacts)",
                Plain(name)
            )
        }
        Complaint::NobodyChosen => {
            say!(
                f,
                language,
                "à qui\u{a0}? /to alice, ou @alice bonjour",
                "to whom? /to alice, or @alice hello"
            )
        }
        Complaint::ContactsFull => {
            say!(f, language, "déjà {} contacts, plus de place", "{} contacts already, no room", MAX_CONTACTS)
        }
        Complaint::WeakKey => say!(
            f,
            language,
            "cette clé publique ne vaut rien\u{a0}: faible, ou la vôtre",
            "this public key is no good: weak, or your own"
        ),
        Complaint::WouldReplace(what) => say_replaced(f, language, what),
        Complaint::BadCode(why) => match language {
            Language::French => say_bad_code_in_french(f, why),
            Language::English => write!(f, "this code is no good: {why}"),
        },
        Complaint::NoEntropy => say!(
            f,
            language,
            "pas assez de hasard\u{a0}: d’abord /entropy <64 chiffres hexadécimaux>",
            "not enough randomness: first /entropy <64 hex digits>"
        ),
        Complaint::NoKey => say!(f, language, "pas encore de clé\u{a0}: /key new", "no key yet: /key new"),
        Complaint::TextTooLong { octets, most } => say!(
            f,
            language,
            "message trop long\u{a0}: {} octets, {} au plus\u{a0}; rien n’est parti",
            "message too long: {} octets, {} at most; nothing was sent",
            octets,
            most
        ),
        Complaint::TooManyWaiting => say!(
            f,
            language,
            "trop de messages en attente\u{a0}; celui-ci n’est pas parti",
            "too many messages waiting; this one was not sent"
        ),
        Complaint::LongTextWaiting => say!(
            f,
            language,
            "un long message est encore en route\u{a0}: celui-ci n’est pas parti, renvoyez-le après, ou plus court",
            "a long message is still on its way: this one was not sent, send it again later, or a shorter one"
        ),
        Complaint::UrgentWaiting => say!(
            f,
            language,
            "déjà deux messages urgents en route\u{a0}; celui-ci n’est pas parti, attendre que l’un d’eux arrive",
            "two urgent messages are under way already; this one was not sent, wait until one of them has arrived"
        ),
        Complaint::NotReady(missing) => {
            say!(f, language, "pas encore prêt, à régler\u{a0}: {}", "not ready yet, to be set: {}", missing)
        }
        Complaint::LinesLost(lines) => {
            say!(
                f,
                language,
                "lignes perdues à l’affichage\u{a0}: {}",
                "lines lost on the way here: {}",
                lines
            )
        }
        Complaint::StoreFailed => say!(
            f,
            language,
            "la mémoire flash ne répond pas\u{a0}; redémarrage",
            "the flash memory does not work; starting again"
        ),
        Complaint::StoreDamaged => say!(
            f,
            language,
            "la mémoire flash est illisible\u{a0}; /erase efface tout, clés et messages",
            "the flash memory cannot be read; /erase wipes everything, keys and messages"
        ),
        Complaint::NotSent => say!(f, language, "rien n’est parti", "nothing was sent"),
    }
}

fn say_unlawful_in_french(f: &mut fmt::Formatter<'_>, why: Unlawful) -> fmt::Result {
    f.write_str("pas permis\u{a0}: ")?;
    match why {
        Unlawful::OutsideBands { .. } => f.write_str("hors des bandes de cette région"),
        Unlawful::BandwidthForbidden { bandwidth } => {
            write!(f, "pas de largeur de {} kHz à cette fréquence", bandwidth.hz() / 1_000)
        }
        Unlawful::HoppingRequired { bandwidth, .. } => {
            write!(f, "une largeur de {} kHz exige ici des sauts de fréquence", bandwidth.hz() / 1_000)
        }
        Unlawful::PowerTooHigh { max_power_dbm } => write!(f, "{max_power_dbm} dBm au plus"),
    }
}

/// A time in its largest whole unit.
struct Age {
    language: Language,
    age: Duration,
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.age.as_secs() {
            seconds @ 0..60 => write!(f, "{seconds} s"),
            seconds @ 60..3_600 => write!(f, "{} min", seconds / 60),
            seconds @ 3_600..86_400 => write!(f, "{} h", seconds / 3_600),
            seconds => say!(f, self.language, "{} j", "{} d", seconds / 86_400),
        }
    }
}
