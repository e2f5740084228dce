//! The host's account of its frames: credit, what waits for the line, what the modem has, what became of each token.

use heapless::{Deque, Vec};

use crate::modem::message::{Reason, bit};
use crate::priority::Priority;
use crate::region::MAX_FRAME;
use crate::time::Duration;

/// Tokens that are open, or whose fate the caller has not taken.
const CAPACITY: usize = 16;

/// What became of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Transmitted { airtime: Duration },
    Dropped(Reason),
}

#[derive(Debug)]
struct Entry {
    token: u32,
    /// `None`: of an earlier session, or settled.
    sequence: Option<u32>,
    airtime: Duration,
    fate: Option<Fate>,
}

/// There is no room for the frame.
#[derive(Debug)]
pub(super) struct Full;

/// Every token that enters leaves exactly once, by [`Tokens::poll`].
#[derive(Debug, Default)]
pub(super) struct Tokens {
    entries: Vec<Entry, CAPACITY>,
    waiting: Deque<(u32, Priority, Vec<u8, MAX_FRAME>), CAPACITY>,
    /// Sequence numbers below this may be used.
    limit: u32,
    /// The next sequence number to give out.
    next: u32,
    /// Sequence numbers below this were written to the line.
    written: u32,
    /// What `written` was at the latest ping.
    pinged: u32,
    /// Whether one credit is kept for an emergency.
    keeps_last: bool,
}

impl Tokens {
    /// A session begins with a modem of `queue` places.
    pub(super) fn start(&mut self, queue: u16) {
        self.lose_all();
        self.limit = queue.into();
        self.next = 0;
        self.written = 0;
        self.pinged = 0;
        self.keeps_last = queue > 1;
    }

    /// The session is over: nothing more will be heard of its frames.
    pub(super) fn lose_all(&mut self) {
        self.waiting.clear();
        for entry in &mut self.entries {
            if entry.sequence.take().is_some() {
                entry.fate = Some(Fate::Dropped(Reason::Lost));
            }
        }
    }

    pub(super) fn has_room(&self, priority: Priority) -> bool {
        let credit = self.limit.saturating_sub(self.next);
        let places = self.entries.capacity() - self.entries.len();
        if priority >= Priority::Emergency || !self.keeps_last {
            credit > 0 && places > 0
        } else {
            credit > 1 && places > 1
        }
    }

    pub(super) fn add(
        &mut self,
        token: u32,
        priority: Priority,
        frame: Vec<u8, MAX_FRAME>,
        airtime: Duration,
    ) -> Result<(), Full> {
        if !self.has_room(priority) {
            return Err(Full);
        }
        let sequence = self.next;
        self.waiting.push_back((sequence, priority, frame)).map_err(|_| Full)?;
        let entry = Entry { token, sequence: Some(sequence), airtime, fate: None };
        self.entries.push(entry).map_err(|_| Full)?;
        // Below the limit, so it cannot overflow.
        self.next += 1;
        Ok(())
    }

    pub(super) fn raise_limit(&mut self, limit: u32) {
        self.limit = self.limit.max(limit);
    }

    /// The next frame for the line.
    pub(super) fn poll_frame(&mut self) -> Option<(u32, Priority, Vec<u8, MAX_FRAME>)> {
        let frame = self.waiting.pop_front()?;
        self.written = frame.0.saturating_add(1);
        Some(frame)
    }

    /// A ping is being written: how far the line has been given frames.
    pub(super) fn ping(&mut self) -> u32 {
        self.pinged = self.written;
        self.pinged
    }

    pub(super) fn settle(&mut self, sequence: u32, fate: Fate) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.sequence == Some(sequence)) {
            entry.sequence = None;
            entry.fate = Some(fate);
        }
    }

    /// The answer to the latest ping: what the modem does not know of frames written before it, it never will.
    pub(super) fn reconcile(&mut self, next: u32, held: u64, sent: u64) {
        for entry in &mut self.entries {
            let Some(sequence) = entry.sequence.filter(|&sequence| sequence < self.pinged) else { continue };
            let bit = bit(next, sequence);
            if held & bit != 0 {
                continue;
            }
            entry.sequence = None;
            entry.fate = Some(if sent & bit != 0 {
                Fate::Transmitted { airtime: entry.airtime }
            } else {
                Fate::Dropped(Reason::Lost)
            });
        }
    }

    /// A token whose fate is known, oldest first.
    pub(super) fn poll(&mut self) -> Option<(u32, Fate)> {
        let index = self.entries.iter().position(|entry| entry.fate.is_some())?;
        let Entry { token, fate, .. } = self.entries.remove(index);
        fate.map(|fate| (token, fate))
    }
}
