//! Counters since start.

use super::Discard;

/// What has happened to a node since it started. Counters wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Frames handed to the node.
    pub frames: u32,
    /// Texts transmitted, first attempts and repetitions.
    pub texts_transmitted: u32,
    /// Fragments of long texts and polls transmitted.
    pub fragments_transmitted: u32,
    /// Acks, receipts and fragment statuses transmitted.
    pub answers_transmitted: u32,
    /// Frames of others passed on, first attempts and repetitions.
    pub relayed: u32,
    /// Frames of others that could go no further.
    pub stuck: u32,
    /// Beacons transmitted.
    pub beacons_transmitted: u32,
    /// Messages received and handed to the host.
    pub received: u32,
    /// Messages of ours proven delivered.
    pub delivered: u32,
    /// Messages of ours whose lifetime ended.
    pub expired: u32,
    /// Octets that are no frame, and authentic texts that are no UTF-8 of permitted length.
    pub malformed: u32,
    /// Frames of unknown kinds.
    pub unknown: u32,
    /// Frames for others, proofs that nothing here waits for.
    pub foreign: u32,
    /// Frames with one of our addresses as source.
    pub own_source: u32,
    /// Wrong tags.
    pub forged: u32,
    /// Frames not looked at because of too many wrong tags.
    pub over_budget: u32,
    /// Messages heard again and answered again.
    pub duplicates: u32,
    /// Frames too old for the replay window, replayed beacons.
    pub replayed: u32,
    /// Frames dropped because the host's store was behind.
    pub busy: u32,
}

impl Stats {
    pub(super) fn count(&mut self, discard: Discard) {
        let counter = match discard {
            Discard::Malformed(_) | Discard::Unreadable => &mut self.malformed,
            Discard::Unknown => &mut self.unknown,
            Discard::Foreign => &mut self.foreign,
            Discard::OwnSource => &mut self.own_source,
            Discard::Forged => &mut self.forged,
            Discard::OverBudget => &mut self.over_budget,
            Discard::Duplicate => &mut self.duplicates,
            Discard::Replayed => &mut self.replayed,
            Discard::Busy => &mut self.busy,
        };
        *counter = counter.wrapping_add(1);
    }
}
