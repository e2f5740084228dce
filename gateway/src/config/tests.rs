use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use fanal_protocol::region::RegionCode;
use proptest::prelude::*;

use super::*;

pub(super) const TEXT: &str = r#"[site]
name = "Lac-Nominingue"
language = "fr"

[xmpp]
attach = "component"
server = "127.0.0.1:5347"
domain = "radio.fanal.lan"
secret_file = "component.secret"

[modem]
port = "/dev/ttyACM0"

[radio]
region = "CA"
rate = "SF9/500"
power_dbm = 20
network_key_file = "network.key"

[identity]
node = "0100"
secret_key_file = "node.key"

[store]
path = "fanal.sqlite"

[[person]]
jid = "alice@fanal.lan"
node = "0101"

[[handheld]]
name = "Rosa Tremblay"
node = "0201"
public_key = "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f"
"#;

pub(super) struct Place(tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("component.secret", 0o600, "a secret that is long enough, 32 of them\n");
        place.write("network.key", 0o640, &"5a".repeat(16));
        place.write("node.key", 0o600, &format!("# made at the site\n\n{}\n", "42".repeat(32)));
        place
    }

    pub(super) fn write(&self, name: &str, mode: u32, text: &str) {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, text: &str) -> Result<Config, Faults> {
        self.write("fanal.toml", 0o600, text);
        Config::load(&self.0.path().join("fanal.toml"))
    }

    /// The only fault of the usual settings with one thing changed, and its line.
    fn fault(&self, old: &str, new: &str) -> (Option<usize>, Problem) {
        assert!(TEXT.contains(old), "{old}");
        let mut faults = self.load(&TEXT.replacen(old, new, 1)).unwrap_err().0;
        assert_eq!(faults.len(), 1, "{faults:?}");
        let fault = faults.remove(0);
        assert!(!fault.to_string().is_empty());
        (fault.line, fault.problem)
    }
}

#[test]
fn the_usual_settings_are_understood() {
    let place = Place::new();
    let config = place.load(TEXT).unwrap();
    assert_eq!(config.site.name, "Lac-Nominingue");
    assert_eq!(config.site.language, Language::French);
    assert_eq!(config.xmpp.server, "127.0.0.1:5347".parse().unwrap());
    assert_eq!(config.xmpp.domain.as_str(), "radio.fanal.lan");
    assert_eq!(config.xmpp.secret.expose(), "a secret that is long enough, 32 of them");
    assert_eq!(config.modem, Modem { port: "/dev/ttyACM0".into(), baud: 115_200 });
    assert_eq!(config.radio.channel.region, RegionCode::Ca);
    assert_eq!(config.radio.channel.power_dbm, 20);
    assert_eq!(config.store, place.0.path().join("fanal.sqlite"));
    assert_eq!(config.console, None);
    assert_eq!(config.directory.gateway(), NodeId(0x0100));
    assert_eq!(config.directory.pairs().count(), 1);
}

