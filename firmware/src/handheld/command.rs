//! What a line asks for.

use core::str::SplitWhitespace;

use fanal_protocol::crypto::PublicKey;
use fanal_protocol::id::NodeId;
use fanal_protocol::pairing::Code;
use fanal_protocol::region::{Channel, Rate, RegionCode};
use zeroize::Zeroizing;

use super::words::{Complaint, Language};
use crate::store::MAX_NAME;

/// One line, understood.
pub(super) enum Command<'a> {
    /// `@alice bonjour`: send a text to a contact.
    Send {
        /// Name or node id, as typed.
        contact: &'a str,
        /// What to say.
        text: &'a str,
    },
    /// A bare line: send it to the chosen contact.
    SendToChosen(&'a str),
    /// `/urgent fire` or `/urgent @alice fire`: send a text before all others.
    Urgent {
        /// Name or node id, as typed; `None`: the chosen contact.
        contact: Option<&'a str>,
        /// What to say.
        text: &'a str,
    },
    /// `/to alice`: choose the contact for bare lines.
    Choose(&'a str),
    /// `/help`.
    Help,
    /// `/contacts`.
    Contacts,
    /// `/messages`.
    Messages,
    /// `/status`.
    Status,
    /// `/language fr`.
    Language(Language),
    /// `/node 0201 [replace]`: this handheld's radio address.
    Node(NodeId, Replace),
    /// `/region CA [SF9/500] [power]`: the channel.
    Region(Channel),
    /// `/network`, 32 hexadecimal digits `[replace]`: the community's key.
    Network(Zeroizing<[u8; 16]>, Replace),
    /// `/entropy` and 64 hexadecimal digits: randomness from elsewhere.
    Entropy(Zeroizing<[u8; 32]>),
    /// `/key new [replace]`: make a new pair of keys.
    NewKey(Replace),
    /// `/key`: show the public key.
    Key,
    /// `/contact 0101 Alice <public key> [via 0100] [replace]`: add a person, or change what is known of one.
    Contact {
        /// Radio address.
        node: NodeId,
        /// What to call them.
        name: &'a str,
        /// Their public key, handed over in person.
        key: PublicKey,
        /// The gateway that answers for them.
        via: Option<NodeId>,
        /// Whether the key of a known contact may change.
        replace: Replace,
    },
    /// `/pair [Rosa]`: show the own card, with this name in it.
    Card(&'a str),
    /// `/pair FANAL:... [Rosa] [replace]`: take a card or an invitation.
    Pair {
        /// What was shown by the other side.
        code: Code<'a>,
        /// What to call them, if not as their card says.
        name: Option<&'a str>,
        /// Whether what is known and set may change.
        replace: Replace,
    },
    /// `/verify alice`: the digits that both people compare.
    Verify(&'a str),
}

/// Whether the person has said, by the word `replace`, that a key or an address may be given up for another. Nothing brings
/// the former one back, and whoever had it must be paired anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Replace {
    /// It was not said.
    Never,
    /// It was said.
    Allowed,
}

impl Replace {
    /// Takes the word, if it is the next one.
    fn take(words: &mut SplitWhitespace<'_>) -> Self {
        let mut ahead = words.clone();
        if !ahead.next().is_some_and(is_replace) {
            return Self::Never;
        }
        *words = ahead;
        Self::Allowed
    }
}

fn is_replace(word: &str) -> bool {
    matches!(word, "replace" | "remplacer")
}

impl<'a> Command<'a> {
    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it, for the person who typed it.
    pub(super) fn parse(line: &'a str) -> Result<Self, Complaint<'a>> {
        let line = line.trim();
        if line.starts_with('@') {
            let (contact, text) = addressed(line).ok_or(Complaint::Usage("@alice bonjour"))?;
            return Ok(Command::Send { contact, text });
        }
        let Some(rest) = line.strip_prefix('/') else { return Ok(Command::SendToChosen(line)) };
        if let Some(("urgent" | "urgence", text)) = rest.split_once(char::is_whitespace) {
            return parse_urgent(text.trim_start());
        }
        let mut words = rest.split_whitespace();
        let verb = words.next().unwrap_or("");
        let command = Self::parse_verb(verb, &mut words)?;
        match words.next() {
            None => Ok(command),
            Some(surplus) => Err(Complaint::Surplus(surplus)),
        }
    }

    fn parse_verb(verb: &'a str, words: &mut SplitWhitespace<'a>) -> Result<Self, Complaint<'a>> {
        Ok(match verb {
            "help" | "aide" => Command::Help,
            "contacts" => Command::Contacts,
            "messages" => Command::Messages,
            "status" | "état" | "etat" => Command::Status,
            "to" | "à" => {
                Command::Choose(words.next().ok_or(Complaint::Usage("/to alice"))?.trim_start_matches('@'))
            }
            "language" | "langue" => {
                let usage = Complaint::Usage("/language fr|en");
                Command::Language(words.next().and_then(Language::of).ok_or(usage)?)
            }
            "node" => {
                let usage = Complaint::Usage("/node 0201");
                let node = words.next().and_then(|word| word.parse().ok()).ok_or(usage)?;
                Command::Node(node, Replace::take(words))
            }
            "urgent" | "urgence" => return Err(URGENT_USAGE),
            "region" => Command::Region(parse_channel(words)?),
            "network" => {
                let usage = Complaint::Usage("/network 00112233445566778899aabbccddeeff");
                let key = words.next().and_then(parse_hex).ok_or(usage)?;
                Command::Network(key, Replace::take(words))
            }
            "entropy" => {
                let octets = words.next().and_then(parse_hex).ok_or(Complaint::EntropyUsage)?;
                Command::Entropy(octets)
            }
            "key" => match words.next() {
                None => Command::Key,
                Some("new") => Command::NewKey(Replace::take(words)),
                Some(_) => return Err(Complaint::Usage("/key [new]")),
            },
            "contact" => parse_contact(words)?,
            "pair" | "jumeler" => parse_pair(words)?,
            "verify" | "vérifier" | "verifier" => {
                let contact = words.next().ok_or(Complaint::Usage("/verify alice"))?;
                Command::Verify(contact.trim_start_matches('@'))
            }
            _ => return Err(Complaint::UnknownCommand(verb)),
        })
    }
}

const URGENT_USAGE: Complaint<'static> = Complaint::Usage("/urgent [@alice] au feu");

/// Takes `@alice bonjour` apart; `None` if there is no name or no text.
fn addressed(line: &str) -> Option<(&str, &str)> {
    let (contact, text) = line.strip_prefix('@')?.split_once(char::is_whitespace)?;
    let text = text.trim_start();
    (!contact.is_empty() && !text.is_empty()).then_some((contact, text))
}

fn parse_urgent(text: &str) -> Result<Command<'_>, Complaint<'_>> {
    if !text.starts_with('@') {
        return Ok(Command::Urgent { contact: None, text });
    }
    let (contact, text) = addressed(text).ok_or(URGENT_USAGE)?;
    Ok(Command::Urgent { contact: Some(contact), text })
}

fn parse_channel<'a>(words: &mut SplitWhitespace<'a>) -> Result<Channel, Complaint<'a>> {
    let usage = Complaint::Usage("/region CA [SF9/500] [22]");
    let region: RegionCode = words.next().and_then(|word| word.parse().ok()).ok_or(usage)?;
    let mut channel = Channel::home(region);
    let mut word = words.next();
    if let Some(rate) = word.and_then(|word| word.parse::<Rate>().ok()) {
        channel.rate = rate;
        word = words.next();
    }
    if let Some(power) = word {
        channel.power_dbm = power.parse().map_err(|_| usage)?;
    }
    channel.lawful().map_err(Complaint::Unlawful)?;
    Ok(channel)
}

