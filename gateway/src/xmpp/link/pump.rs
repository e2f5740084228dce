//! One open component stream: reading and writing side by side until it ends.
//!
//! Both run at once so that a consumer that is slow to take events, and perhaps itself waits for room to send,
//! never stops the writer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jid::{DomainRef, Jid};
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::ping::Ping;

use super::{Abandoned, Command, LinkEvent, Patience, What};
use crate::xmpp::component::{Connection, Error};
use crate::xmpp::stanza::Stanza;
use crate::xmpp::stream::{Dialect, Error as StreamError, Reader, Writer, encode};

/// Octets that are gathered before they are written.
const GATHER: usize = 64 * 1024;
/// How long closing may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// What reading and writing know of each other.
struct Shared {
    own: Jid,
    stream: u64,
    vitals: Mutex<Vitals>,
}

/// Whether the server is still there.
struct Vitals {
    /// When something last came from it.
    heard: Instant,
    /// Since when it owes the answer to a ping.
    owed_since: Option<Instant>,
    /// The last ping that was written.
    last_ping: u64,
    /// The consumer is being waited for, so that nothing can be heard.
    blocked: bool,
}

impl Vitals {
    /// The reader has come back to listen: what it could not hear meanwhile is not the server's fault.
    fn listening(&mut self) {
        self.blocked = false;
        self.heard = Instant::now();
        self.owed_since = self.owed_since.map(|_| self.heard);
    }

    fn deadline(&self, patience: Patience) -> Instant {
        match self.owed_since {
            _ if self.blocked => Instant::now() + patience.answer,
            Some(since) => since + patience.answer,
            None => self.heard + patience.silence,
        }
    }
}

/// Runs the stream to its end, and says why it ended.
pub(super) async fn run(
    connection: Connection,
    domain: &DomainRef,
    patience: Patience,
    stream: u64,
    commands: &mut mpsc::Receiver<Command>,
    events: &mpsc::Sender<(u64, LinkEvent)>,
) -> Result<Error, Abandoned> {
    let Connection { mut reader, mut writer } = connection;
    let own = jid::BareJid::from_parts(None, domain);
    let vitals = Vitals { heard: Instant::now(), owed_since: None, last_ping: 0, blocked: false };
    let shared = Shared { own: own.into(), stream, vitals: Mutex::new(vitals) };
    let ended = tokio::select! {
        ended = shared.read(&mut reader, events) => ended,
        ended = shared.write(&mut writer, commands, patience) => ended,
    };
    if ended.is_err() {
        // Nobody is left to be told, and the server forgets us in any case when the connection goes.
        let _ = timeout(FAREWELL, writer.close()).await;
    }
    ended.map(|error| match error {
        Error::Stream(error) => Error::of(error, domain),
        other => other,
    })
}

impl Shared {
    fn vitals(&self) -> MutexGuard<'_, Vitals> {
        self.vitals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read<R: tokio::io::AsyncRead + Unpin>(
        &self,
        reader: &mut Reader<R>,
        events: &mpsc::Sender<(u64, LinkEvent)>,
    ) -> Result<Error, Abandoned> {
        loop {
            let stanza = match reader.stanza().await {
                Ok(stanza) => stanza,
                Err(error) => return Ok(error.into()),
            };
            self.vitals().heard = Instant::now();
            let event = match stanza {
                Err(invalid) => LinkEvent::Invalid(invalid),
                Ok(stanza) => match self.own_ping(&stanza) {
                    Some(Echo::Of(name)) => {
                        self.answered(name.number);
                        match name.token {
                            Some(token) => LinkEvent::Passed(token),
                            None => continue,
                        }
                    }
                    Some(Echo::Foreign) => continue,
                    None => LinkEvent::Stanza(Box::new(stanza)),
                },
            };
            self.vitals().blocked = true;
            events.send((self.stream, event)).await.map_err(|_| Abandoned)?;
            self.vitals().listening();
        }
    }

    fn answered(&self, number: u64) {
        let mut vitals = self.vitals();
        let more_owed = number != vitals.last_ping;
        vitals.owed_since = more_owed.then(Instant::now);
    }