#[test]
fn no_secret_shows_in_debug() {
    let place = Place::new();
    let shown = format!("{:?}", place.load(TEXT).unwrap());
    for secret in ["long enough", "4242", "66, 66", "5a5a", "90, 90"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn a_name_we_do_not_know_is_refused_at_its_line() {
    let place = Place::new();
    let (line, problem) = place.fault("port = ", "prot = ");
    assert!(matches!(problem, Problem::Syntax { .. }));
    assert_eq!(line, Some(12));
    assert!(matches!(place.fault("\"component\"", "\"c2s\""), (Some(6), Problem::Syntax { .. })));
    assert!(matches!(place.fault("[store]\npath = \"fanal.sqlite\"", ""), (_, Problem::Syntax { .. })));
}

#[test]
fn only_a_server_on_this_machine_will_do() {
    let place = Place::new();
    for server in ["192.168.1.2:5347", "localhost:5347", "127.0.0.1", "[fe80::1]:5347", "0.0.0.0:5347"] {
        let (line, problem) = place.fault("127.0.0.1:5347", server);
        assert!(matches!(problem, Problem::NotLoopback { .. }), "{server}");
        assert_eq!(line, Some(7));
    }
    assert!(place.load(&TEXT.replace("127.0.0.1:5347", "[::1]:5347")).is_ok());
}

#[test]
fn secrets_are_long_and_not_for_everybody() {
    let place = Place::new();
    place.write("component.secret", 0o600, "short");
    assert!(matches!(place.fault("Lac", "Lac"), (Some(9), Problem::ShortSecret { found: 5 })));
    place.write("component.secret", 0o644, "a secret that is long enough, 32 of them");
    assert!(matches!(place.fault("Lac", "Lac"), (Some(9), Problem::OpenSecret { .. })));

    let place = Place::new();
    place.write("node.key", 0o604, &"42".repeat(32));
    assert!(matches!(place.fault("Lac", "Lac"), (Some(22), Problem::OpenSecret { .. })));
    place.write("node.key", 0o600, "42");
    assert!(matches!(place.fault("Lac", "Lac"), (Some(22), Problem::InvalidKeyFile { .. })));
    fs::remove_file(place.0.path().join("node.key")).unwrap();
    assert!(matches!(place.fault("Lac", "Lac"), (Some(22), Problem::UnreadableSecret { .. })));
}

#[test]
fn a_secret_in_the_settings_makes_them_private() {
    let place = Place::new();
    let inline =
        TEXT.replace("secret_file = \"component.secret\"", "secret = \"0123456789abcdef0123456789abcdef\"");
    assert!(place.load(&inline).is_ok());
    place.write("fanal.toml", 0o644, &inline);
    let faults = Config::load(&place.0.path().join("fanal.toml")).unwrap_err();
    assert!(matches!(faults.0[..], [Fault { line: Some(9), problem: Problem::OpenSecret { .. }, .. }]));
    let both = TEXT.replace("[modem]", "secret = \"0123456789abcdef0123456789abcdef\"\n[modem]");
    assert!(matches!(place.load(&both).unwrap_err().0[..], [Fault { problem: Problem::OneSecret, .. }]));
    assert!(matches!(place.fault("secret_file = \"component.secret\"", ""), (_, Problem::OneSecret)));
}

#[test]
fn what_the_law_forbids_is_refused_before_the_modem_hears_of_it() {
    let place = Place::new();
    assert!(matches!(place.fault("power_dbm = 20", "power_dbm = 40"), (Some(17), Problem::Unlawful(_))));
    assert!(matches!(place.fault("power_dbm = 20", "power_dbm = 400"), (Some(17), Problem::Syntax { .. })));
    assert!(matches!(place.fault("SF9/500", "SF13/500"), (Some(16), Problem::InvalidRate { .. })));
    assert!(matches!(place.fault("\"CA\"", "\"XX\""), (Some(15), Problem::InvalidRegion { .. })));
}

#[test]
fn every_fault_is_shown_at_once_in_the_order_of_the_lines() {
    let place = Place::new();
    let text = TEXT
        .replace("127.0.0.1:5347", "example.org")
        .replace("node = \"0101\"", "node = \"0100\"")
        .replace("8f40c5", "xx")
        .replace("alice@fanal.lan", "alice@fanal.lan/phone");
    let faults = place.load(&text).unwrap_err();
    let lines: Vec<_> = faults.0.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [Some(7), Some(28), Some(34)], "{faults}");
    assert_eq!(faults.to_string().lines().count(), 3);

    assert!(matches!(place.fault("\"fr\"", "\"de\""), (Some(3), Problem::InvalidLanguage { .. })));
    assert!(matches!(place.fault("0201", "0101"), (Some(32), Problem::Clash(Clash::NodeTaken { .. }))));
    assert!(matches!(place.fault("0201", "201"), (Some(33), Problem::InvalidNode { .. })));
    assert!(matches!(place.fault("0100", "ffff"), (Some(21), Problem::InvalidNode { .. })));
}

#[test]
fn a_missing_file_is_said_to_be_missing() {
    let faults = Config::load(Path::new("no/such/fanal.toml")).unwrap_err();
    assert!(matches!(faults.0[..], [Fault { line: None, problem: Problem::Unreadable { .. }, .. }]));
}

use crate::directory::Clash;

proptest! {
    #[test]
    fn no_text_stops_the_reader(text in any::<String>()) {
        prop_assert!(Config::parse(&text, Path::new("fanal.toml"), true).is_err());
    }

    #[test]
    fn settings_with_any_damage_are_read_or_refused(at in 0..TEXT.len(), cut in 0..40usize, put in ".{0,8}") {
        let mut text = TEXT.to_owned();
        let end = (at + cut).min(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(end) {
            text.replace_range(at..end, &put);
        }
        let _ = Config::parse(&text, Path::new("fanal.toml"), true);
    }
}
