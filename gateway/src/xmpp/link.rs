//! The link to the server: a component stream that comes back by itself, for ever.
//!
//! One task owns the stream. It hands everything that arrives to the consumer, in order, and writes what the
//! consumer sends. When the stream breaks it attaches again after 1 to 30 seconds; when the settings are wrong,
//! after a minute.
//!
//! # What counts as handed over
//!
//! XEP-0114 has no acks. After a stanza the consumer therefore sends a [`barrier`](LinkHandle::barrier): a ping
//! (XEP-0199) from the component to its own domain, which the server has to route. Streams are worked through
//! in order, so when it comes back ([`LinkEvent::Passed`]) the server has taken everything written before it.
//! When the link goes [`Offline`](LinkEvent::Offline) first, that is not known, and the consumer sends it again
//! with the same id after the next [`Online`](LinkEvent::Online).
//!
//! What is sent belongs to the stream that the consumer has last been told of: once a stream has ended, nothing
//! that was meant for it is written to the next one, and no barrier of it passes.

mod pump;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fanal_protocol::rand::Jitter;
use rxml::bytes::BytesMut;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::component::{self, Error, Settings};
use super::stanza::{Invalid, Stanza};
use super::stream::{Dialect, Limits, Unwritable, encode};

/// Stanzas that may wait for the writer before [`LinkHandle::send`] waits.
const COMMANDS: usize = 256;
/// Events that may wait for the consumer before the reader waits.
const EVENTS: usize = 256;
/// The first wait before a new attempt, doubled with each failure; between half of it and all of it is waited.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
/// The longest wait before a new attempt.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// The wait when the settings are wrong.
const CONFIGURATION_BACKOFF: Duration = Duration::from_secs(60);
/// A stream that lasted this long was a good one, and the backoff starts anew.
const LASTING: Duration = Duration::from_secs(30);
/// The stream that is none.
const OFFLINE: u64 = 0;

/// How patient the link is. The default is right for a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Silence after which the server is pinged.
    pub silence: Duration,
    /// How long a ping, and each write, may take before the stream is given up.
    pub answer: Duration,
}

impl Default for Patience {
    /// 60 and 30 seconds.
    fn default() -> Self {
        Self { silence: Duration::from_secs(60), answer: Duration::from_secs(30) }
    }
}

/// What the link tells its consumer.
#[derive(Debug)]
pub enum LinkEvent {
    /// A stream is open.
    Online,
    /// The stream has ended, or an attempt to open one has failed. Comes once per failed attempt, too.
    Offline {
        /// Why, in words for an operator; see [`Error::is_configuration`].
        reason: Error,
        /// When the next attempt is made.
        retry_in: Duration,
    },
    /// A stanza arrived.
    Stanza(Box<Stanza>),
    /// A stanza arrived that is none; see [`Invalid::answer`].
    Invalid(Box<Invalid>),
    /// The server has processed everything that was sent before this barrier.
    Passed(u64),
}

/// Why something was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no stream; send again after the next [`LinkEvent::Online`].
    #[error("the server is not connected")]
    Offline,
    /// It is no XML.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// Longer than what a server takes, which would end the stream: octets.
    #[error("a stanza of {0} octets is too long")]
    TooLong(usize),
}

struct Command {
    stream: u64,
    what: What,
}

enum What {
    Octets(BytesMut),
    Barrier(u64),
}

/// Sends through the link. Clones share one queue.
///
/// The link ends in good order when all handles, or the [`LinkEvents`], are dropped.
#[derive(Clone, Debug)]
pub struct LinkHandle {
    commands: mpsc::Sender<Command>,
    /// The stream that the consumer knows of.
    seen: Arc<AtomicU64>,
}

impl LinkHandle {
    /// Queues a stanza, and waits while the queue is full. `from` must be an address of the component, and `to`
    /// must be there: the server closes the stream, or returns the stanza, otherwise.
    ///
    /// That it was queued says nothing about the server: see [`barrier`](Self::barrier).
    ///
    /// # Errors
    ///
    /// [`SendError`]; the stanza was not sent, and will not be.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it returns, the stanza was not queued.
    pub async fn send(&self, stanza: impl Into<Stanza>) -> Result<(), SendError> {
        let octets = encode(Dialect::Component, &stanza.into())?;
        if octets.len() > Limits::default().octets {
            return Err(SendError::TooLong(octets.len()));
        }
        self.queue(What::Octets(octets)).await
    }

