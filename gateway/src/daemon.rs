//! The assembled gateway.
//!
//! ```text
//! XMPP server ── xmpp::link ── daemon ── intake ──> store <── radio ── modem::link ── modem
//!                    ^                                │
//!                    └────────── courier <────────────┘
//! ```
//!
//! Nothing is acknowledged in either direction before it is on the disk. Texts from XMPP go through the intake
//! into the outbox, and the radio pump takes them from there; texts and news from the air are in the store before
//! the courier is rung, which hands them to the server and marks them only when the server has proven that it
//! took them. So a restart at any point repeats at most what had not been proven, under the same ids.

use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use fanal_protocol::transport::MAX_LONG_TEXT_OCTETS;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use xmpp_parsers::message::Message;
use xmpp_parsers::stanza::Stanza;

use crate::bridge::outbound::Outcome;
use crate::bridge::{outbound, query};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::console::Tap;
use crate::directory::Directory;
use crate::modem::{Link, Port};
use crate::radio::{self, Heard};
use crate::status::Status;
use crate::store::outbox::Limits;
use crate::store::{self, SqliteStore, Store};
use crate::words::Language;
use crate::xmpp::component::Settings;
use crate::xmpp::link::{self, LinkEvent, LinkEvents, LinkHandle, Patience};
use crate::{shutdown, supervisor};

mod courier;
mod intake;
mod reach;

use courier::Courier;
use intake::{Intake, Item};
use reach::Reach;

/// From one round of chores to the next.
const CHORES: Duration = Duration::from_secs(10);
/// The time is remembered once in so many rounds: each time costs a write to the disk.
const ROUNDS_OF_FIVE_MINUTES: u64 = 30;
/// The counters are logged, and the old is forgotten, once in so many rounds.
const ROUNDS_OF_AN_HOUR: u64 = 360;
/// Commands, items and news under way between the tasks.
const UNDER_WAY: usize = 256;
/// At the end, what the server has sent already is still taken for so long after the last of it.
const FAREWELL: Duration = Duration::from_millis(100);

/// Why the daemon stopped by itself. Its supervisor starts it again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk, or the database on it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Threads, signals or sockets are not to be had.
    #[error("the system refuses {what}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// A part of the daemon ended, which none of them should.
    #[error("the {part} has ended")]
    Ended {
        /// Which part.
        part: &'static str,
    },
}

fn refused(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { what, source }
}

/// Runs the gateway until it is asked to stop.
///
/// # Errors
///
/// [`Error`]; everything that was promised is in the store.
pub async fn run(config: Config) -> Result<(), Error> {
    let store = SqliteStore::open(&config.store, Limits::default())?;
    let clock = started_clock(&store).await?;
    let status = Arc::new(Status::default());
    let bell = Arc::new(Notify::new());
    let Config { site, xmpp, modem, radio, console, directory, .. } = config;
    let directory = Arc::new(directory);

    let tap = console.is_some().then(|| Tap::new(clock.clone()));
    let console = match (&tap, console) {
        (Some(tap), Some(path)) => {
            let tap = tap.clone();
            let listener = Tap::listen(&path).map_err(refused("the console's socket"))?;
            Some(tokio::spawn(tap.serve(listener)))
        }
        _ => None,
    };

    let port = Port::start(modem.port, modem.baud, tap).map_err(refused("threads for the serial port"))?;
    let link = Link::new(port, radio.channel, random_u32()?, clock.clone());
    let (commands, command_receiver) = mpsc::channel(UNDER_WAY);
    let (news, news_receiver) = mpsc::channel(UNDER_WAY);
    let pump = radio::Setup {
        directory: &directory,
        radio: &radio,
        link,
        store: store.clone(),
        clock: clock.clone(),
        status: Arc::clone(&status),
        commands: command_receiver,
        news,
        courier: Arc::clone(&bell),
        seed: random_u64()?,
    };
    let pump = tokio::spawn(pump.start().await?.run());

    let settings =
        Settings { address: xmpp.server, domain: xmpp.domain, secret: xmpp.secret.expose().to_owned() };
    let (handle, events) = link::spawn(settings, Patience::default(), random_u64()?);
    let (items, item_receiver) = mpsc::channel(UNDER_WAY);
    let intake = Intake {
        store: store.clone(),
        clock: clock.clone(),
        status: Arc::clone(&status),
        link: handle.clone(),
        commands,
        courier: Arc::clone(&bell),
    };
    let intake = tokio::spawn(intake.run(item_receiver));

    let courier =
        Courier::new(store.clone(), handle.clone(), Arc::clone(&directory), clock.clone(), site.language);
    let reach = Reach::new(Arc::clone(&directory), handle.clone(), clock.clone(), site.language);
    let daemon = Daemon {
        directory,
        language: site.language,
        store,
        clock,
        status,
        link: handle,
        items,
        courier,
        reach,
    };
    tracing::info!(site = %site.name, node = %daemon.directory.gateway(), "the gateway is running");
    supervisor::ready();
    let ended = daemon.run(events, news_receiver, bell, intake, pump).await;
    supervisor::stopping();
    if let Some(console) = console {
        console.abort();
    }
    ended
}

/// The date, given what the system and the store know of it.
async fn started_clock(store: &impl Store) -> Result<Clock, Error> {
    let system_ms = clock::system_unix_ms();
    let seen_ms = store.seen().await?;
    let (now_ms, shift_ms) = Clock::settle(system_ms, seen_ms);
    if shift_ms > 0 {
        store.shift_clock(shift_ms).await?;
    }
    store.tick(now_ms).await?;
    Ok(Clock::start(now_ms))
}

