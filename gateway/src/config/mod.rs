//! The settings: one TOML file, read once at the start, checked to the end before anything is opened.
//!
//! Paths in it are relative to the file itself. Every secret is in a file of its own or makes this one private.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fanal_protocol::crypto::{InvalidKey, NetworkKey, PublicKey, SecretKey};
use fanal_protocol::id::NodeId;
use fanal_protocol::region::{Channel, Rate, RegionCode};
use jid::{BareJid, DomainPart};
use toml::Spanned;

use crate::directory::Directory;
use crate::words::Language;

pub mod enroll;
mod file;
mod problem;
mod secret;

pub use problem::{Fault, Faults, Problem};
pub use secret::Secret;

/// All that the daemon is told.
#[derive(Debug)]
pub struct Config {
    /// Where it stands.
    pub site: Site,
    /// How it takes part in XMPP.
    pub xmpp: Xmpp,
    /// Where the radio modem is.
    pub modem: Modem,
    /// What the radio is set to.
    pub radio: Radio,
    /// The database file.
    pub store: PathBuf,
    /// The UNIX socket on which the serial link can be watched.
    pub console: Option<PathBuf>,
    /// Who is who, and the gateway's own id and key.
    pub directory: Directory,
}

/// Where the gateway stands.
#[derive(Clone, Debug)]
pub struct Site {
    /// What people call the place.
    pub name: String,
    /// The language for people whose own is not known.
    pub language: Language,
}

/// A component (XEP-0114) of a server on this machine.
#[derive(Clone, Debug)]
pub struct Xmpp {
    /// Where the server takes components: a loopback address.
    pub server: SocketAddr,
    /// The component's domain.
    pub domain: DomainPart,
    /// What it shares with the server: 32 characters or more.
    pub secret: Secret,
}

/// The serial port of the modem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Modem {
    /// The device.
    pub port: PathBuf,
    /// Its speed, bits per second.
    pub baud: u32,
}

/// What the radio is set to.
#[derive(Clone, Debug)]
pub struct Radio {
    /// A lawful channel.
    pub channel: Channel,
    /// What authenticates the community's beacons.
    pub network_key: NetworkKey,
}

/// No settings file of ours is longer, octets.
const MOST_OCTETS: u64 = 4 << 20;

/// A component's secret has at least so many characters.
const SHORTEST_SECRET: usize = 32;

impl Config {
    /// Reads and checks the settings in the file at `path` and the secrets that it points to.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let fault = |problem| Faults(vec![Fault { file: path.into(), line: None, problem }]);
        let unreadable = |error: io::Error| fault(Problem::Unreadable { reason: error.to_string() });
        let mut file = File::open(path).map_err(unreadable)?;
        let private = secret::refuse_onlookers(&file).is_ok();
        let mut text = String::new();
        file.by_ref().take(MOST_OCTETS).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text, path, private)
    }

    /// Checks settings that were read from `path`; `private` when others cannot read that file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them.
    pub fn parse(text: &str, path: &Path, private: bool) -> Result<Self, Faults> {
        let mut check = Check { text, path, private, faults: Vec::new() };
        let config = match toml::from_str::<file::File>(text) {
            Ok(file) => check.file(file),
            Err(error) => {
                let detail = error.message().to_owned();
                check.fault(error.span(), Problem::Syntax { detail });
                None
            }
        };
        check.faults.sort_by_key(|fault| fault.line);
        match config {
            Some(config) if check.faults.is_empty() => Ok(config),
            _ => Err(Faults(check.faults)),
        }
    }
}

/// Goes through a file and remembers all that is wrong with it.
struct Check<'a> {
    text: &'a str,
    path: &'a Path,
    private: bool,
    faults: Vec<Fault>,
}

