//! A site: Prosody, a component that only answers, the daemon with a modem, Alice's app.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanal_gateway::prosody::{Account, Component, Error, Plan, Prosody};
use fanal_gateway::xmpp::client::Client;
use fanal_gateway::xmpp::component::{self, Settings};
use fanal_gateway::xmpp::stanza::Stanza;
use jid::{BareJid, DomainPart, Jid};
use tokio::time::{sleep, timeout};
use xmpp_parsers::message::{Id, Lang, Message};
use xmpp_parsers::ns;
use xmpp_parsers::presence::Presence;
use xmpp_parsers::receipts;

use crate::measure;
use crate::modem::{GATEWAY_SECRET, HANDHELDS, NETWORK_KEY, id, secret};

const DOMAIN: &str = "fanal.example";
const RADIO: &str = "radio.fanal.example";
const ECHO: &str = "echo.fanal.example";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "correct horse";
/// Nothing here takes longer, unless it is stuck.
const SOON: Duration = Duration::from_secs(60);

pub(crate) async fn server() -> Result<Prosody, Error> {
    let component = |domain: &str| Component { domain: domain.into(), secret: SECRET.into() };
    let plan = Plan {
        domain: DOMAIN.into(),
        accounts: vec![Account { user: "alice".into(), password: PASSWORD.into(), name: "Alice".into() }],
        components: [RADIO, ECHO].map(component).to_vec(),
        ..Plan::default()
    };
    Prosody::start(&plan).await
}

/// The address of a handheld.
pub(crate) fn handheld(number: u8) -> Jid {
    Jid::new(&format!("h{number}@{RADIO}")).unwrap()
}

/// An address at the component that only answers.
pub(crate) fn echo() -> Jid {
    Jid::new(&format!("h@{ECHO}")).unwrap()
}

/// Attaches a component that answers every text with a receipt, and does nothing else.
pub(crate) async fn attach_echo(server: &Prosody) {
    let settings = Settings {
        address: server.component_address(),
        domain: DomainPart::new(ECHO).unwrap().into_owned(),
        secret: SECRET.into(),
    };
    let mut connection = component::connect(&settings).await.unwrap();
    tokio::spawn(async move {
        while let Ok(stanza) = connection.reader.stanza().await {
            if let Ok(Stanza::Message(message)) = stanza
                && let (Some(from), Some(to), Some(Id(id))) = (message.from, message.to, message.id)
            {
                let mut answer = Message::chat(from).with_payload(receipts::Received { id });
                answer.from = Some(to);
                connection.writer.send(&Stanza::from(answer)).await.unwrap();
            }
        }
    });
}

/// The gateway, as a process.
pub(crate) struct Daemon {
    process: Child,
}

