//! What is said against a code, and before something is replaced for good.

use core::fmt;

use fanal_protocol::id::NodeId;
use fanal_protocol::pairing::Invalid;

use super::Language;

/// What would be lost if another took its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replaced {
    /// The own key pair.
    OwnKey,
    /// The own address.
    Address,
    /// The network key.
    NetworkKey,
    /// The channel.
    Channel,
    /// The public key of this contact.
    KeyOf(NodeId),
}

/// Says what would be lost, and how to do it all the same.
pub(super) fn say_replaced(f: &mut fmt::Formatter<'_>, language: Language, what: Replaced) -> fmt::Result {
    match what {
        Replaced::OwnKey => say!(
            f,
            language,
            "votre clé serait perdue et tous vos contacts à jumeler de nouveau",
            "your key would be lost and all your contacts had to be paired anew"
        )?,
        Replaced::Address => say!(
            f,
            language,
            "cette adresse remplacerait la vôtre, et tous vos contacts seraient à jumeler de nouveau",
            "this address would replace yours, and all your contacts had to be paired anew"
        )?,
        Replaced::NetworkKey => say!(
            f,
            language,
            "vous quitteriez votre réseau pour un autre",
            "you would leave your network for another"
        )?,
        Replaced::Channel => say!(
            f,
            language,
            "vous quitteriez votre canal pour un autre",
            "you would leave your channel for another"
        )?,
        Replaced::KeyOf(node) => say!(
            f,
            language,
            "{} a une autre clé ici\u{a0}; si ce n’est pas sa nouvelle clé, quelqu’un se fait passer pour ce contact",
            "{} has another key here; if this is not their new one, somebody pretends to be them",
            node
        )?,
    }
    say!(
        f,
        language,
        "\u{a0}; si c’est voulu, la même ligne avec remplacer à la fin",
        "; if you mean it, the same line with replace at its end"
    )
}

pub(super) fn say_bad_code_in_french(f: &mut fmt::Formatter<'_>, why: Invalid) -> fmt::Result {
    f.write_str("ce code ne vaut rien\u{a0}: ")?;
    match why {
        Invalid::NoCode => f.write_str("un code commence par FANAL:CARD/ ou FANAL:INVITATION/"),
        Invalid::Version(found) => write!(f, "sa version {found} est inconnue ici"),
        Invalid::Damaged => f.write_str("un caractère est faux, manque ou est de trop"),
        Invalid::Impossible => f.write_str("il est entier, mais se contredit"),
    }
}
