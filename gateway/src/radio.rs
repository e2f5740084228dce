//! The pump: the protocol's node, the modem and the store, kept going by tokio.
//!
//! The drain rule (`fanal_protocol::node`): after every input, outputs are taken until there are none; then the
//! pump waits for the line, a command or a deadline. Whatever the node wants durable is awaited here, before the
//! node hears of it: at the pace of a LoRa channel one commit at a time is plenty.
//!
//! At most one text per pair is in the node, and the store says which: memory stays the same however many wait.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanal_protocol::crypto;
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::modem::HostEvent;
use fanal_protocol::node::{Draft, Event, KEEP_FOR, Node, SendError, State};
use fanal_protocol::priority::Priority;
use fanal_protocol::quality::Quality;
use fanal_protocol::region::MAX_FRAME;
use fanal_protocol::time::Duration;
use fanal_protocol::wire::Role;
use tokio::sync::{Notify, mpsc};

use crate::clock::Clock;
use crate::directory::MOST_PAIRS;
use crate::modem::Link;
use crate::status::Status;
use crate::store::inbox::{Arrival, Taken};
use crate::store::outbox::Progress;
use crate::store::session::Window;
use crate::store::{self, Store, kept};

mod start;

pub use start::Setup;

/// Texts of others that are kept for absent nodes.
const MOST_KEPT: usize = 512;
/// Long texts under way at one time, each way; others wait in the store.
const MOST_LONG: usize = 8;
/// Receipts read from the store at a time.
const CONFIRMATIONS: u32 = 256;

/// What the pump is asked to do. Nothing is lost if a command is: the store knows all of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// A text waits in the outbox.
    Feed {
        /// The person's node.
        source: NodeId,
        /// The handheld's.
        destination: NodeId,
    },
    /// The person's app has this text from the air.
    Confirm(MessageId),
}

/// A node was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Which.
    pub node: NodeId,
    /// What it is, if it ever said.
    pub role: Option<Role>,
    /// How well.
    pub quality: Quality,
}

/// Node, modem and store.
pub struct Radio<S> {
    node: Box<Node<MOST_PAIRS, MOST_PAIRS, MOST_KEPT, MOST_LONG>>,
    link: Link,
    store: S,
    clock: Clock,
    status: Arc<Status>,
    commands: mpsc::Receiver<Command>,
    news: mpsc::Sender<Heard>,
    /// Rung when the store holds something for the XMPP side.
    courier: Arc<Notify>,
    /// Pairs whose outbox is to be looked at.
    hungry: BTreeSet<(NodeId, NodeId)>,
    /// Pairs that found the node full.
    starved: BTreeSet<(NodeId, NodeId)>,
    /// Confirmed texts found the node full.
    unconfirmed: bool,
}

