//! A handheld on the desk: its power switch, and its text interface in our hands.

use std::io;
use std::time::Duration;

use anyhow::{Context, bail};
use fanal_ether::channel::Position;
use fanal_gateway::words::Language;
use fanal_protocol::crypto::PublicKey;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::node::{Line, Powered, Workshop};
use super::site::{GATEWAY, Handheld, REGION, Site};

/// How long a handheld may take to start or to answer.
const PATIENCE: Duration = Duration::from_secs(20);

type Port = Box<dyn Line>;

/// A line that a handheld printed.
pub(super) struct Printed {
    pub(super) name: &'static str,
    pub(super) line: String,
}

/// A handheld, off or on.
pub(super) struct Desk {
    pub(super) handheld: &'static Handheld,
    on: Option<On>,
}

struct On {
    keyboard: WriteHalf<Port>,
    reader: JoinHandle<()>,
    _power: Powered,
}

impl Desk {
    /// Switches a handheld on for the first time, sets it up, and returns its public key too.
    pub(super) async fn set_up(
        handheld: &'static Handheld,
        workshop: &Workshop,
        site: &Site,
        language: Language,
        printed: mpsc::Sender<Printed>,
    ) -> anyhow::Result<(Self, PublicKey)> {
        let (power, port) = workshop.handheld(handheld.name, place(handheld)).context("handheld")?;
        let (screen, keyboard) = tokio::io::split(port);
        let mut typist = Typist { keyboard, screen: BufReader::new(screen).lines() };
        let code = if language == Language::French { "fr" } else { "en" };
        typist.wait_until_ready().await?;
        typist.ask(&format!("/language {code}")).await?;
        let key = typist.key().await?;
        typist.ask(&format!("/node {}", handheld.node)).await?;
        typist.ask(&format!("/region {REGION}")).await?;
        typist.ask(&format!("/network {}", *site.network_key)).await?;
        for person in &site.persons {
            let (node, user, key) = (person.node, person.user, person.public_key);
            typist.ask(&format!("/contact {node} {user} {key} via {GATEWAY}")).await?;
        }
        if let Some(first) = site.persons.first() {
            typist.ask(&format!("/to {}", first.user)).await?;
        }
        let reader = tokio::spawn(read(handheld.name, typist.screen, printed));
        let on = On { keyboard: typist.keyboard, reader, _power: power };
        Ok((Self { handheld, on: Some(on) }, key))
    }

    /// Cuts the power.
    pub(super) fn switch_off(&mut self) {
        if let Some(on) = self.on.take() {
            on.reader.abort();
        }
    }

    /// Switches it on; it finds its flash as it left it.
    pub(super) fn switch_on(
        &mut self,
        workshop: &Workshop,
        printed: mpsc::Sender<Printed>,
    ) -> io::Result<()> {
        if self.on.is_some() {
            return Ok(());
        }
        let (power, port) = workshop.handheld(self.handheld.name, place(self.handheld))?;
        let (screen, keyboard) = tokio::io::split(port);
        let reader = tokio::spawn(read(self.handheld.name, BufReader::new(screen).lines(), printed));
        self.on = Some(On { keyboard, reader, _power: power });
        Ok(())
    }

    /// Whether it has power.
    pub(super) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Types a line. `false`: the handheld is off.
    pub(super) async fn type_line(&mut self, line: &str) -> bool {
        let Some(on) = &mut self.on else { return false };
        let line = format!("{}\n", line.replace(['\r', '\n'], " "));
        on.keyboard.write_all(line.as_bytes()).await.is_ok()
    }
}

fn place(handheld: &Handheld) -> Position {
    Position::new(handheld.place.0, handheld.place.1)
}

async fn read(
    name: &'static str,
    mut screen: Lines<BufReader<ReadHalf<Port>>>,
    printed: mpsc::Sender<Printed>,
) {
    while let Ok(Some(line)) = screen.next_line().await {
        if printed.send(Printed { name, line }).await.is_err() {
            break;
        }
    }
}

/// Somebody who types a line and waits for the answer.
struct Typist {
    keyboard: WriteHalf<Port>,
    screen: Lines<BufReader<ReadHalf<Port>>>,
}

impl Typist {
    /// Asks until the firmware has started: what is typed before that is lost.
    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let ready = async {
            loop {
                self.keyboard.write_all(b"\n/language en\n").await?;
                while let Ok(line) = timeout(Duration::from_millis(500), self.screen.next_line()).await {
                    if line?.context("the handheld has no power")?.trim_end() == "English" {
                        return Ok(());
                    }
                }
            }
        };
        timeout(PATIENCE, ready).await.context("the handheld does not start")?
    }

    /// The handheld's public key, made now if it has none.
    async fn key(&mut self) -> anyhow::Result<PublicKey> {
        if let Some(key) = key_in(&self.ask("/key").await?) {
            return Ok(key);
        }
        key_in(&self.ask("/key new").await?).context("the handheld makes no key")
    }

    /// Types a line and returns the line that answers.
    async fn ask(&mut self, line: &str) -> anyhow::Result<String> {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).await?;
        let answer =
            timeout(PATIENCE, self.screen.next_line()).await.context("the handheld does not answer")??;
        let answer = answer.context("the handheld has no power")?;
        if answer.starts_with("! ") && key_in(&answer).is_none() && !line.starts_with("/key") {
            bail!("{line}: {answer}");
        }
        Ok(answer)
    }
}

/// The public key that a line shows.
fn key_in(line: &str) -> Option<PublicKey> {
    line.split_whitespace().find_map(|word| word.parse().ok())
}