impl Daemon {
    /// Starts it in `folder`, where a modem is plugged in at `modem`. Returns when server and modem are connected.
    pub(crate) async fn start(server: &Prosody, folder: &Path) -> Self {
        write(folder, "fanal.toml", &settings(server));
        write(folder, "component.secret", SECRET);
        write(folder, "node.key", &hex(&GATEWAY_SECRET));
        write(folder, "network.key", &hex(&NETWORK_KEY));
        let log = folder.join("log");
        let process = Command::new(std::env::current_exe().unwrap())
            .arg(crate::DAEMON)
            .arg(folder.join("fanal.toml"))
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let daemon = Self { process };
        let deadline = Instant::now() + SOON;
        loop {
            let said = fs::read_to_string(&log).unwrap();
            if said.contains("attached to the XMPP server") && said.contains("the modem is ready") {
                return daemon;
            }
            assert!(Instant::now() < deadline, "the daemon does not start:\n{said}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// A line of its `/proc` status, MiB.
    pub(crate) fn memory_mib(&self, field: &str) -> String {
        format!("{:.1}", measure::memory_kib(self.process.id(), field) as f64 / 1_024.0)
    }

    pub(crate) fn cpu_time(&self) -> Duration {
        measure::cpu_time_of(&self.process.id().to_string())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Each fails only if the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn settings(server: &Prosody) -> String {
    let server = server.component_address();
    let handhelds: Vec<String> = (0..HANDHELDS)
        .map(|number| {
            let key = secret(number).public();
            format!(r#"{{ name = "h{number}", node = "{:04x}", public_key = "{key}" }}"#, id(number).0)
        })
        .collect();
    format!(
        r#"
        site = {{ name = "Bench", language = "en" }}
        xmpp = {{ attach = "component", server = "{server}", domain = "{RADIO}", secret_file = "component.secret" }}
        modem = {{ port = "modem" }}
        radio = {{ region = "CA", network_key_file = "network.key" }}
        identity = {{ node = "0100", secret_key_file = "node.key" }}
        store = {{ path = "fanal.sqlite" }}
        person = [{{ jid = "alice@{DOMAIN}", node = "0101" }}]
        handheld = [{}]
        "#,
        handhelds.join(", ")
    )
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// How long each round trip took, and all of them together.
pub(crate) struct Trips {
    pub(crate) each: Vec<Duration>,
    pub(crate) all: Duration,
}

/// Alice's app.
pub(crate) struct Alice {
    client: Client,
    next: u32,
}

impl Alice {
    pub(crate) async fn connect(server: &Prosody) -> Self {
        let jid = BareJid::new(&format!("alice@{DOMAIN}")).unwrap();
        let mut client = Client::connect(server.client_address(), &jid, PASSWORD, "bench").await.unwrap();
        client.send(Presence::available()).await.unwrap();
        Self { client, next: 0 }
    }

    /// Writes `count` texts, to everybody in turn, with at most `window` of them unanswered.
    pub(crate) async fn round_trips(&mut self, to: &[Jid], count: usize, window: usize) -> Trips {
        let (mut open, mut each) = (BTreeMap::new(), Vec::with_capacity(count));
        let mut recipients = to.iter().cycle();
        let started = Instant::now();
        while each.len() < count {
            while open.len() < window && open.len() + each.len() < count {
                let id = self.write(recipients.next().unwrap()).await;
                open.insert(id, Instant::now());
            }
            let message = self.message().await;
            if let Some(written) = receipt(&message).and_then(|id| open.remove(id)) {
                each.push(written.elapsed());
            } else {
                assert!(!message.payloads.iter().any(|payload| payload.name() == "error"), "{message:?}");
            }
        }
        Trips { each, all: started.elapsed() }
    }

    async fn write(&mut self, to: &Jid) -> String {
        self.next += 1;
        let id = format!("m{}", self.next);
        let text = format!("{:0>5} Passez par le nord, pont coup\u{e9}.", self.next);
        let mut message =
            Message::chat(to.clone()).with_body(Lang::new(), text).with_payload(receipts::Request);
        message.from = Some(self.client.address());
        message.id = Some(Id(id.clone()));
        self.client.send(message).await.unwrap();
        id
    }

    /// The next message with a text.
    pub(crate) async fn text(&mut self) -> Message {
        loop {
            let message = self.message().await;
            if !message.bodies.is_empty() {
                return message;
            }
        }
    }

    /// Tells that her app has received it.
    pub(crate) async fn confirm(&mut self, message: &Message) {
        let id = message.id.clone().unwrap().0;
        let mut answer = Message::chat(message.from.clone().unwrap()).with_payload(receipts::Received { id });
        answer.from = Some(self.client.address());
        self.client.send(answer).await.unwrap();
    }

    async fn message(&mut self) -> Message {
        loop {
            let stanza = timeout(SOON, self.client.receive()).await.expect("a stanza comes soon").unwrap();
            if let Ok(Stanza::Message(message)) = stanza {
                return message;
            }
        }
    }
}

/// The id that a receipt acknowledges.
fn receipt(message: &Message) -> Option<&str> {
    let received = message.payloads.iter().find(|payload| payload.is("received", ns::RECEIPTS));
    received.and_then(|received| received.attr("id"))
}