impl<S: Store> Radio<S> {
    /// Runs until nobody holds the other end of the commands.
    ///
    /// # Errors
    ///
    /// The store has failed.
    pub async fn run(mut self) -> Result<(), store::Error> {
        loop {
            self.drain().await?;
            let deadline = self.node.poll_timeout().map(|at| self.clock.deadline(at));
            let timer = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                alive = self.link.wait() => if !alive { return Ok(()) },
                command = self.commands.recv() => match command {
                    Some(command) => self.handle_command(command),
                    None => return Ok(()),
                },
                () = timer => self.node.handle_timeout(self.clock.now()),
            }
        }
    }

    async fn drain(&mut self) -> Result<(), store::Error> {
        loop {
            let mut idle = true;
            while let Some(event) = self.link.poll_event() {
                idle = false;
                self.handle_link(event);
            }
            idle &= !self.transmit();
            self.link.flush();
            if let Some(event) = self.node.poll_event() {
                idle = false;
                self.handle_node(event).await?;
            } else if let Some((source, destination)) = self.hungry.pop_first() {
                idle = false;
                self.feed(source, destination).await?;
            }
            if idle {
                return Ok(());
            }
        }
    }

    /// Hands frames to the modem while it has room; whether there was any.
    fn transmit(&mut self) -> bool {
        let mut frame = [0; MAX_FRAME];
        let mut any = false;
        loop {
            let now = self.clock.now();
            let next = if self.link.can_transmit(Priority::Text) {
                self.node.poll_transmit(now, &mut frame)
            } else if self.link.can_transmit(Priority::Emergency) {
                // The last place is for what is urgent.
                self.node.poll_urgent(now, &mut frame)
            } else {
                None
            };
            let Some(next) = next else { break };
            any = true;
            let octets = frame.get(..next.len).unwrap_or_default();
            if self.link.transmit(next.token, next.priority, octets).is_err() {
                self.node.handle_dropped(next.token, self.clock.now());
            }
        }
        any
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Feed { source, destination } => {
                self.hungry.insert((source, destination));
            }
            Command::Confirm(id) => self.confirm(id),
        }
    }

    fn confirm(&mut self, id: MessageId) {
        // No room now: the store is asked again when there is.
        self.unconfirmed |= self.node.confirm(id, self.clock.now()).is_err();
    }

    fn handle_link(&mut self, event: HostEvent) {
        let now = self.clock.now();
        match event {
            HostEvent::Received { frame, quality, .. } => {
                self.status.frames_heard.add_one();
                if let Err(discard) = self.node.handle_frame(&frame, quality, now) {
                    self.status.frames_discarded.add_one();
                    tracing::debug!(?discard, rssi_dbm = quality.rssi_dbm, "a frame was ignored");
                }
            }
            HostEvent::Transmitted { token, airtime } => {
                self.status.frames_sent.add_one();
                self.status.airtime_ms.add(u64::try_from(airtime.as_millis()).unwrap_or(u64::MAX));
                self.node.handle_transmitted(token, now);
            }
            HostEvent::Dropped { token, reason } => {
                self.status.frames_dropped.add_one();
                tracing::debug!(?reason, "the modem has not sent a frame");
                self.node.handle_dropped(token, now);
            }
            HostEvent::Ready { firmware, queue, channel, .. } => {
                self.status.modem_sessions.add_one();
                tracing::info!(%firmware, queue, %channel, "the modem is ready");
            }
            HostEvent::Lost => tracing::warn!("the modem is lost"),
            HostEvent::Refused { reason } => tracing::error!(?reason, "the modem refuses the channel"),
            HostEvent::Incompatible { version } => {
                tracing::error!(version, "the modem's firmware speaks another version of the serial link");
            }
            HostEvent::Log { octets } => {
                tracing::info!(log = %octets.trim_ascii().escape_ascii(), "the modem says");
            }
            HostEvent::Status { .. } => {}
        }
    }

    async fn handle_node(&mut self, event: Event) -> Result<(), store::Error> {
        match event {
            Event::Reserve { local, remote, until } => {
                self.store.reserve(local, remote, until).await?;
                self.node.handle_reserved(local, remote, until, self.clock.now());
                if remote != NodeId::BROADCAST {
                    self.hungry.insert((local, remote));
                }
            }
            Event::Received { id, urgent, text, quality, window } => {
                let (text, received_ms) = (text.as_str().into(), self.clock.unix_ms());
                self.receive(Arrival { id, urgent, text, received_ms, quality }, window).await?;
            }
            Event::ReceivedLong { id, quality, window } => match self.node.long_text(id).map(str::to_owned) {
                Some(text) => {
                    let received_ms = self.clock.unix_ms();
                    self.receive(Arrival { id, urgent: false, text, received_ms, quality }, window).await?;
                }
                None => self.node.refuse(id),
            },
            Event::State { id, state } => self.handle_state(id, state).await?,
            Event::Closed { id } => {
                self.store.close(id).await?;
                if std::mem::take(&mut self.unconfirmed) {
                    self.confirm_what_is_left().await?;
                }
            }
            Event::Keep { identity, frame } => {
                let expires_ms = self.clock.unix_ms().saturating_add(KEEP_FOR.as_millis() as u64);
                self.store.keep(identity, kept::Frame { octets: frame.to_vec(), expires_ms }).await?;
                self.node.kept(identity, self.clock.now());
            }
            Event::Fetch { identity } => match self.store.kept(identity).await? {
                Some(frame) => self.node.hand_on(&frame, self.clock.now()),
                None => self.node.not_kept(identity),
            },
            Event::Forget { identity } => self.store.forget(identity).await?,
            // What nobody takes in time is old news.
            Event::Heard { node, role, quality } => drop(self.news.try_send(Heard { node, role, quality })),
        }
        Ok(())
    }

    async fn receive(&mut self, arrival: Arrival, window: crypto::Window) -> Result<(), store::Error> {
        let id = arrival.id;
        let window = Window { top: window.top(), bits: window.bits() };
        match self.store.receive(arrival, window).await? {
            Taken::New => {
                self.status.received.add_one();
                tracing::info!(%id, "a text has arrived");
                self.node.accept(id, self.clock.now());
                self.courier.notify_one();
            }
            Taken::Known => self.node.accept(id, self.clock.now()),
            Taken::Full => {
                tracing::warn!(%id, "the inbox of this person is full");
                self.node.refuse(id);
            }
        }
        Ok(())
    }

    async fn handle_state(&mut self, id: MessageId, state: State) -> Result<(), store::Error> {
        let progress = match state {
            State::Queued => return Ok(()),
            State::Sent => Progress::Sent,
            State::InCustody(custodian) => Progress::InCustody(custodian),
            State::Delivered => Progress::Delivered,
            State::Expired => Progress::Expired,
            State::Failed(_) => Progress::Failed,
        };
        let known = self.store.advance(id, progress).await?;
        tracing::info!(%id, ?state, "a text has come further");
        if progress.is_end() {
            self.node.handle_stored(id, self.clock.now());
            self.courier.notify_one();
        }
        if known {
            match progress {
                Progress::Delivered => self.status.delivered.add_one(),
                Progress::Expired => self.status.expired.add_one(),
                Progress::Failed => self.status.failed.add_one(),
                Progress::Queued | Progress::Sent | Progress::InCustody(_) => {}
            }
        }
        if progress != Progress::Sent {
            // The next of this pair; and there is room again for those that found none.
            self.hungry.insert((id.source, id.destination));
            self.hungry.append(&mut self.starved);
        }
        Ok(())
    }

    /// Gives the node the next text of a pair, if it has none of it.
    async fn feed(&mut self, source: NodeId, destination: NodeId) -> Result<(), store::Error> {
        let now_ms = self.clock.unix_ms();
        let Some(entry) = self.store.next_queued(source, destination, now_ms).await? else {
            return Ok(());
        };
        let draft = Draft {
            source,
            destination,
            text: &entry.draft.text,
            lifetime: Duration::from_millis(entry.lifetime_left_ms(now_ms)),
            priority: entry.draft.priority,
        };
        match self.node.send(draft, self.clock.now()) {
            Ok(id) => {
                if self.store.assign(entry.row, id).await? {
                    self.node.handle_stored(id, self.clock.now());
                } else {
                    // It has ended meanwhile.
                    self.node.cancel(id);
                }
            }
            // The node asks for more; then the pair is hungry again.
            Err(SendError::CountersNotReserved) => {}
            Err(SendError::QueueFull | SendError::LongTextsUnderWay) => {
                self.starved.insert((source, destination));
            }
            Err(error @ (SendError::Empty | SendError::TooLong { .. } | SendError::UnknownDestination)) => {
                tracing::warn!(%source, %destination, %error, "a text cannot be sent");
                self.store.give_up(entry.row).await?;
                self.status.failed.add_one();
                self.hungry.insert((source, destination));
                self.courier.notify_one();
            }
        }
        Ok(())
    }

    async fn confirm_what_is_left(&mut self) -> Result<(), store::Error> {
        let unclosed = self.store.unclosed(CONFIRMATIONS).await?;
        self.unconfirmed |= u32::try_from(unclosed.len()).is_ok_and(|number| number == CONFIRMATIONS);
        unclosed.into_iter().for_each(|id| self.confirm(id));
        Ok(())
    }
}
