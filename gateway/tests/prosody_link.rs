//! The link and the stream layer against a real server. Without Prosody on this machine the tests fail and say
//! so: a link that was never tried is not known to work.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use fanal_gateway::prosody::{Account, Component, Plan, Prosody};
use fanal_gateway::xmpp::client::Client;
use fanal_gateway::xmpp::component::{Error, Settings};
use fanal_gateway::xmpp::link::{LinkEvent, LinkEvents, LinkHandle, Patience, SendError, spawn};
use fanal_gateway::xmpp::stanza::Stanza;
use jid::{BareJid, DomainPart, Jid};
use tokio::time::timeout;
use xmpp_parsers::message::{Id, Lang, Message};
use xmpp_parsers::presence::{Presence, Type};

const DOMAIN: &str = "home.example";
const RADIO: &str = "lora.home.example";
/// Another component, to send from.
const PEER: &str = "peer.home.example";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "correct horse";
const HANDHELD: &str = "rosa@lora.home.example";
/// Nothing on this machine takes longer, unless it is stuck.
const SOON: Duration = Duration::from_secs(20);

fn plan() -> Plan {
    let component = |domain: &str| Component { domain: domain.to_owned(), secret: SECRET.to_owned() };
    let account = |user: &str, name: &str| Account {
        user: user.to_owned(),
        password: PASSWORD.to_owned(),
        name: name.to_owned(),
    };
    Plan {
        domain: DOMAIN.to_owned(),
        accounts: vec![account("alice", "Alice"), account("bob", "Bob")],
        components: [RADIO, PEER].map(component).to_vec(),
        contacts: vec![(HANDHELD.to_owned(), "Rosa".to_owned())],
        port: None,
    }
}

async fn server() -> Prosody {
    Prosody::start(&plan()).await.unwrap_or_else(|error| panic!("{error}"))
}

fn settings(server: &Prosody) -> Settings {
    Settings {
        address: server.component_address(),
        domain: DomainPart::new(RADIO).unwrap().into_owned(),
        secret: SECRET.to_owned(),
    }
}

async fn client(server: &Prosody, user: &str) -> Client {
    let jid = BareJid::new(&format!("{user}@{DOMAIN}")).unwrap();
    let client = Client::connect(server.client_address(), &jid, PASSWORD, "test").await;
    client.unwrap_or_else(|error| panic!("{error}\n{}", server.log()))
}

async fn next(events: &mut LinkEvents) -> LinkEvent {
    timeout(SOON, events.recv()).await.expect("an event comes soon").expect("the link goes on")
}

async fn online(settings: Settings) -> (LinkHandle, LinkEvents) {
    let (handle, mut events) = spawn(settings, Patience::default(), 1);
    let first = next(&mut events).await;
    assert!(matches!(first, LinkEvent::Online), "{first:?}");
    (handle, events)
}

/// The next message, past presence and queries.
async fn next_message(events: &mut LinkEvents) -> Message {
    loop {
        if let LinkEvent::Stanza(stanza) = next(events).await
            && let Stanza::Message(message) = *stanza
        {
            return message;
        }
    }
}

async fn receive_message(client: &mut Client) -> Message {
    let wait = async {
        loop {
            if let Ok(Stanza::Message(message)) = client.receive().await.unwrap() {
                return message;
            }
        }
    };
    timeout(SOON, wait).await.expect("a message comes soon")
}

fn chat(from: &Jid, to: &str, id: &str, body: &str) -> Message {
    let mut message = Message::chat(Jid::new(to).unwrap()).with_body(Lang::new(), body.to_owned());
    message.from = Some(from.clone());
    message.id = Some(Id(id.to_owned()));
    message
}

fn rosa() -> Jid {
    Jid::new(HANDHELD).unwrap()
}