fn parse_contact<'a>(words: &mut SplitWhitespace<'a>) -> Result<Command<'a>, Complaint<'a>> {
    let usage = Complaint::ContactUsage;
    let node = words.next().and_then(|word| word.parse().ok()).ok_or(usage)?;
    let name = words.next().ok_or(usage)?.trim_start_matches('@');
    let key = words.next().and_then(|word| word.parse().ok()).ok_or(usage)?;
    let mut replace = Replace::take(words);
    let via = match words.next() {
        None => None,
        Some("via") => Some(words.next().and_then(|word| word.parse().ok()).ok_or(usage)?),
        Some(_) => return Err(usage),
    };
    if replace == Replace::Never {
        replace = Replace::take(words);
    }
    Ok(Command::Contact { node, name: checked_name(name)?, key, via, replace })
}

fn parse_pair<'a>(words: &mut SplitWhitespace<'a>) -> Result<Command<'a>, Complaint<'a>> {
    let Some(word) = words.next() else { return Ok(Command::Card("")) };
    if !Code::is_meant_by(word) {
        return Ok(Command::Card(checked_name(word)?));
    }
    let code = Code::parse(word).map_err(Complaint::BadCode)?;
    let name = words.clone().next().filter(|word| !is_replace(word));
    if let Some(name) = name {
        words.next();
        // One name does not do for several persons.
        if code.persons().count() > 1 {
            return Err(Complaint::Surplus(name));
        }
    }
    let name = name.map(|name| checked_name(name.trim_start_matches('@'))).transpose()?;
    Ok(Command::Pair { code, name, replace: Replace::take(words) })
}

