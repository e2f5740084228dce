//! The demo's household: who lives there, and the files that a gateway needs.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use fanal_gateway::prosody::{Account, Component, Plan};
use fanal_gateway::words::Language;
use fanal_protocol::crypto::{PublicKey, SecretKey};
use fanal_protocol::id::NodeId;
use zeroize::Zeroizing;

/// The domain of the accounts, and that of the handhelds. RFC 8375 keeps the first for homes.
const DOMAIN: &str = "home.arpa";
const RADIO_DOMAIN: &str = "lora.home.arpa";
/// The gateway's own node id.
pub(super) const GATEWAY: NodeId = NodeId(0x0100);
/// Where the demo transmits. No law is broken: nothing leaves the machine.
pub(super) const REGION: &str = "CA";

/// Somebody with an XMPP app.
pub(super) struct Person {
    pub(super) user: &'static str,
    pub(super) node: NodeId,
    pub(super) password: String,
    pub(super) public_key: PublicKey,
}

impl Person {
    pub(super) fn jid(&self) -> String {
        format!("{}@{DOMAIN}", self.user)
    }
}

/// Somebody with a handheld.
pub(super) struct Handheld {
    pub(super) name: &'static str,
    pub(super) node: NodeId,
    /// Metres from the gateway: east, north.
    pub(super) place: (f64, f64),
}

impl Handheld {
    pub(super) fn jid(&self) -> String {
        format!("{}@{RADIO_DOMAIN}", self.name.to_lowercase())
    }
}

/// The handhelds of the demo.
pub(super) const HANDHELDS: [Handheld; 2] = [
    Handheld { name: "Rosa", node: NodeId(0x0201), place: (300.0, 0.0) },
    Handheld { name: "Marc", node: NodeId(0x0202), place: (0.0, 400.0) },
];

/// The household's files.
pub(super) struct Site {
    folder: PathBuf,
    pub(super) persons: Vec<Person>,
    pub(super) network_key: Zeroizing<String>,
    component_secret: Zeroizing<String>,
}

impl Site {
    /// Takes up the household in `folder`, or founds it there.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let secret = kept(&folder.join("node.key"), 32)?;
        let network_key = kept(&folder.join("network.key"), 16)?;
        let component_secret = kept(&folder.join("component.secret"), 32)?;
        let PublicKey(octets) = secret.parse().context("node.key")?;
        let secret = SecretKey::from_bytes(octets);
        let mut persons = Vec::new();
        for (user, node) in [("alice", NodeId(0x0101)), ("bob", NodeId(0x0102))] {
            let password = kept(&folder.join(format!("{user}.password")), 6)?.to_string();
            persons.push(Person { user, node, password, public_key: secret.derive(node).public() });
        }
        Ok(Self { folder: folder.into(), persons, network_key, component_secret })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the private XMPP server is to serve.
    pub(super) fn plan(&self, port: Option<u16>) -> Plan {
        let account = |person: &Person| Account {
            user: person.user.into(),
            password: person.password.clone(),
            name: person.user.into(),
        };
        Plan {
            domain: DOMAIN.into(),
            accounts: self.persons.iter().map(account).collect(),
            components: vec![Component {
                domain: RADIO_DOMAIN.into(),
                secret: self.component_secret.to_string(),
            }],
            contacts: HANDHELDS.iter().map(|handheld| (handheld.jid(), handheld.name.into())).collect(),
            port,
        }
    }

    /// Writes the gateway's settings and returns their path.
    pub(super) fn configure(
        &self,
        server: std::net::SocketAddr,
        language: Language,
        keys: &[(&Handheld, PublicKey)],
    ) -> io::Result<PathBuf> {
        let language = match language {
            Language::French => "fr",
            Language::English => "en",
        };
        let mut text = format!(
            r#"# Written by the demo. See docs/operations.md.
[site]
name = "demo"
language = "{language}"

[xmpp]
attach = "component"
server = "{server}"
domain = "{RADIO_DOMAIN}"
secret_file = "component.secret"

[modem]
port = "modem"

[radio]
region = "{REGION}"
network_key_file = "network.key"

[identity]
node = "{GATEWAY}"
secret_key_file = "node.key"

[store]
path = "fanal.db"

[console]
socket = "console.sock"
"#
        );
        for person in &self.persons {
            text += &format!("\n[[person]]\njid = \"{}\"\nnode = \"{}\"\n", person.jid(), person.node);
        }
        for (handheld, key) in keys {
            let Handheld { name, node, .. } = handheld;
            text +=
                &format!("\n[[handheld]]\nname = \"{name}\"\nnode = \"{node}\"\npublic_key = \"{key}\"\n");
        }
        let path = self.path("fanal.toml");
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// The random hexadecimal digits kept in a private file, which is made at the first call.
fn kept(path: &Path, octets: usize) -> anyhow::Result<Zeroizing<String>> {
    let name = || path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => return Ok(Zeroizing::new(text.trim().to_owned())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).with_context(name),
        Err(_) => {}
    }
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *random).map_err(io::Error::from)?;
    let text: Zeroizing<String> =
        Zeroizing::new(random.iter().take(octets).map(|octet| format!("{octet:02x}")).collect());
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(name)?;
    writeln!(file, "{}", *text).with_context(name)?;
    Ok(text)
}
