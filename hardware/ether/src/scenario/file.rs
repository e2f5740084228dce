//! The scenario file as it is written: names, and where each value stands. What the values mean is for
//! [`super::read`] to say, what they are for is in `docs/simulator.md`.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) duration_s: Spanned<f64>,
    pub(super) lifetime_s: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) protocol: Protocol,
    pub(super) radio: Radio,
    #[serde(default)]
    pub(super) path: Path,
    pub(super) node: Vec<Node>,
    #[serde(default)]
    pub(super) link: Vec<Link>,
    pub(super) traffic: Option<Traffic>,
    #[serde(default)]
    pub(super) send: Vec<Send>,
    #[serde(default)]
    pub(super) fault: Vec<Fault>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Protocol {
    #[default]
    Fanal,
    ManagedFlood,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Radio {
    pub(super) region: Spanned<String>,
    pub(super) rate: Option<Spanned<String>>,
    pub(super) power_dbm: Option<i8>,
    pub(super) antenna_m: Option<Spanned<f64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Path {
    pub(super) model: Model,
    pub(super) sigma_db: Option<Spanned<f64>>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Model {
    #[default]
    LogDistance,
    Suburban,
    Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub(super) name: Spanned<String>,
    pub(super) x: Option<Spanned<f64>>,
    pub(super) y: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) role: Role,
    pub(super) on: Option<Vec<Spanned<[f64; 2]>>>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    #[default]
    Handheld,
    Relay,
    Gateway,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) a: Spanned<String>,
    pub(super) b: Spanned<String>,
    #[serde(default = "lossless")]
    pub(super) loss: Spanned<f64>,
}

fn lossless() -> Spanned<f64> {
    Spanned::new(0..0, 0.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traffic {
    pub(super) kind: Spanned<Kind>,
    pub(super) period_s: Spanned<f64>,
    pub(super) text_bytes: Spanned<f64>,
    pub(super) until_s: Option<Spanned<f64>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Direct,
    Room,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    pub(super) at_s: Spanned<f64>,
    pub(super) source: Spanned<String>,
    pub(super) destination: Spanned<String>,
    pub(super) text: Spanned<String>,
    pub(super) times: Option<Spanned<f64>>,
    pub(super) every_s: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    pub(super) at_s: Spanned<f64>,
    pub(super) node: Spanned<String>,
    pub(super) what: What,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    Crash,
    Off,
    On,
}