fn checked_name<'a>(name: &'a str) -> Result<&'a str, Complaint<'a>> {
    if name.is_empty() || name.len() > MAX_NAME { Err(Complaint::BadName) } else { Ok(name) }
}

/// Exactly `2 * N` hexadecimal digits.
fn parse_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != N {
        return None;
    }
    let mut octets = Zeroizing::new([0; N]);
    for (octet, pair) in octets.iter_mut().zip(pairs) {
        for digit in pair {
            *octet = *octet << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use fanal_protocol::pairing::{Composed, Person};

    use super::*;

    const KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

    #[test]
    fn a_text_keeps_its_inner_spaces() {
        let Ok(Command::Send { contact, text }) = Command::parse("  @Alice   bonjour  à  toi ") else {
            panic!("not understood")
        };
        assert_eq!((contact, text), ("Alice", "bonjour  à  toi"));
    }

    #[test]
    fn an_urgent_text_is_told_by_its_command_in_both_languages() {
        for (line, expected) in
            [("/urgent au  feu", (None, "au  feu")), ("/urgence  @Alice au feu ", (Some("Alice"), "au feu"))]
        {
            let Ok(Command::Urgent { contact, text }) = Command::parse(line) else { panic!("{line}") };
            assert_eq!((contact, text), expected);
        }
    }

    #[test]
    fn a_bare_line_goes_to_the_chosen_contact() {
        assert!(matches!(Command::parse("bonjour /help"), Ok(Command::SendToChosen("bonjour /help"))));
    }

    #[test]
    fn a_channel_is_read_with_and_without_rate_and_power() {
        for (line, rate, power) in [
            ("/region CA", None, None),
            ("/region CA SF7/500", Some("SF7/500"), None),
            ("/region CA 14", None, Some(14)),
            ("/region ca SF7/500 10", Some("SF7/500"), Some(10)),
        ] {
            let Ok(Command::Region(channel)) = Command::parse(line) else { panic!("{line}") };
            let home = Channel::home(RegionCode::Ca);
            assert_eq!(channel.rate, rate.map_or(home.rate, |rate| rate.parse().unwrap()), "{line}");
            assert_eq!(channel.power_dbm, power.unwrap_or(home.power_dbm), "{line}");
        }
    }

    #[test]
    fn an_unlawful_channel_is_refused() {
        assert!(matches!(Command::parse("/region CA 99"), Err(Complaint::Unlawful(_))));
    }

    #[test]
    fn a_contact_is_read_with_and_without_gateway() {
        let line = std::format!("/contact 0101 Alice {KEY} via 0100");
        let Ok(Command::Contact { node, name, via, .. }) = Command::parse(&line) else { panic!("{line}") };
        assert_eq!((node, name, via), (NodeId(0x0101), "Alice", Some(NodeId(0x0100))));
        let line = std::format!("/contact 0101 Alice {KEY}");
        assert!(matches!(Command::parse(&line), Ok(Command::Contact { via: None, .. })));
        let line = std::format!("/contact 0101 {} {KEY}", "x".repeat(MAX_NAME + 1));
        assert!(matches!(Command::parse(&line), Err(Complaint::BadName)));
    }

    #[test]
    fn a_replacement_must_be_asked_for_by_name() {
        for line in ["/node 0201", "/key new", "/network 00112233445566778899aabbccddeeff"] {
            for (word, expected) in
                [("", Replace::Never), (" replace", Replace::Allowed), (" remplacer", Replace::Allowed)]
            {
                let line = std::format!("{line}{word}");
                let Ok(Command::Node(_, found) | Command::NewKey(found) | Command::Network(_, found)) =
                    Command::parse(&line)
                else {
                    panic!("{line}")
                };
                assert_eq!(found, expected, "{line}");
            }
            assert!(Command::parse(&std::format!("{line} replaced")).is_err());
        }
        let line = std::format!("/contact 0101 Alice {KEY} via 0100 replace");
        let Ok(Command::Contact { via, replace, .. }) = Command::parse(&line) else { panic!("{line}") };
        assert_eq!((via, replace), (Some(NodeId(0x0100)), Replace::Allowed));
    }

    #[test]
    fn a_card_is_shown_or_taken() {
        assert!(matches!(Command::parse("/pair"), Ok(Command::Card(""))));
        assert!(matches!(Command::parse("/jumeler Rosa"), Ok(Command::Card("Rosa"))));
        let person = Person { node: NodeId(0x0101), key: KEY.parse().unwrap(), name: Default::default() };
        let card = std::format!("/pair {}", Composed::card(&person));
        for (tail, expected, allowed) in [
            ("", None, Replace::Never),
            (" Alice", Some("Alice"), Replace::Never),
            (" replace", None, Replace::Allowed),
            (" Alice replace", Some("Alice"), Replace::Allowed),
        ] {
            let line = std::format!("{card}{tail}");
            let Ok(Command::Pair { code, name, replace }) = Command::parse(&line) else { panic!("{line}") };
            assert_eq!((code.persons().count(), name, replace), (1, expected, allowed), "{line}");
        }
        assert!(matches!(Command::parse(&card[..60]), Err(Complaint::BadCode(_))));
    }

    #[test]
    fn keys_are_exactly_as_long_as_they_must_be() {
        for bad in ["", "00", "zz112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff00", "é"]
        {
            assert!(parse_hex::<16>(bad).is_none(), "{bad}");
        }
        assert_eq!(parse_hex::<2>("00Fa").as_deref(), Some(&[0x00, 0xFA]));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for line in [
            "/",
            "/x",
            "/to",
            "/node 0000",
            "/node",
            "/help me",
            "@",
            "@alice",
            "/key old",
            "/contact",
            "/language de",
            "/verify",
            "/pair FANAL:CARD/AAAA",
            "/pair Rosa Marc",
            "/urgent",
            "/urgence @alice",
            "/urgent @ feu",
        ] {
            assert!(Command::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn noise_never_panics() {
        let mut noise = fanal_protocol::rand::Jitter::new(2);
        const WORDS: [&str; 15] = [
            "/", "@", " ", "urgent ", "contact", "region", "CA", "SF9/500", "é", "0101", KEY, "via", "-1",
            "entropy", "\u{202e}",
        ];
        for _ in 0..50_000 {
            let mut line = std::string::String::new();
            for _ in 0..noise.below(8) {
                line.push_str(WORDS[noise.below(WORDS.len() as u64) as usize]);
                if noise.below(2) == 0 {
                    line.push(' ');
                }
            }
            let _ = Command::parse(&line);
        }
    }
}
