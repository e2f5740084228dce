//! Somebody with an XMPP app: `tests/clients/person.py`, which plays that part with slixmpp.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value, json};

use crate::journal::{Journal, What};

/// A person whose app runs; dropped, the app is closed.
pub struct Person {
    /// Local part of the address.
    pub name: String,
    app: Child,
    orders: ChildStdin,
    journal: Journal,
}

impl Person {
    /// Opens the app, which logs in and comes back whenever it is disconnected. What it says goes into the journal.
    ///
    /// # Panics
    /// When there is no Python with slixmpp.
    pub fn open(jid: &str, password: &str, server: SocketAddr, journal: &Journal) -> Self {
        let Some(python) = env::var_os("FANAL_TEST_PYTHON") else {
            panic!("this test needs a Python with slixmpp: run tests/run, or set FANAL_TEST_PYTHON to one")
        };
        let mut app = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/person.py"))
            .args([jid, password, &server.ip().to_string(), &server.port().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the Python of FANAL_TEST_PYTHON can be run");
        let name = jid.split('@').next().unwrap_or(jid).to_owned();
        let orders = app.stdin.take().unwrap();
        let said = BufReader::new(app.stdout.take().unwrap());
        let (who, notes) = (name.clone(), journal.clone());
        // It ends with the app.
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                notes.note(&who, What::App(serde_json::from_str(&line).unwrap()));
            }
        });
        Self { name, app, orders, journal: journal.clone() }
    }

    /// Waits until the app has logged in.
    pub async fn is_online(&self) {
        let online = |entry: &crate::journal::Entry| {
            let said = matches!(&entry.what, What::App(value) if value["event"] == "online");
            (said && entry.who == self.name).then_some(())
        };
        self.journal.until(0, &format!("{} is online", self.name), online).await;
    }

    /// Writes a text and asks for a receipt.
    pub fn write(&mut self, to: &str, id: &str, text: &str) {
        self.order(&json!({ "send": { "to": to, "id": id, "text": text } }));
    }

    /// Sends this XML as it is.
    pub fn send_raw(&mut self, xml: &str) {
        self.order(&json!({ "raw": xml }));
    }

    fn order(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").expect("the app runs");
    }

    /// Waits for the first event of this kind about the stanza `id` after the first `after` entries.
    pub async fn hears(&self, after: usize, event: &str, id: &str) -> Value {
        let what = format!("{}: {event} {id}", self.name);
        let wanted = |entry: &crate::journal::Entry| match &entry.what {
            What::App(value) if entry.who == self.name && value["event"] == event && value["id"] == id => {
                Some(value.clone())
            }
            _ => None,
        };
        self.journal.until(after, &what, wanted).await
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // Both fail only if the app has ended already.
        let _ = self.app.kill();
        let _ = self.app.wait();
    }
}