/// What the daemon's own task works with.
struct Daemon<S> {
    directory: Arc<Directory>,
    language: Language,
    store: S,
    clock: Clock,
    status: Arc<Status>,
    link: LinkHandle,
    items: mpsc::Sender<Item>,
    courier: Courier<S>,
    reach: Reach,
}

type Part = JoinHandle<Result<(), store::Error>>;

impl<S: Store> Daemon<S> {
    async fn run(
        mut self,
        mut events: LinkEvents,
        mut news: mpsc::Receiver<Heard>,
        bell: Arc<Notify>,
        mut intake: Part,
        mut pump: Part,
    ) -> Result<(), Error> {
        let mut chores = interval(CHORES);
        chores.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut round = 0u64;
        let stop = shutdown::requested();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.handle(event).await?,
                    None => return Err(Error::Ended { part: "link to the XMPP server" }),
                },
                () = bell.notified() => self.courier.deliver().await?,
                Some(heard) = news.recv() => self.reach.heard(&heard).await,
                _ = chores.tick() => {
                    self.chores(round).await?;
                    round += 1;
                }
                ended = &mut intake => return Err(end("intake", ended)),
                ended = &mut pump => return Err(end("radio", ended)),
                asked = &mut stop => {
                    asked.map_err(refused("signals"))?;
                    break;
                }
            }
        }
        tracing::info!("stopping");
        while let Ok(Some(event)) = timeout(FAREWELL, events.recv()).await {
            self.handle(event).await?;
        }
        // The intake ends with its items, and the radio with its commands.
        let Self { status, items, .. } = self;
        drop(items);
        for (part, task) in [("intake", intake), ("radio", pump)] {
            if let Ok(Err(error)) = task.await {
                tracing::error!(part, %error, "could not end in good order");
                return Err(error.into());
            }
        }
        tracing::info!(%status, "stopped");
        Ok(())
    }

    async fn handle(&mut self, event: LinkEvent) -> Result<(), Error> {
        match event {
            LinkEvent::Online => {
                self.status.xmpp_sessions.add_one();
                self.courier.online().await?;
                self.reach.online().await;
            }
            LinkEvent::Offline { .. } => self.courier.offline(),
            LinkEvent::Passed(token) => self.courier.passed(token).await?,
            LinkEvent::Invalid(invalid) => {
                if let Some(answer) = invalid.answer() {
                    self.send(answer).await;
                }
            }
            LinkEvent::Stanza(stanza) => match *stanza {
                Stanza::Message(message) => self.handle_message(&message).await,
                Stanza::Presence(presence) => self.reach.answer(&presence).await,
                Stanza::Iq(iq) => {
                    if let Some(answer) = query::answer(&iq, &*self.directory) {
                        self.send(answer).await;
                    }
                }
            },
        }
        Ok(())
    }

    async fn handle_message(&mut self, message: &Message) {
        match outbound::translate(message, &*self.directory, MAX_LONG_TEXT_OCTETS, self.language) {
            Outcome::Accept(draft) => self.pass_on(Item::Text(Box::new(draft))).await,
            Outcome::ReceiptFor { id, .. } => self.pass_on(Item::Confirmed(id)).await,
            Outcome::Returned { id, reason } => {
                tracing::warn!(%id, %reason, "the XMPP server has returned a text");
                self.courier.returned(id);
                self.pass_on(Item::Returned(id)).await;
            }
            Outcome::Reply(answer) => {
                self.status.refused.add_one();
                self.send(*answer).await;
            }
            Outcome::Ignore(why) => tracing::debug!(?why, "a message is passed over"),
        }
    }

    async fn pass_on(&self, item: Item) {
        // The intake ends before its items only when the store has failed, which ends the daemon.
        let _ = self.items.send(item).await;
    }

    /// Answers are worth sending on this stream only: whoever asked asks again on the next.
    async fn send(&self, stanza: impl Into<Stanza>) {
        if let Err(error) = self.link.send(stanza).await {
            tracing::debug!(%error, "an answer was not sent");
        }
    }

    async fn chores(&mut self, round: u64) -> Result<(), Error> {
        supervisor::alive();
        if let Some(by_ms) = self.clock.adjust(clock::system_unix_ms()) {
            tracing::info!(by_ms, "the date is known now");
            self.store.shift_clock(by_ms).await?;
        }
        let now_ms = self.clock.unix_ms();
        let expired = self.store.expire(now_ms).await?;
        self.status.expired.add(u64::try_from(expired).unwrap_or(u64::MAX));
        if round.is_multiple_of(ROUNDS_OF_FIVE_MINUTES) {
            self.store.tick(now_ms).await?;
        }
        if round.is_multiple_of(ROUNDS_OF_AN_HOUR) {
            while self.store.purge(now_ms).await? > 0 {}
            let store::Depth { outbox, inbox } = self.store.depth().await?;
            tracing::info!(outbox, inbox, status = %self.status, "so far");
        }
        self.reach.waiting(self.store.lengths().await?).await;
        self.courier.deliver().await?;
        Ok(())
    }
}

/// Why a part ended that should not.
fn end(part: &'static str, ended: Result<Result<(), store::Error>, tokio::task::JoinError>) -> Error {
    match ended {
        Ok(Err(error)) => error.into(),
        Ok(Ok(())) | Err(_) => Error::Ended { part },
    }
}

/// The date for people.
fn date(clock: &Clock) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_millis(clock.unix_ms())
}

fn random_u32() -> Result<u32, Error> {
    getrandom::u32().map_err(io::Error::from).map_err(refused("random numbers"))
}

fn random_u64() -> Result<u64, Error> {
    getrandom::u64().map_err(io::Error::from).map_err(refused("random numbers"))
}
