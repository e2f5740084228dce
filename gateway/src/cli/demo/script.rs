//! The demo for programs: one JSON object per line, out and in. Keys and values are English and stable.

use serde::{Deserialize, Serialize};

/// What the demo reports.
#[derive(Serialize, Debug, PartialEq, Eq)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// Everything runs: people may log in, handhelds may send.
    Ready {
        /// Where and as whom to log in.
        xmpp: Xmpp<'a>,
        /// The handhelds, as people see them in their contact lists.
        handhelds: Vec<Handheld<'a>>,
        /// UNIX socket that shows the modem's serial traffic, JSON lines.
        console: &'a str,
    },
    /// A handheld received a text.
    Received {
        /// Name of the handheld.
        by: &'a str,
        /// Name of the sender in the handheld's contact list.
        from: &'a str,
        /// What it says.
        text: &'a str,
    },
    /// A message written on a handheld has a new state.
    State {
        /// `<handheld>/<number on that handheld>`.
        id: &'a str,
        /// `queued`, `sent`, `in_custody`, `delivered`, `expired` or `failed`.
        state: &'a str,
    },
    /// A command could not be carried out, or something else went wrong.
    Error {
        /// What, in words.
        message: &'a str,
    },
}

/// Where and as whom to log in.
#[derive(Serialize, Debug, PartialEq, Eq)]
pub struct Xmpp<'a> {
    /// IP address of the server.
    pub host: &'a str,
    /// Port for clients (STARTTLS).
    pub port: u16,
    /// The accounts.
    pub accounts: Vec<Account<'a>>,
}

/// An account on the demo's server.
#[derive(Serialize, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// Address.
    pub jid: &'a str,
    /// Made for this run of the demo.
    pub password: &'a str,
}

/// A handheld of the demo.
#[derive(Serialize, Debug, PartialEq, Eq)]
pub struct Handheld<'a> {
    /// Its address for people with XMPP apps.
    pub jid: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// What the demo can be told.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Writes a text on a handheld.
    Send {
        /// Name of the handheld.
        r#as: String,
        /// Address of a person.
        to: String,
        /// What to say.
        text: String,
    },
    /// Switches a node on or off: a handheld by its name, or `modem`.
    Power {
        /// Which.
        node: String,
        /// Whether it has power.
        on: bool,
    },
    /// Changes the air.
    Air {
        /// Share of frames lost, 0 to 1.
        loss: f64,
    },
    /// Ends the demo.
    Quit {},
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_one_stable_line_each() {
        let ready = Event::Ready {
            xmpp: Xmpp { host: "127.0.0.1", port: 5222, accounts: vec![Account { jid: "a@h", password: "p" }] },
            handhelds: vec![Handheld { jid: "rosa@lora.h", name: "Rosa" }],
            console: "/run/c",
        };
        assert_eq!(
            serde_json::to_string(&ready).unwrap(),
            r#"{"event":"ready","xmpp":{"host":"127.0.0.1","port":5222,"accounts":[{"jid":"a@h","password":"p"}]},"handhelds":[{"jid":"rosa@lora.h","name":"Rosa"}],"console":"/run/c"}"#
        );
        let received = Event::Received { by: "Rosa", from: "alice", text: "é" };
        assert_eq!(
            serde_json::to_string(&received).unwrap(),
            r#"{"event":"received","by":"Rosa","from":"alice","text":"é"}"#
        );
        let state = Event::State { id: "Rosa/1", state: "delivered" };
        assert_eq!(serde_json::to_string(&state).unwrap(), r#"{"event":"state","id":"Rosa/1","state":"delivered"}"#);
    }

    #[test]
    fn commands_are_read_strictly() {
        let read = |text| serde_json::from_str::<Command>(text);
        let send = read(r#"{"send":{"as":"Rosa","to":"alice@home.lan","text":"allo"}}"#).unwrap();
        let expected =
            Command::Send { r#as: "Rosa".into(), to: "alice@home.lan".into(), text: "allo".into() };
        assert_eq!(send, expected);
        assert_eq!(read(r#"{"air":{"loss":0.2}}"#).unwrap(), Command::Air { loss: 0.2 });
        let off = Command::Power { node: "Rosa".into(), on: false };
        assert_eq!(read(r#"{"power":{"node":"Rosa","on":false}}"#).unwrap(), off);
        assert!(read(r#"{"air":{"loss":0.2,"snow":1}}"#).is_err());
        assert!(read(r#"{"fly":{}}"#).is_err());
    }
}
