//! Which counters have been seen: a sliding window, after RFC 4303, section 3.4.3.

/// How far behind the highest counter a new one may still come.
pub const WINDOW_WIDTH: u32 = u64::BITS;

/// Whether a counter may be accepted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Freshness {
    /// It has not been seen.
    Fresh,
    /// It has been seen.
    Seen,
    /// It lies too far back to tell; treat it as seen.
    TooOld,
}

/// The counters that one source has used. Mark one only once its frame has been authenticated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window {
    top: Option<u32>,
    /// Bit n: the counter `top - n` has been seen.
    bits: u64,
}

impl Window {
    /// The window of a source that has never been heard.
    pub const fn new() -> Self {
        Self { top: None, bits: 0 }
    }

    /// The window that [`top`](Self::top) and [`bits`](Self::bits) described.
    pub const fn restore(top: Option<u32>, bits: u64) -> Self {
        // Whatever was stored, the top itself has been seen, and below zero there is nothing.
        match top {
            Some(_) => Self { top, bits: bits | 1 },
            None => Self::new(),
        }
    }

    /// Whether `counter` may be accepted. Changes nothing.
    pub const fn check(&self, counter: u32) -> Freshness {
        let Some(top) = self.top else { return Freshness::Fresh };
        match top.checked_sub(counter) {
            None => Freshness::Fresh,
            Some(behind) if behind >= WINDOW_WIDTH => Freshness::TooOld,
            Some(behind) if self.bits >> behind & 1 == 1 => Freshness::Seen,
            Some(_) => Freshness::Fresh,
        }
    }

    /// Remembers `counter`. Marking one again, or one that is too old, changes nothing.
    pub const fn mark(&mut self, counter: u32) {
        let Some(top) = self.top else {
            *self = Self { top: Some(counter), bits: 1 };
            return;
        };
        match top.checked_sub(counter) {
            Some(behind) if behind < WINDOW_WIDTH => self.bits |= 1 << behind,
            Some(_) => {}
            None => {
                let ahead = counter - top;
                let moved = if ahead < WINDOW_WIDTH { self.bits << ahead } else { 0 };
                *self = Self { top: Some(counter), bits: moved | 1 };
            }
        }
    }

    /// The highest counter seen.
    pub const fn top(&self) -> Option<u32> {
        self.top
    }

    /// Which of the 64 counters up to the highest have been seen: bit n stands for `top - n`. To be stored with it.
    pub const fn bits(&self) -> u64 {
        self.bits
    }
}
