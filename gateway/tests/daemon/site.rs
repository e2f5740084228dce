//! A whole site: Prosody, the program `fanal`, a modem on a pseudo-terminal, Alice's app.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fanal_gateway::prosody::{Account, Component, Plan, Prosody};
use fanal_gateway::xmpp::client::Client;
use fanal_gateway::xmpp::stanza::Stanza;
use fanal_protocol::crypto::SecretKey;
use jid::{BareJid, Jid};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};
use xmpp_parsers::message::{Id, Lang, Message};
use xmpp_parsers::ns;
use xmpp_parsers::presence::Presence;
use xmpp_parsers::receipts;

use crate::handheld::{GATEWAY_SECRET, Modem, NETWORK_KEY, ROSA_SECRET};

pub(crate) const ROSA: &str = r"rosa\20tremblay@radio.fanal.example";
const DOMAIN: &str = "fanal.example";
const RADIO: &str = "radio.fanal.example";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "correct horse";
/// Nothing here takes longer, unless it is stuck.
pub(crate) const SOON: Duration = Duration::from_secs(40);

pub(crate) struct Site {
    pub(crate) server: Prosody,
    pub(crate) modem: Modem,
    daemon: Option<Child>,
    folder: TempDir,
}

impl Site {
    /// Everything but the daemon is running.
    pub(crate) async fn new() -> Self {
        let account =
            |user: &str| Account { user: user.into(), password: PASSWORD.into(), name: user.into() };
        let plan = Plan {
            domain: DOMAIN.into(),
            accounts: vec![account("alice")],
            components: vec![Component { domain: RADIO.into(), secret: SECRET.into() }],
            contacts: vec![(ROSA.into(), "Rosa".into())],
            port: None,
        };
        let server = Prosody::start(&plan).await.unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::tempdir().unwrap();
        let mut modem = Modem::new(&folder.path().join("modem"));
        modem.plug_in();
        let site = Self { server, modem, daemon: None, folder };
        site.write("fanal.toml", &site.settings());
        site.write("component.secret", SECRET);
        site.write("node.key", &hex(&GATEWAY_SECRET));
        site.write("network.key", &hex(&NETWORK_KEY));
        site
    }

    fn settings(&self) -> String {
        let server = self.server.component_address();
        let key = SecretKey::from_bytes(ROSA_SECRET).public();
        format!(
            r#"
            site = {{ name = "Test", language = "en" }}
            xmpp = {{ attach = "component", server = "{server}", domain = "{RADIO}", secret_file = "component.secret" }}
            modem = {{ port = "modem" }}
            radio = {{ region = "CA", network_key_file = "network.key" }}
            identity = {{ node = "0100", secret_key_file = "node.key" }}
            store = {{ path = "fanal.sqlite" }}
            console = {{ socket = "console" }}
            person = [{{ jid = "alice@{DOMAIN}", node = "0101" }}]
            handheld = [{{ name = "Rosa Tremblay", node = "0201", public_key = "{key}" }}]
            "#
        )
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the daemon and waits until it is attached to the server.
    pub(crate) async fn start(&mut self) {
        let attached = self.attached();
        self.launch();
        self.until("the daemon is attached", |site| site.attached() > attached).await;
    }

    /// Starts the daemon.
    pub(crate) fn launch(&mut self) {
        let log = OpenOptions::new().append(true).create(true).open(self.path("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_fanal"))
            .args(["gateway", "--config"])
            .arg(self.path("fanal.toml"))
            .env("FANAL_LOG", "debug")
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemon = Some(child);
    }

    fn attached(&self) -> usize {
        self.log().matches("attached to the XMPP server").count()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// As a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    /// As a supervisor would; the exit code.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        let daemon = self.daemon.as_mut().unwrap();
        let stopped = Command::new("kill").arg(daemon.id().to_string()).status().unwrap();
        assert!(stopped.success());
        let until = Instant::now() + SOON;
        loop {
            if let Some(status) = daemon.try_wait().unwrap() {
                self.daemon = None;
                return status.code();
            }
            assert!(Instant::now() < until, "the daemon does not stop");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for something that happens soon.
    pub(crate) async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let until = Instant::now() + SOON;
        while !done(self) {
            assert!(Instant::now() < until, "this never came: {what}\n{}\n{}", self.log(), self.server.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The server stops working, and does not know it.
    pub(crate) fn freeze_server(&self) {
        let folder = self.server.certificate().parent().unwrap().display().to_string();
        let mut frozen = 0;
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let command = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            if command.contains(&folder) {
                let process = entry.file_name().into_string().unwrap();
                assert!(Command::new("kill").args(["-STOP", &process]).status().unwrap().success());
                frozen += 1;
            }
        }
        assert!(frozen > 0);
    }

    /// Alice opens her app.
    pub(crate) async fn alice(&self) -> Alice {
        let jid = BareJid::new(&format!("alice@{DOMAIN}")).unwrap();
        let client = Client::connect(self.server.client_address(), &jid, PASSWORD, "phone").await;
        let mut client = client.unwrap_or_else(|error| panic!("{error}\n{}", self.server.log()));
        client.send(Presence::available()).await.unwrap();
        Alice { client }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

pub(crate) struct Alice {
    pub(crate) client: Client,
}

impl Alice {
    /// Writes to Rosa and asks for a receipt.
    pub(crate) async fn write(&mut self, id: &str, text: &str) {
        let to = Jid::new(ROSA).unwrap();
        let mut message =
            Message::chat(to).with_body(Lang::new(), text.into()).with_payload(receipts::Request);
        message.from = Some(self.client.address());
        message.id = Some(Id(id.into()));
        self.client.send(message).await.unwrap();
    }

    /// Tells that her app has received this message.
    pub(crate) async fn confirm(&mut self, message: &Message) {
        let id = message.id.clone().unwrap().0;
        let mut receipt =
            Message::chat(message.from.clone().unwrap()).with_payload(receipts::Received { id });
        receipt.from = Some(self.client.address());
        self.client.send(receipt).await.unwrap();
    }

    pub(crate) async fn stanza(&mut self) -> Stanza {
        loop {
            let stanza = timeout(SOON, self.client.receive()).await.expect("a stanza comes soon").unwrap();
            if let Ok(stanza) = stanza {
                return stanza;
            }
        }
    }

    pub(crate) async fn message(&mut self) -> Message {
        loop {
            if let Stanza::Message(message) = self.stanza().await {
                return message;
            }
        }
    }

    /// Every message that comes within a second of the one before.
    pub(crate) async fn messages(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Ok(message) = timeout(Duration::from_secs(2), self.message()).await {
            messages.push(message);
        }
        messages
    }
}

/// The id that a receipt acknowledges.
pub(crate) fn receipt(message: &Message) -> Option<&str> {
    let received = message.payloads.iter().find(|payload| payload.is("received", ns::RECEIPTS));
    received.and_then(|received| received.attr("id"))
}

pub(crate) fn body(message: &Message) -> &str {
    message.get_best_body(Vec::new()).map(|(_, body)| body.as_str()).unwrap_or_default()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
