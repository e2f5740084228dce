//! A whole site: XMPP server, the program `fanal`, a modem and handhelds in a simulated air, people with apps.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanal_ether::channel::{Position, Settings};
use fanal_ether::live::Air;
use fanal_gateway::prosody::{Account, Component, Plan, Prosody};
use fanal_protocol::id::NodeId;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::cord::Cord;
use crate::desk::Desk;
use crate::journal::{Journal, SOON, What};
use crate::nodes::{self, Powered};
use crate::person::Person;
use crate::program;
use crate::record::Record;

/// The domain of the accounts.
pub const DOMAIN: &str = "home.arpa";
/// The domain of the handhelds.
pub const RADIO: &str = "lora.home.arpa";
/// Who has an account and is known to the gateway.
pub const PEOPLE: [(&str, NodeId); 2] = [("alice", NodeId(0x0101)), ("bob", NodeId(0x0102))];
/// Who has an account and is not known to the gateway.
pub const STRANGER: &str = "eve";
/// Whose handhelds there are.
pub const HANDHELDS: [(&str, NodeId); 2] = [("rosa", NodeId(0x0201)), ("marc", NodeId(0x0202))];
/// The password of every account.
pub const PASSWORD: &str = "correct horse";

const GATEWAY: NodeId = NodeId(0x0100);
/// Fast: these tests are not about patience with the air.
const RATE: &str = "SF7/500";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NODE_KEY: [u8; 32] = [0x42; 32];
const NETWORK_KEY: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// Everything, running. Dropped, all of it ends.
pub struct Household {
    gateway: Option<Child>,
    /// Those of [`PEOPLE`], in that order.
    pub people: Vec<Person>,
    /// Those of [`HANDHELDS`], in that order.
    pub desks: Vec<Desk>,
    modem: Option<Powered>,
    /// Between the gateway and the modem.
    pub cord: Cord,
    /// What all the radios share.
    pub air: Air,
    /// What people see.
    pub journal: Journal,
    /// The XMPP server.
    pub server: Prosody,
    boots: u32,
    seed: u64,
    folder: TempDir,
}

impl Household {
    /// Sets up everything; the gateway is attached and everybody is online.
    pub async fn new(seed: u64) -> Self {
        let account =
            |user: &str| Account { user: user.into(), password: PASSWORD.into(), name: user.into() };
        let plan = Plan {
            domain: DOMAIN.into(),
            accounts: PEOPLE.iter().map(|(user, _)| account(user)).chain([account(STRANGER)]).collect(),
            components: vec![Component { domain: RADIO.into(), secret: SECRET.into() }],
            contacts: HANDHELDS.iter().map(|(name, _)| (address(name), (*name).into())).collect(),
            port: None,
        };
        let server = Prosody::start(&plan).await.unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::default();
        let air = Air::new(Settings::room(), seed);
        let cord = Cord::new(folder.path().join("modem"));
        let desks = HANDHELDS.iter().map(|&(name, node)| {
            Desk::new(name, node, &air, folder.path().join(format!("{name}.flash")), seed, &journal)
        });
        let desks = desks.collect();
        let people = PEOPLE.iter().map(|(user, _)| {
            Person::open(&format!("{user}@{DOMAIN}"), PASSWORD, server.client_address(), &journal)
        });
        let people = people.collect();
        let mut house = Self {
            gateway: None,
            people,
            desks,
            modem: None,
            cord,
            air,
            journal,
            server,
            boots: 0,
            seed,
            folder,
        };
        house.power_modem(true);
        house.set_up().await;
        house.start().await;
        for person in &house.people {
            person.is_online().await;
        }
        house
    }

    /// Pairs the handhelds with the gateway as people do.
    async fn set_up(&mut self) {
        write_settings(self.folder.path(), &settings(&self.server.component_address().to_string()));
        let config = self.path("fanal.toml");
        for (desk, (name, node)) in self.desks.iter_mut().zip(HANDHELDS) {
            desk.switch_on();
            let invited = program::pair(&config, &["invite", name, "--node", &node.to_string()]).unwrap();
            let invitation = invited.split_whitespace().find(|word| word.starts_with("FANAL:INVITATION/"));
            let card = desk.join(invitation.expect("an invitation")).await;
            program::pair(&config, &["take", &card]).unwrap();
        }
    }

