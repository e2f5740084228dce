//! The demo for programs: one JSON object per line, out and in. Keys and values are English and stable.

use std::io::Write;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{HANDHELDS, House, Input, Line, Printed};

/// Runs the demo for a program: until `quit`, or for ever when standard input ends.
pub(super) async fn run(
    mut house: House,
    mut printed: mpsc::Receiver<Printed>,
    mut input: Input,
) -> anyhow::Result<()> {
    ready(&house);
    let mut listening = true;
    loop {
        tokio::select! {
            Some(Printed { name, line }) = printed.recv() => report(name, &line),
            line = input.next_line(), if listening => match line? {
                None => listening = false,
                Some(line) if line.trim().is_empty() => {}
                Some(line) => match serde_json::from_str(&line) {
                    Ok(Command::Quit {}) => return Ok(()),
                    Ok(command) => obey(&mut house, command).await?,
                    Err(error) => say(&Event::Error { message: &error.to_string() }),
                },
            },
        }
    }
}

fn say(event: &Event<'_>) {
    let line = serde_json::to_string(event).unwrap_or_default();
    // A reader that went away hears nothing more.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn ready(house: &House) {
    let address = house.prosody.client_address();
    let host = address.ip().to_string();
    let jids: Vec<String> = house.site.persons.iter().map(|person| person.jid()).collect();
    let accounts = jids.iter().zip(&house.site.persons);
    let accounts = accounts.map(|(jid, person)| Account { jid, password: &person.password }).collect();
    let addresses: Vec<String> = HANDHELDS.iter().map(|handheld| handheld.jid()).collect();
    let handhelds = addresses.iter().zip(&HANDHELDS);
    let handhelds = handhelds.map(|(jid, handheld)| Handheld { jid, name: handheld.name }).collect();
    let console = house.site.path("console.sock").display().to_string();
    let xmpp = Xmpp { host: &host, port: address.port(), accounts };
    say(&Event::Ready { xmpp, handhelds, console: &console });
}

fn report(by: &str, line: &str) {
    match Line::parse(line) {
        Line::Received { from, text } => say(&Event::Received { by, from, text }),
        Line::State { number, state } => say(&Event::State { id: &format!("{by}/{number}"), state }),
        Line::Complaint(complaint) => say(&Event::Error { message: &format!("{by}: {complaint}") }),
        Line::Other(_) => {}
    }
}

async fn obey(house: &mut House, command: Command) -> std::io::Result<()> {
    let complaint = match command {
        Command::Send { r#as, to, text } => {
            let user = house.site.persons.iter().find(|person| person.jid() == to).map(|person| person.user);
            match (house.desk(&r#as), user) {
                (None, _) => Some(format!("there is no handheld {as}", as = r#as)),
                (_, None) => Some(format!("there is no person {to}")),
                (Some(desk), Some(user)) => {
                    let typed = desk.type_line(&format!("@{user} {text}")).await;
                    (!typed).then(|| format!("{as} is switched off", as = r#as))
                }
            }
        }
        Command::Power { node, on } => match house.power(&node, on).await? {
            true => None,
            false => Some(format!("there is no node {node}")),
        },
        Command::Air { loss } if (0.0..=1.0).contains(&loss) => {
            house.workshop.air.set_loss(loss);
            None
        }
        Command::Air { loss } => Some(format!("loss is 0 to 1, not {loss}")),
        Command::Quit {} => None,
    };
    if let Some(message) = complaint {
        say(&Event::Error { message: &message });
    }
    Ok(())
}

/// What the demo reports.
#[derive(Serialize, Debug, PartialEq, Eq)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event<'a> {
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
pub(super) struct Xmpp<'a> {
    /// IP address of the server.
    pub host: &'a str,
    /// Port for clients (STARTTLS).
    pub port: u16,
    /// The accounts.
    pub accounts: Vec<Account<'a>>,
}

/// An account on the demo's server.
#[derive(Serialize, Debug, PartialEq, Eq)]
pub(super) struct Account<'a> {
    /// Address.
    pub jid: &'a str,
    /// Made for this run of the demo.
    pub password: &'a str,
}

/// A handheld of the demo.
#[derive(Serialize, Debug, PartialEq, Eq)]
pub(super) struct Handheld<'a> {
    /// Its address for people with XMPP apps.
    pub jid: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// What the demo can be told.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Command {
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
            xmpp: Xmpp {
                host: "127.0.0.1",
                port: 5222,
                accounts: vec![Account { jid: "a@h", password: "p" }],
            },
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
        assert_eq!(
            serde_json::to_string(&state).unwrap(),
            r#"{"event":"state","id":"Rosa/1","state":"delivered"}"#
        );
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
