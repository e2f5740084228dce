//! The link against a server that misbehaves; `tests/prosody_link.rs` has one that behaves.

use jid::{DomainPart, Jid};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use xmpp_parsers::component::Handshake;
use xmpp_parsers::iq::Iq;
use xmpp_parsers::message::{Id, Message};

use super::*;
use crate::xmpp::stream::{Reader, Writer};

const DOMAIN: &str = "lora.example";
const SOON: Duration = Duration::from_secs(10);

struct Server(TcpListener);

struct Session {
    reader: Reader<OwnedReadHalf>,
    writer: Writer<OwnedWriteHalf>,
}

impl Server {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn link(&self, patience: Patience) -> (LinkHandle, LinkEvents) {
        let settings = Settings {
            address: self.0.local_addr().unwrap(),
            domain: DomainPart::new(DOMAIN).unwrap().into_owned(),
            secret: "secret".to_owned(),
        };
        assert!(!format!("{settings:?}").contains("\"secret\""));
        spawn(settings, patience, 7)
    }

    async fn socket(&self) -> TcpStream {
        timeout(SOON, self.0.accept()).await.unwrap().unwrap().0
    }

    async fn accept(&self) -> Session {
        let (read, write) = self.socket().await.into_split();
        let mut reader = Reader::new(read, Dialect::Component, Limits::default());
        let mut writer = Writer::new(write, Dialect::Component);
        reader.header().await.unwrap();
        writer.open(&[("id", "s1"), ("from", DOMAIN)]).await.unwrap();
        reader.piece().await.unwrap();
        writer.send(&Handshake::new()).await.unwrap();
        Session { reader, writer }
    }
}

impl Session {
    async fn next(&mut self) -> Stanza {
        timeout(SOON, self.reader.stanza()).await.unwrap().unwrap().unwrap()
    }

    /// Sends the next ping back, as a server does. False when something else comes.
    async fn echo(&mut self) -> bool {
        let stanza = self.next().await;
        let ping = matches!(stanza, Stanza::Iq(Iq::Get { .. }));
        self.writer.send(&stanza).await.unwrap();
        ping
    }
}

async fn next(events: &mut LinkEvents) -> LinkEvent {
    timeout(SOON, events.recv()).await.unwrap().unwrap()
}

async fn until_online(events: &mut LinkEvents) {
    while !matches!(next(events).await, LinkEvent::Online) {}
}

fn message(id: &str) -> Message {
    let mut message = Message::chat(Jid::new("alice@example").unwrap());
    message.from = Some(Jid::new(&format!("rosa@{DOMAIN}")).unwrap());
    message.id = Some(Id(id.to_owned()));
    message
}

fn id(stanza: &Stanza) -> Option<&str> {
    match stanza {
        Stanza::Message(message) => message.id.as_ref().map(|id| id.0.as_str()),
        _ => None,
    }
}

#[tokio::test]
async fn a_server_that_answers_no_ping_is_given_up() {
    let server = Server::new().await;
    let patience = Patience { silence: Duration::from_millis(50), answer: Duration::from_millis(300) };
    let (_handle, mut events) = server.link(patience);
    let mut session = server.accept().await;
    until_online(&mut events).await;
    for _ in 0..3 {
        assert!(session.echo().await, "a ping comes after silence");
    }
    let gone = next(&mut events).await;
    assert!(matches!(gone, LinkEvent::Offline { reason: Error::Silent, .. }), "{gone:?}");
}

#[tokio::test]
async fn nothing_meant_for_one_stream_reaches_the_next() {
    let server = Server::new().await;
    let (handle, mut events) = server.link(Patience::default());
    let first = server.accept().await;
    until_online(&mut events).await;
    drop(first);
    let mut second = server.accept().await;
    // The consumer has not looked at its events: for it, the first stream still stands.
    handle.send(message("stale")).await.unwrap();
    handle.barrier(1).await.unwrap();
    until_online(&mut events).await;
    handle.send(message("fresh")).await.unwrap();
    handle.barrier(2).await.unwrap();
    assert_eq!(id(&second.next().await), Some("fresh"));
    assert!(second.echo().await);
    let passed = next(&mut events).await;
    assert!(matches!(passed, LinkEvent::Passed(2)), "{passed:?}");
}

