//! Secrets: in memory without `Debug`, on disk without onlookers.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Deserialize;
use zeroize::Zeroizing;

/// A text that nobody gets to see: wiped when dropped, `Debug` shows nothing of it.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// What is not to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The longest file that can hold a secret of ours.
const MOST_OCTETS: u64 = 4_096;

/// Why a secret cannot be had from a file.
#[derive(Debug)]
pub(super) enum Unread {
    /// Everybody on the machine can read it.
    Open,
    /// It cannot be read at all.
    Io(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The first line of the file at `path` that is neither empty nor a `#` comment, without the space around it.
pub(super) fn read(path: &Path) -> Result<Secret, Unread> {
    let mut file = File::open(path)?;
    refuse_onlookers(&file)?;
    let mut text = Zeroizing::new(String::with_capacity(256));
    file.by_ref().take(MOST_OCTETS).read_to_string(&mut text)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(Secret::from(line.unwrap_or_default().to_owned()))
}

/// Others than the owner and its group may not read the file.
pub(super) fn refuse_onlookers(file: &File) -> Result<(), Unread> {
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o007 == 0 { Ok(()) } else { Err(Unread::Open) }
}