    /// Asks for [`LinkEvent::Passed`] with this token when the server has processed everything sent before.
    ///
    /// # Errors
    ///
    /// [`SendError::Offline`]; there will be no such event. Nor will there be one when the link goes offline
    /// before it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it returns, there is no barrier.
    pub async fn barrier(&self, token: u64) -> Result<(), SendError> {
        self.queue(What::Barrier(token)).await
    }

    async fn queue(&self, what: What) -> Result<(), SendError> {
        let stream = self.seen.load(Ordering::Acquire);
        if stream == OFFLINE {
            return Err(SendError::Offline);
        }
        self.commands.send(Command { stream, what }).await.map_err(|_| SendError::Offline)
    }
}

/// What the link tells, in order.
#[derive(Debug)]
pub struct LinkEvents {
    events: mpsc::Receiver<(u64, LinkEvent)>,
    seen: Arc<AtomicU64>,
}

impl LinkEvents {
    /// The next event; `None` when the link has ended.
    ///
    /// Nothing is lost to a slow consumer: the link stops reading from the server and goes on writing.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it returns, no event is lost.
    pub async fn recv(&mut self) -> Option<LinkEvent> {
        let (stream, event) = self.events.recv().await?;
        self.seen.store(stream, Ordering::Release);
        Some(event)
    }
}

/// Starts the link on the current tokio runtime.
///
/// `seed` is for the jitter of the attempts.
pub fn spawn(settings: Settings, patience: Patience, seed: u64) -> (LinkHandle, LinkEvents) {
    let (command_sender, commands) = mpsc::channel(COMMANDS);
    let (events, event_receiver) = mpsc::channel(EVENTS);
    let seen = Arc::new(AtomicU64::new(OFFLINE));
    let supervisor = Supervisor { settings, patience, jitter: Jitter::new(seed), commands, events };
    tokio::spawn(supervisor.run());
    (
        LinkHandle { commands: command_sender, seen: Arc::clone(&seen) },
        LinkEvents { events: event_receiver, seen },
    )
}

struct Supervisor {
    settings: Settings,
    patience: Patience,
    jitter: Jitter,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<(u64, LinkEvent)>,
}

/// Nobody holds the other end of a channel any more.
struct Abandoned;

impl Supervisor {
    async fn run(mut self) {
        let mut backoff = FIRST_BACKOFF;
        for stream in OFFLINE + 1.. {
            let started = Instant::now();
            let Ok(reason) = self.attempt(stream).await else { return };
            if started.elapsed() >= LASTING {
                backoff = FIRST_BACKOFF;
            }
            let retry_in = if reason.is_configuration() {
                CONFIGURATION_BACKOFF
            } else {
                let half = backoff / 2;
                half + self.jitter.duration_up_to(half)
            };
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
            warn!(%reason, ?retry_in, "no XMPP server");
            if self.events.send((OFFLINE, LinkEvent::Offline { reason, retry_in })).await.is_err() {
                return;
            }
            if self.idle(retry_in).await.is_err() {
                return;
            }
        }
    }

    /// One stream, from the first octet to its end.
    async fn attempt(&mut self, stream: u64) -> Result<Error, Abandoned> {
        let connection = tokio::select! {
            connection = component::connect(&self.settings) => match connection {
                Ok(connection) => connection,
                Err(error) => return Ok(error),
            },
            abandoned = drop_commands(&mut self.commands, &self.events) => return Err(abandoned),
        };
        info!(domain = self.settings.domain.as_str(), "attached to the XMPP server");
        self.events.send((stream, LinkEvent::Online)).await.map_err(|_| Abandoned)?;
        pump::run(connection, &self.settings.domain, self.patience, stream, &mut self.commands, &self.events)
            .await
    }

    /// Waits, and throws away what was meant for the stream that has ended.
    async fn idle(&mut self, wait: Duration) -> Result<(), Abandoned> {
        tokio::select! {
            () = sleep(wait) => Ok(()),
            abandoned = drop_commands(&mut self.commands, &self.events) => Err(abandoned),
        }
    }
}

async fn drop_commands(
    commands: &mut mpsc::Receiver<Command>,
    events: &mpsc::Sender<(u64, LinkEvent)>,
) -> Abandoned {
    loop {
        tokio::select! {
            command = commands.recv() => if command.is_none() { return Abandoned },
            () = events.closed() => return Abandoned,
        }
    }
}