    /// Our own ping on its way back: as it was sent, or as an error. The server vouches for `from`.
    fn own_ping(&self, stanza: &Stanza) -> Option<Echo> {
        let Stanza::Iq(iq) = stanza else { return None };
        if iq.from() != Some(&self.own) || iq.to() != Some(&self.own) {
            return None;
        }
        let name = PingName::read(iq.id())?;
        Some(if name.stream == self.stream { Echo::Of(name) } else { Echo::Foreign })
    }

    async fn write<W: AsyncWrite + Unpin>(
        &self,
        writer: &mut Writer<W>,
        commands: &mut mpsc::Receiver<Command>,
        patience: Patience,
    ) -> Result<Error, Abandoned> {
        loop {
            let wake = self.vitals().deadline(patience);
            let command = tokio::select! {
                command = commands.recv() => Some(command.ok_or(Abandoned)?),
                () = sleep_until(wake) => None,
            };
            match command {
                Some(command) => self.take(command, writer),
                None => match self.overdue(patience) {
                    Overdue::Nothing => continue,
                    Overdue::Ping => self.ping(None, writer),
                    Overdue::Answer => return Ok(Error::Silent),
                },
            }
            while writer.waiting() < GATHER
                && let Ok(command) = commands.try_recv()
            {
                self.take(command, writer);
            }
            match timeout(patience.answer, writer.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Ok(StreamError::Io(error).into()),
                Err(_) => return Ok(Error::Silent),
            }
        }
    }

    fn overdue(&self, patience: Patience) -> Overdue {
        let vitals = self.vitals();
        match vitals.owed_since {
            _ if vitals.blocked => Overdue::Nothing,
            Some(since) if since.elapsed() >= patience.answer => Overdue::Answer,
            None if vitals.heard.elapsed() >= patience.silence => Overdue::Ping,
            _ => Overdue::Nothing,
        }
    }

    fn take<W: AsyncWrite + Unpin>(&self, command: Command, writer: &mut Writer<W>) {
        if command.stream != self.stream {
            return;
        }
        match command.what {
            What::Octets(octets) => writer.push(&octets),
            What::Barrier(token) => self.ping(Some(token), writer),
        }
    }

    fn ping<W: AsyncWrite + Unpin>(&self, token: Option<u64>, writer: &mut Writer<W>) {
        let number = {
            let mut vitals = self.vitals();
            vitals.last_ping = vitals.last_ping.wrapping_add(1);
            vitals.owed_since.get_or_insert_with(Instant::now);
            vitals.last_ping
        };
        let name = PingName { stream: self.stream, number, token };
        let ping = Iq::from_get(name.to_string(), Ping).with_from(self.own.clone()).with_to(self.own.clone());
        match encode(Dialect::Component, &ping) {
            Ok(octets) => writer.push(&octets),
            Err(error) => tracing::error!(%error, "ping"),
        }
    }
}

/// What the clock calls for.
enum Overdue {
    Nothing,
    /// The server has been silent for long.
    Ping,
    /// The server has not answered a ping.
    Answer,
}

enum Echo {
    /// A ping of this stream.
    Of(PingName),
    /// A ping of an earlier one.
    Foreign,
}

/// The id of a ping says which it is, so that nothing has to be remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct PingName {
    stream: u64,
    number: u64,
    /// The barrier that it stands for.
    token: Option<u64>,
}

const PING_MARK: &str = "fanal-ping";

impl std::fmt::Display for PingName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PING_MARK}.{}.{}", self.stream, self.number)?;
        self.token.map_or(Ok(()), |token| write!(f, ".{token}"))
    }
}

impl PingName {
    fn read(id: &str) -> Option<Self> {
        let mut parts = id.split('.');
        if parts.next() != Some(PING_MARK) {
            return None;
        }
        let stream = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        let token = parts.next().map(str::parse).transpose().ok()?;
        parts.next().is_none().then_some(Self { stream, number, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_is_known_by_its_id() {
        for token in [None, Some(0), Some(u64::MAX)] {
            let name = PingName { stream: 3, number: 9, token };
            assert_eq!(PingName::read(&name.to_string()), Some(name));
        }
        for foreign in ["", "fanal-ping", "fanal-ping.1", "fanal-ping.1.x", "fanal-ping.1.2.3.4", "ping.1.2"]
        {
            assert_eq!(PingName::read(foreign), None, "{foreign}");
        }
    }
}
