//! The settings file as it is written: names, and where each value stands. What the values mean is for
//! [`super::check`] to say.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) site: Site,
    pub(super) xmpp: Xmpp,
    pub(super) modem: Modem,
    pub(super) radio: Radio,
    pub(super) identity: Identity,
    pub(super) store: Store,
    #[serde(default)]
    pub(super) console: Console,
    #[serde(default)]
    pub(super) person: Vec<Person>,
    #[serde(default)]
    pub(super) handheld: Vec<Handheld>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    pub(super) name: String,
    pub(super) language: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Xmpp {
    pub(super) attach: Attach,
    pub(super) server: Spanned<String>,
    pub(super) domain: Spanned<String>,
    pub(super) secret: Option<Spanned<super::Secret>>,
    pub(super) secret_file: Option<Spanned<PathBuf>>,
}

/// How the gateway takes part in XMPP. One way today.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Attach {
    Component,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Modem {
    pub(super) port: PathBuf,
    #[serde(default = "usual_baud")]
    pub(super) baud: Spanned<u32>,
}

fn usual_baud() -> Spanned<u32> {
    Spanned::new(0..0, 115_200)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Radio {
    pub(super) region: Spanned<String>,
    pub(super) rate: Option<Spanned<String>>,
    pub(super) power_dbm: Option<Spanned<i8>>,
    pub(super) network_key_file: Spanned<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) node: Spanned<String>,
    pub(super) secret_key_file: Spanned<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) path: PathBuf,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Console {
    pub(super) socket: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) jid: Spanned<String>,
    pub(super) node: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Handheld {
    pub(super) name: Spanned<String>,
    pub(super) node: Spanned<String>,
    pub(super) public_key: Spanned<String>,
}
