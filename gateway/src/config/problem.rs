//! What can be wrong with the settings.

use std::fmt;
use std::path::PathBuf;

use fanal_protocol::crypto::InvalidKey;
use fanal_protocol::id::InvalidNodeId;
use fanal_protocol::region::{InvalidRate, UnknownRegion, Unlawful};

use crate::directory::Clash;

/// Something wrong, and where.
#[derive(Debug)]
pub struct Fault {
    /// The settings file.
    pub file: PathBuf,
    /// The line in it, counted from 1, when there is one to point at.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.problem),
            None => write!(f, "{}: {}", self.file.display(), self.problem),
        }
    }
}

/// Everything wrong with a settings file, in the order of its lines; at least one fault.
#[derive(Debug)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            let break_before = if number == 0 { "" } else { "\n" };
            write!(f, "{break_before}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// One thing that is wrong with the settings.
#[derive(Debug, thiserror::Error)]

pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// What the system says.
        reason: String,
    },
    /// It is no TOML, or names no setting of ours.
    #[error("{detail}")]
    Syntax {
        /// What the parser says.
        detail: String,
    },
    /// A language that the program does not speak.
    #[error("{found} is neither fr nor en")]
    InvalidLanguage {
        /// What stands there.
        found: String,
    },
    /// `xmpp.server` is no address with a port, or not of this machine.
    #[error("{found} is not a loopback address with a port")]
    NotLoopback {
        /// What stands there.
        found: String,
    },
    /// A domain that no JID can have.
    #[error("{found} cannot be a domain")]
    InvalidDomain {
        /// What stands there.
        found: String,
    },
    /// Neither or both of `xmpp.secret` and `xmpp.secret_file`.
    #[error("exactly one of secret and secret_file is needed")]
    OneSecret,
    /// The component's secret can be guessed.
    #[error("the secret has {found} characters, 32 are needed")]
    ShortSecret {
        /// How long it is.
        found: usize,
    },
    /// Everybody on the machine can read a secret.
    #[error("{path} can be read by everybody on this machine", path = path.display())]
    OpenSecret {
        /// Which file.
        path: PathBuf,
    },
    /// A file with a secret cannot be read.
    #[error("{path} cannot be read: {reason}", path = path.display())]
    UnreadableSecret {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file holds no key.
    #[error("{path}: {source}", path = path.display())]
    InvalidKeyFile {
        /// Which file.
        path: PathBuf,
        /// What a key looks like.
        source: InvalidKey,
    },
    /// A text is no public key.
    #[error(transparent)]
    InvalidPublicKey(#[from] InvalidKey),
    /// A text is no node id.
    #[error("{found}: {source}")]
    InvalidNode {
        /// What stands there.
        found: String,
        /// What a node id looks like.
        source: InvalidNodeId,
    },
    /// A text is no region.
    #[error("{found}: {source}")]
    InvalidRegion {
        /// What stands there.
        found: String,
        /// What a region looks like.
        source: UnknownRegion,
    },
    /// A text is no rate.
    #[error("{found}: {source}")]
    InvalidRate {
        /// What stands there.
        found: String,
        /// What a rate looks like.
        source: InvalidRate,
    },
    /// The law does not allow it.
    #[error("not lawful in this region: {0}")]
    Unlawful(#[from] Unlawful),
    /// A speed that serial ports do not have.
    #[error("{found} is not the speed of a serial port")]
    InvalidBaud {
        /// What stands there.
        found: u32,
    },
    /// A text is no bare JID.
    #[error("{found} is not the address of an account")]
    InvalidJid {
        /// What stands there.
        found: String,
    },
    /// An entry does not fit beside the others.
    #[error(transparent)]
    Clash(#[from] Clash),
}
