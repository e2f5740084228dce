//! What went through here lately: so that copies are recognised, and lost receipts found again.

use heapless::{Deque, Vec};

use crate::id::NodeId;
use crate::time::{Duration, Instant};
use crate::wire::Receipt;

/// A copy within this time is a repetition by the hop before; a later one is its source asking again.
const JUST_NOW: Duration = Duration::from_secs(8);
/// Copies of a flooded frame are around for no longer than this; a later one is another attempt of its source.
const FLOOD_LASTS: Duration = Duration::from_secs(15);

/// A receipt, whole, in either form.
pub(super) type ReceiptFrame = Vec<u8, { Receipt::STRONG_OCTETS }>;

/// What became of a frame that went through here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It was passed on a moment ago.
    JustPassed,
    /// It was passed on a while ago.
    Old,
    /// A receipt came back for it.
    Receipted(ReceiptFrame),
}

#[derive(Clone, Debug)]
struct Trace {
    identity: u32,
    source: Option<NodeId>,
    passed: Instant,
    receipt: Option<ReceiptFrame>,
    /// Whether the receipt was told to whoever asked again.
    told: bool,
}

impl Trace {
    fn has(&self, receipt: &ReceiptFrame) -> bool {
        self.receipt.as_ref().is_some_and(|known| known.get(4..) == receipt.get(4..))
    }

    /// The same receipt once more is no news: told in vain, it would be told in vain again.
    fn note(&mut self, receipt: ReceiptFrame) {
        if !self.has(&receipt) {
            (self.receipt, self.told) = (Some(receipt), false);
        }
    }
}

/// The last `N` frames.
#[derive(Debug)]
pub(super) struct Memory<const N: usize>(Deque<Trace, N>);

impl<const N: usize> Memory<N> {
    pub(super) const fn new() -> Self {
        Self(Deque::new())
    }

    /// A frame goes through.
    pub(super) fn remember(&mut self, identity: u32, source: Option<NodeId>, now: Instant) {
        if let Some(trace) = self.find(identity) {
            trace.passed = now;
            return;
        }
        if self.0.is_full() {
            self.0.pop_front();
        }
        let _ = self.0.push_back(Trace { identity, source, passed: now, receipt: None, told: false });
    }

    /// A copy of a frame is here. A receipt is told once: if its source asks yet again, the receipt was not for it or
    /// was forged, and the destination is asked.
    pub(super) fn recall(&mut self, identity: u32, now: Instant) -> Option<Fate> {
        let trace = self.find(identity)?;
        let age = now - trace.passed;
        if let Some(receipt) = trace.receipt.clone().filter(|_| !trace.told) {
            (trace.told, trace.passed) = (true, now);
            return Some(Fate::Receipted(receipt));
        }
        Some(if age > JUST_NOW { Fate::Old } else { Fate::JustPassed })
    }

    /// Whether a flood of this frame may still be going on.
    pub(super) fn is_recent(&mut self, identity: u32, now: Instant) -> bool {
        self.find(identity).is_some_and(|trace| now - trace.passed <= FLOOD_LASTS)
    }

    pub(super) fn has_receipt(&self, identity: u32) -> bool {
        self.0.iter().any(|trace| trace.identity == identity && trace.receipt.is_some())
    }

    pub(super) fn note_receipt(&mut self, identity: u32, receipt: ReceiptFrame) {
        if let Some(trace) = self.find(identity) {
            trace.note(receipt);
        }
    }

    /// A receipt for the oldest text of `source` that has none, or one that its source did not take for it; nothing new if it
    /// is known.
    pub(super) fn note_receipt_for(&mut self, source: NodeId, receipt: ReceiptFrame) {
        if self.0.iter().any(|trace| trace.has(&receipt)) {
            return;
        }
        let lacks =
            |trace: &&mut Trace| trace.source == Some(source) && (trace.receipt.is_none() || trace.told);
        if let Some(trace) = self.0.iter_mut().find(lacks) {
            trace.note(receipt);
        }
    }

    fn find(&mut self, identity: u32) -> Option<&mut Trace> {
        self.0.iter_mut().find(|trace| trace.identity == identity)
    }
}