#[tokio::test]
async fn a_consumer_that_does_not_listen_can_still_send() {
    let server = Server::new().await;
    let (handle, mut events) = server.link(Patience::default());
    let mut session = server.accept().await;
    until_online(&mut events).await;
    for _ in 0..4 * EVENTS {
        session.writer.send(&message("flood")).await.unwrap();
    }
    for _ in 0..2 * COMMANDS {
        timeout(SOON, handle.send(message("through"))).await.unwrap().unwrap();
    }
    for _ in 0..2 * COMMANDS {
        assert_eq!(id(&session.next().await), Some("through"));
    }
    for _ in 0..4 * EVENTS {
        assert!(matches!(next(&mut events).await, LinkEvent::Stanza(_)));
    }
}

#[tokio::test]
async fn a_slow_consumer_is_not_taken_for_a_silent_server() {
    let server = Server::new().await;
    let patience = Patience { silence: Duration::from_millis(50), answer: Duration::from_millis(100) };
    let (_handle, mut events) = server.link(patience);
    let mut session = server.accept().await;
    until_online(&mut events).await;
    for _ in 0..2 * EVENTS {
        session.writer.send(&message("flood")).await.unwrap();
    }
    tokio::spawn(async move { while session.echo().await {} });
    sleep(Duration::from_millis(500)).await;
    for _ in 0..2 * EVENTS {
        let event = next(&mut events).await;
        assert!(matches!(event, LinkEvent::Stanza(_)), "{event:?}");
    }
    sleep(Duration::from_millis(300)).await;
    assert!(events.events.is_empty(), "the link is still up");
}

#[tokio::test]
async fn a_ping_from_elsewhere_with_our_id_is_just_a_stanza() {
    let server = Server::new().await;
    let (_handle, mut events) = server.link(Patience::default());
    let mut session = server.accept().await;
    until_online(&mut events).await;
    let forged = Iq::from_get("fanal-ping.1.1.7", xmpp_parsers::ping::Ping)
        .with_from(Jid::new("mallory@example/x").unwrap())
        .with_to(Jid::new(DOMAIN).unwrap());
    session.writer.send(&forged).await.unwrap();
    let event = next(&mut events).await;
    assert!(matches!(event, LinkEvent::Stanza(_)), "{event:?}");
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_tried_again() {
    let server = Server::new().await;
    let (_handle, mut events) = server.link(Patience::default());
    let mut socket = server.socket().await;
    tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    drop(socket);
    let event = next(&mut events).await;
    assert!(
        matches!(&event, LinkEvent::Offline { reason, retry_in }
            if !reason.is_configuration() && (1..=2).contains(&retry_in.as_secs())),
        "{event:?}"
    );
    server.accept().await;
    until_online(&mut events).await;
}

#[tokio::test]
async fn dropping_the_handles_closes_the_stream_in_good_order() {
    let server = Server::new().await;
    let (handle, mut events) = server.link(Patience::default());
    let mut session = server.accept().await;
    until_online(&mut events).await;
    handle.send(message("last")).await.unwrap();
    drop(handle);
    assert_eq!(id(&session.next().await), Some("last"));
    let end = timeout(SOON, session.reader.stanza()).await.unwrap();
    assert!(matches!(end, Err(crate::xmpp::stream::Error::Closed)), "{end:?}");
    assert!(timeout(SOON, events.recv()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_server_would_not_take_is_not_sent() {
    let server = Server::new().await;
    let (handle, mut events) = server.link(Patience::default());
    let _session = server.accept().await;
    assert_eq!(handle.send(message("early")).await, Err(SendError::Offline));
    until_online(&mut events).await;
    let long = message("long").with_body("".into(), "x".repeat(600_000));
    assert!(matches!(handle.send(long).await, Err(SendError::TooLong(_))));
    let bell = message("bell").with_body("".into(), "\u{7}".to_owned());
    assert!(matches!(handle.send(bell).await, Err(SendError::Unwritable(_))));
}