    /// A file of this site.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the gateway and waits until it is attached to the server.
    pub async fn start(&mut self) {
        let attached = self.logged("attached to the XMPP server");
        self.launch();
        self.until("the gateway is attached", |house| house.logged("attached to the XMPP server") > attached)
            .await;
    }

    /// Starts the gateway.
    pub fn launch(&mut self) {
        assert!(self.gateway.is_none(), "one gateway at a time");
        let log = OpenOptions::new().append(true).create(true).open(self.path("log")).unwrap();
        let child = Command::new(program::fanal())
            .args(["gateway", "--config"])
            .arg(self.path("fanal.toml"))
            .env("FANAL_LOG", "info")
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.gateway = Some(child);
    }

    /// Ends the gateway as a power cut would, in the middle of whatever it does.
    pub fn kill(&mut self) {
        let mut gateway = self.gateway.take().expect("the gateway was started");
        let ended = gateway.try_wait().unwrap();
        assert_eq!(ended, None, "the gateway has ended by itself:\n{}", self.log_tail());
        gateway.kill().unwrap();
        gateway.wait().unwrap();
    }

    /// What is on the disk of the gateway, which is not running.
    pub fn record(&self) -> Record {
        assert!(self.gateway.is_none(), "the gateway is writing");
        Record::read(&self.path("fanal.sqlite"))
    }

    /// Switches the modem; a new start is a new boot.
    pub fn power_modem(&mut self, on: bool) {
        self.modem = None;
        if on {
            self.boots += 1;
            let radio = self.air.station("modem", Position::new(0.0, 0.0));
            let (powered, line) = nodes::modem(radio, self.boots, self.seed ^ u64::from(self.boots));
            self.cord.attach(line);
            self.modem = Some(powered);
        }
        self.air.set_power("modem", on);
    }

    /// What the gateway has logged, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How often the gateway has logged this.
    pub fn logged(&self, words: &str) -> usize {
        self.log().matches(words).count()
    }

    /// The end of the log, for people.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Waits for something that happens [`SOON`].
    pub async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + SOON;
        while !done(self) {
            assert!(
                Instant::now() < deadline,
                "this never came: {what}\n{}\n{}",
                self.log_tail(),
                self.journal.tail(60)
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until this handheld shows this text.
    pub async fn shows(&self, handheld: &str, text: &str) {
        let shown = |entry: &crate::journal::Entry| {
            let same = matches!(&entry.what, What::Shown { text: shown, .. } if shown == text);
            (same && entry.who == handheld).then_some(())
        };
        self.journal.until(0, &format!("{handheld} shows {text}"), shown).await;
    }
}

impl Drop for Household {
    fn drop(&mut self) {
        if let Some(mut gateway) = self.gateway.take() {
            // Both fail only if it has ended by itself.
            let _ = gateway.kill();
            let _ = gateway.wait();
        }
    }
}

/// The XMPP address of a handheld.
pub fn address(handheld: &str) -> String {
    format!("{handheld}@{RADIO}")
}

/// The settings of a gateway at this server that knows [`PEOPLE`] and no handheld.
pub fn settings(server: &str) -> String {
    let mut text = format!(
        r#"[site]
name = "Test"
language = "en"

[xmpp]
attach = "component"
server = "{server}"
domain = "{RADIO}"
secret_file = "component.secret"

[modem]
port = "modem"

[radio]
region = "CA"
rate = "{RATE}"
network_key_file = "network.key"

[identity]
node = "{GATEWAY}"
secret_key_file = "node.key"

[store]
path = "fanal.sqlite"
"#
    );
    for (user, node) in PEOPLE {
        text += &format!("\n[[person]]\njid = \"{user}@{DOMAIN}\"\nnode = \"{node}\"\n");
    }
    text
}

/// Writes these settings, and the secrets that they name, into `folder`.
pub fn write_settings(folder: &Path, settings: &str) {
    let node_key: String = NODE_KEY.iter().map(|octet| format!("{octet:02x}")).collect();
    let files = [
        ("fanal.toml", settings),
        ("component.secret", SECRET),
        ("node.key", &node_key),
        ("network.key", NETWORK_KEY),
    ];
    for (name, text) in files {
        let mut file = OpenOptions::new();
        let mut file = file.write(true).create_new(true).mode(0o600).open(folder.join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}
