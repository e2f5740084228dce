//! Somebody with a handheld, who types lines and reads lines.

use std::path::PathBuf;

use fanal_ether::channel::Position;
use fanal_ether::live::Air;
use fanal_protocol::id::NodeId;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, WriteHalf};
use tokio::task::JoinHandle;

use crate::journal::{Journal, What};
use crate::nodes::{self, Powered};

/// A handheld, off or on.
pub struct Desk {
    /// What everybody calls it.
    pub name: String,
    /// Its address.
    pub node: NodeId,
    /// What it transmits with.
    pub air: Air,
    place: Position,
    flash: PathBuf,
    seed: u64,
    journal: Journal,
    on: Option<On>,
}

struct On {
    keyboard: WriteHalf<DuplexStream>,
    reader: JoinHandle<()>,
    _power: Powered,
}

impl Desk {
    /// A handheld that is switched off, with its flash in `folder`.
    pub fn new(name: &str, node: NodeId, air: &Air, flash: PathBuf, seed: u64, journal: &Journal) -> Self {
        let place = Position::new(f64::from(node.0 & 0xFF) * 150.0, 0.0);
        Self {
            name: name.into(),
            node,
            air: air.clone(),
            place,
            flash,
            seed,
            journal: journal.clone(),
            on: None,
        }
    }

    /// Switches it on; it finds its flash as it left it.
    pub fn switch_on(&mut self) {
        self.switch_off();
        self.seed += 1;
        let radio = self.air.station(&self.name, self.place);
        let (power, line) =
            nodes::handheld(&self.name, radio, &self.flash, self.seed ^ u64::from(self.node.0) << 32);
        let (screen, keyboard) = tokio::io::split(line);
        let (name, journal) = (self.name.clone(), self.journal.clone());
        let reader = tokio::spawn(async move {
            let mut lines = BufReader::new(screen).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                journal.note(&name, What::of_line(&line));
            }
        });
        self.air.set_power(&self.name, true);
        self.on = Some(On { keyboard, reader, _power: power });
    }

    /// Cuts the power.
    pub fn switch_off(&mut self) {
        if let Some(on) = self.on.take() {
            // Its last words stay unread.
            on.reader.abort();
            self.air.set_power(&self.name, false);
        }
    }

    /// Types a line.
    pub async fn type_line(&mut self, line: &str) {
        let on = self.on.as_mut().expect("the handheld is switched on");
        on.keyboard.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Types a line, waits for one that begins like this, and returns the rest of that.
    pub async fn ask(&mut self, line: &str, beginning: &str) -> String {
        let before = self.journal.len();
        self.type_line(line).await;
        let (name, what) = (self.name.clone(), format!("{}: {line} => {beginning}", self.name));
        let answer = |entry: &crate::journal::Entry| match &entry.what {
            What::Line(answer) if entry.who == name => answer.strip_prefix(beginning).map(str::to_owned),
            _ => None,
        };
        self.journal.until(before, &what, answer).await
    }

    /// Sets it up, in English; returns its card.
    pub async fn join(&mut self, invitation: &str) -> String {
        self.ask("/language en", "English").await;
        self.ask(&format!("/pair {invitation}"), "card, not a secret: ").await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.switch_off();
    }
}
