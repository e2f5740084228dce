//! What runs at a station: a node of ours, or one of another protocol that shall be compared with it.
//!
//! The world gives it power, frames and time; it drives its radio in the ether and notes what came of its messages.

use fanal_protocol::id::MessageId;
use fanal_protocol::node::{SendError, State};
use fanal_protocol::quality::Quality;
use fanal_protocol::time::{Duration, Instant};

use crate::channel::Ether;
use crate::station::{Letter, Store};

/// What a station tells the world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// The oldest letter that was neither accepted nor refused is now this message of ours.
    Accepted(MessageId),
    /// A message for us was stored.
    Stored(MessageId),
    /// A message that is stored already was handed over once more.
    StoredAgain(MessageId),
    /// A message in our custody is on its way to its reader.
    Forwarded(MessageId),
    /// This is known of a message of ours.
    State(MessageId, State),
    /// The oldest letter that was neither accepted nor refused cannot be sent, ever.
    Refused(SendError),
}

/// The power failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crash {
    /// At this step of the station.
    pub step: u64,
}

/// What happens to a station.
pub enum Input<'a> {
    /// A frame was heard.
    Frame {
        /// What was heard.
        octets: &'a [u8],
        /// How well.
        quality: Quality,
    },
    /// Channel activity detection has ended.
    Cad {
        /// Chirps were heard.
        busy: bool,
    },
    /// Our frame has left the antenna.
    Transmitted,
    /// The instant of [`Occupant::poll_timeout`] has come, or has not.
    Timeout,
    /// The reader of this message, which is in our custody, has it.
    Read(MessageId),
    /// A person has written something.
    Wanted(Letter),
}

/// What runs at a station.
pub trait Occupant {
    /// The power is switched on.
    ///
    /// # Errors
    /// It failed at once.
    fn start(&mut self, ether: &mut Ether, now: Instant) -> Result<(), Crash>;

    /// The power is gone.
    fn stop(&mut self, ether: &mut Ether, now: Instant);

    /// One thing happens. Ignored without power.
    ///
    /// # Errors
    /// The power failed.
    fn handle(&mut self, input: Input<'_>, ether: &mut Ether, now: Instant) -> Result<(), Crash>;

    /// When to call it with [`Input::Timeout`] at the latest.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The next thing that it has to tell.
    fn poll_notice(&mut self) -> Option<Notice>;

    /// Whether it has power.
    fn is_on(&self) -> bool;

    /// Whether this message for one of its addresses has reached its reader.
    fn has_read(&self, id: MessageId) -> bool;

    /// Whether it still sees to this message of its own.
    fn pursues(&self, id: MessageId) -> bool;

    /// How long after [`Notice::Forwarded`] the reader has the message.
    fn read_after(&self) -> Duration;

    /// What the world checks its frames against, if it speaks the Fanal protocol.
    fn evidence(&self) -> Option<&Store>;
}