fn body(message: &Message) -> &str {
    message.get_best_body(Vec::new()).map(|(_, body)| body.as_str()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways_and_the_contact_list_asks_for_presence() {
    let server = server().await;
    let (handle, mut events) = online(settings(&server)).await;
    let mut alice = client(&server, "alice").await;
    alice.send(Presence::available()).await.unwrap();
    let probe = loop {
        // Her own presence comes to her contacts as well.
        if let LinkEvent::Stanza(stanza) = next(&mut events).await
            && let Stanza::Presence(presence) = *stanza
            && presence.type_ == Type::Probe
        {
            break presence;
        }
    };
    assert_eq!(probe.to, Some(rosa()));

    alice.send(chat(&alice.address(), HANDHELD, "m1", "Ça va?")).await.unwrap();
    let message = next_message(&mut events).await;
    assert_eq!(body(&message), "Ça va?");
    assert_eq!(message.from, Some(alice.address()));

    handle.send(chat(&rosa(), &format!("alice@{DOMAIN}"), "m2", "Oui & toi <3")).await.unwrap();
    let answer = receive_message(&mut alice).await;
    assert_eq!(body(&answer), "Oui & toi <3");
    assert_eq!(answer.id, Some(Id("m2".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_stanzas_cost_only_themselves() {
    let server = server().await;
    let (handle, mut events) = online(settings(&server)).await;
    let mut alice = client(&server, "alice").await;
    let long = "x".repeat(100_000);
    for bad in [
        format!("<presence to='{HANDHELD}'><show>bogus</show></presence>"),
        format!("<presence to='{HANDHELD}'><show/></presence>"),
        format!("<presence to='{HANDHELD}' type='nonsense'/>"),
        format!("<iq to='{HANDHELD}' type='get' id='two'><a xmlns='x'/><b xmlns='x'/></iq>"),
        format!("<message to='{HANDHELD}' id='twice'><thread>1</thread><thread>2</thread></message>"),
        format!("<message to='{HANDHELD}' id='deep'>{}{}</message>", "<a>".repeat(90), "</a>".repeat(90)),
        format!("<message to='{HANDHELD}' id='quotes'><a b=\"{long}\"/><body>{long}</body></message>"),
        format!("<message to='{HANDHELD}' id='long'><body>{}</body></message>", "\"".repeat(120_000)),
    ] {
        alice.send_raw(bad.as_bytes()).await.unwrap();
    }
    alice.send(chat(&alice.address(), HANDHELD, "last", "still here")).await.unwrap();
    let mut invalid = Vec::new();
    loop {
        match next(&mut events).await {
            LinkEvent::Invalid(bad) => {
                if let Some(answer) = bad.answer() {
                    handle.send(answer).await.unwrap();
                }
                invalid.push(bad.head.id.unwrap_or_default());
            }
            LinkEvent::Stanza(stanza) => match *stanza {
                Stanza::Message(message) if body(&message) == "still here" => break,
                _ => {}
            },
            other => panic!("{other:?}\n{}", server.log()),
        }
    }
    for id in ["twice", "deep", "long"] {
        assert!(invalid.iter().any(|bad| bad == id), "{id} not in {invalid:?}");
    }
    let mut errors = Vec::new();
    let wait = async {
        while errors.len() < 2 {
            match alice.receive().await.unwrap() {
                Ok(Stanza::Iq(iq)) => errors.push(iq.id().to_owned()),
                Ok(Stanza::Message(message)) => errors.extend(message.id.map(|id| id.0)),
                _ => {}
            }
        }
    };
    timeout(SOON, wait).await.expect("the sender is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_comes_back_when_the_server_does() {
    let mut server = server().await;
    let (handle, mut events) = online(settings(&server)).await;
    server.stop();
    let gone = next(&mut events).await;
    assert!(matches!(&gone, LinkEvent::Offline { reason, .. } if !reason.is_configuration()), "{gone:?}");
    let refused = handle.send(chat(&rosa(), &format!("alice@{DOMAIN}"), "m", "lost?")).await;
    assert_eq!(refused, Err(SendError::Offline));
    assert_eq!(handle.barrier(1).await, Err(SendError::Offline));
    server.resume().await.unwrap();
    while !matches!(next(&mut events).await, LinkEvent::Online) {}

    let mut alice = client(&server, "alice").await;
    alice.send(chat(&alice.address(), HANDHELD, "m1", "back")).await.unwrap();
    assert_eq!(body(&next_message(&mut events).await), "back");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_settings_are_named() {
    let server = server().await;
    let reason = async |settings: Settings| {
        let (_handle, mut events) = spawn(settings, Patience::default(), 1);
        match next(&mut events).await {
            LinkEvent::Offline { reason, retry_in } => {
                assert!(reason.is_configuration(), "{reason}");
                assert_eq!(retry_in, Duration::from_secs(60));
                reason
            }
            other => panic!("{other:?}"),
        }
    };
    let right = settings(&server);
    let wrong = reason(Settings { secret: "wrong".to_owned(), ..right.clone() }).await;
    assert!(matches!(wrong, Error::NotAuthorized), "{wrong:?}");
    let domain = DomainPart::new("other.home.example").unwrap().into_owned();
    let unknown = reason(Settings { domain, ..right.clone() }).await;
    assert!(matches!(&unknown, Error::HostUnknown(domain) if domain == "other.home.example"), "{unknown:?}");
    let address = "192.0.2.1:5347".parse().unwrap();
    let abroad = reason(Settings { address, ..right.clone() }).await;
    assert!(matches!(abroad, Error::NotLoopback(_)), "{abroad:?}");

    let (_handle, _events) = online(right.clone()).await;
    let second = reason(right).await;
    assert!(matches!(second, Error::Conflict), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_barrier_passes_only_after_what_was_sent_before_it() {
    let server = server().await;
    let (handle, mut events) = online(settings(&server)).await;
    // Bob is not there: the server keeps what is sent to him. The barrier says that it has.
    for number in 0..50_u64 {
        let message = chat(&rosa(), &format!("bob@{DOMAIN}"), &format!("m{number}"), &number.to_string());
        handle.send(message).await.unwrap();
        handle.barrier(number).await.unwrap();
    }
    for number in 0..50 {
        let passed = next(&mut events).await;
        assert!(matches!(passed, LinkEvent::Passed(token) if token == number), "{passed:?}");
    }
    let mut server = server;
    server.stop();
    server.resume().await.unwrap();
    let mut bob = client(&server, "bob").await;
    bob.send(Presence::available()).await.unwrap();
    for number in 0..50 {
        assert_eq!(body(&receive_message(&mut bob).await), number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_stanzas_arrive_in_order_at_a_slow_consumer() {
    const COUNT: usize = 10_000;
    let server = server().await;
    let (_handle, mut events) = online(settings(&server)).await;
    let peer = DomainPart::new(PEER).unwrap().into_owned();
    let (peer_handle, mut peer_events) = online(Settings { domain: peer, ..settings(&server) }).await;
    let sender = tokio::spawn(async move {
        let from = Jid::new(&format!("flood@{PEER}")).unwrap();
        for number in 0..COUNT {
            let message = chat(&from, HANDHELD, &format!("m{number}"), &number.to_string());
            peer_handle.send(message).await.unwrap();
        }
        peer_handle.barrier(1).await.unwrap();
        assert!(matches!(next(&mut peer_events).await, LinkEvent::Passed(1)));
    });
    let started = std::time::Instant::now();
    for number in 0..COUNT {
        if number % 1_000 == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(body(&next_message(&mut events).await), number.to_string());
    }
    println!("{COUNT} stanzas in {:?}", started.elapsed());
    sender.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_components_starts_too_and_stops_with_its_owner() {
    let server = Prosody::start(&Plan { components: Vec::new(), ..plan() }).await.unwrap();
    let address = server.client_address();
    client(&server, "bob").await.close().await.unwrap();
    drop(server);
    std::net::TcpStream::connect(address).unwrap_err();
}