impl Check<'_> {
    /// `None` only when there is a fault.
    fn file(&mut self, file: file::File) -> Option<Config> {
        let domain = self.domain(&file.xmpp.domain);
        let xmpp_server = self.server(&file.xmpp.server);
        let xmpp_secret = self.component_secret(&file.xmpp);
        let language = self.language(file.site.language);
        let modem = self.modem(file.modem);
        let channel = self.channel(&file.radio);
        let network_key = self.key::<NetworkKey>(&file.radio.network_key_file);
        let node = self.node(&file.identity.node);
        let secret_key = self.key::<SecretOctets>(&file.identity.secret_key_file);
        // The other entries are checked even if the gateway's own are not usable: all faults at once.
        let own = secret_key.as_ref().map_or([0x55; 32], |octets| octets.0);
        let mut directory = Directory::new(
            node.unwrap_or(NodeId::NONE),
            SecretKey::from_bytes(own),
            domain.clone().or_else(|| DomainPart::from_str("invalid").ok())?,
        );
        for person in &file.person {
            self.person(&mut directory, person);
        }
        for handheld in &file.handheld {
            self.handheld(&mut directory, handheld);
        }
        node?;
        secret_key?;
        Some(Config {
            site: Site { name: file.site.name, language: language? },
            xmpp: Xmpp { server: xmpp_server?, domain: domain?, secret: xmpp_secret? },
            modem: modem?,
            radio: Radio { channel: channel?, network_key: network_key? },
            store: self.beside(&file.store.path),
            console: file.console.socket.map(|socket| self.beside(&socket)),
            directory,
        })
    }

    fn fault(&mut self, span: Option<Range<usize>>, problem: Problem) {
        // Defaults have no place in the text.
        let line = span
            .filter(|span| *span != (0..0))
            .and_then(|span| self.text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        self.faults.push(Fault { file: self.path.into(), line, problem });
    }

    /// Keeps the value, or the fault with the place of `at`.
    fn keep<T, S>(&mut self, at: &Spanned<S>, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.fault(Some(at.span()), problem)).ok()
    }

    /// Paths are relative to the settings file.
    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn language(&mut self, text: Option<Spanned<String>>) -> Option<Language> {
        let Some(text) = text else { return Some(Language::default()) };
        let found = text.get_ref();
        let language = match found.as_str() {
            "fr" => Ok(Language::French),
            "en" => Ok(Language::English),
            _ => Err(Problem::InvalidLanguage { found: found.clone() }),
        };
        self.keep(&text, language)
    }

    fn server(&mut self, text: &Spanned<String>) -> Option<SocketAddr> {
        let found = text.get_ref();
        let server = found.parse().ok().filter(|server: &SocketAddr| server.ip().is_loopback());
        self.keep(text, server.ok_or_else(|| Problem::NotLoopback { found: found.clone() }))
    }

    fn domain(&mut self, text: &Spanned<String>) -> Option<DomainPart> {
        let found = text.get_ref();
        let domain = DomainPart::from_str(found).map_err(|_| Problem::InvalidDomain { found: found.clone() });
        self.keep(text, domain)
    }

    fn component_secret(&mut self, xmpp: &file::Xmpp) -> Option<Secret> {
        let file::Attach::Component = xmpp.attach;
        let long_enough = |secret: Secret| match secret.expose().chars().count() {
            found if found < SHORTEST_SECRET => Err(Problem::ShortSecret { found }),
            _ => Ok(secret),
        };
        match (&xmpp.secret, &xmpp.secret_file) {
            (Some(secret), None) => {
                let found = if self.private {
                    long_enough(secret.get_ref().clone())
                } else {
                    Err(Problem::OpenSecret { path: self.path.into() })
                };
                self.keep(secret, found)
            }
            (None, Some(path)) => {
                let found = self.secret(path.get_ref()).and_then(long_enough);
                self.keep(path, found)
            }
            (None, None) | (Some(_), Some(_)) => {
                self.fault(Some(xmpp.server.span()), Problem::OneSecret);
                None
            }
        }
    }

    fn secret(&self, path: &Path) -> Result<Secret, Problem> {
        let path = self.beside(path);
        secret::read(&path).map_err(|unread| match unread {
            secret::Unread::Open => Problem::OpenSecret { path },
            secret::Unread::Io(error) => Problem::UnreadableSecret { path, reason: error.to_string() },
        })
    }

    fn key<K: FromStr<Err = InvalidKey>>(&mut self, path: &Spanned<PathBuf>) -> Option<K> {
        let read = self.secret(path.get_ref()).and_then(|secret| {
            let file = self.beside(path.get_ref());
            secret.expose().parse().map_err(|source| Problem::InvalidKeyFile { path: file, source })
        });
        self.keep(path, read)
    }

    fn modem(&mut self, modem: file::Modem) -> Option<Modem> {
        let found = *modem.baud.get_ref();
        let baud = if (1_200..=4_000_000).contains(&found) {
            Ok(found)
        } else {
            Err(Problem::InvalidBaud { found })
        };
        let baud = self.keep(&modem.baud, baud)?;
        Some(Modem { port: self.beside(&modem.port), baud })
    }

    fn channel(&mut self, radio: &file::Radio) -> Option<Channel> {
        let found = radio.region.get_ref();
        let region = found
            .parse::<RegionCode>()
            .map_err(|source| Problem::InvalidRegion { found: found.clone(), source });
        let mut channel = Channel::home(self.keep(&radio.region, region)?);
        let mut blame = radio.region.span();
        if let Some(text) = &radio.rate {
            let found = text.get_ref();
            let rate =
                found.parse::<Rate>().map_err(|source| Problem::InvalidRate { found: found.clone(), source });
            channel.rate = self.keep(text, rate)?;
            blame = text.span();
        }
        if let Some(power) = &radio.power_dbm {
            channel.power_dbm = *power.get_ref();
            blame = power.span();
        }
        match channel.lawful() {
            Ok(_) => Some(channel),
            Err(unlawful) => {
                self.fault(Some(blame), Problem::Unlawful(unlawful));
                None
            }
        }
    }

    fn node(&mut self, text: &Spanned<String>) -> Option<NodeId> {
        let found = text.get_ref();
        let node = found.parse().map_err(|source| Problem::InvalidNode { found: found.clone(), source });
        self.keep(text, node)
    }

    fn person(&mut self, directory: &mut Directory, person: &file::Person) {
        let found = person.jid.get_ref();
        let jid = found.parse::<BareJid>().map_err(|_| Problem::InvalidJid { found: found.clone() });
        let (jid, node) = (self.keep(&person.jid, jid), self.node(&person.node));
        if let (Some(jid), Some(node)) = (jid, node) {
            let added = directory.add_person(jid, node).map_err(Problem::Clash);
            self.keep(&person.jid, added);
        }
    }

    fn handheld(&mut self, directory: &mut Directory, handheld: &file::Handheld) {
        let key = handheld.public_key.get_ref().parse::<PublicKey>().map_err(Problem::InvalidPublicKey);
        let (key, node) = (self.keep(&handheld.public_key, key), self.node(&handheld.node));
        if let (Some(key), Some(node)) = (key, node) {
            let added = directory.add_handheld(handheld.name.get_ref(), node, key).map_err(Problem::Clash);
            self.keep(&handheld.name, added);
        }
    }
}

/// A secret key as it is written: 64 hexadecimal digits, as a public one is.
struct SecretOctets([u8; 32]);

impl FromStr for SecretOctets {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        text.parse::<PublicKey>().map(|PublicKey(octets)| Self(octets))
    }
}

impl Drop for SecretOctets {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

#[cfg(test)]
mod tests;
