//! What the gateway has done since it started, counted.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! status {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// The counters of one gateway.
        #[derive(Debug, Default)]
        pub struct Status {
            $($(#[doc = $doc])+ pub $name: Counter,)+
        }

        impl Status {
            /// Every counter with its name, in a fixed order.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.count()),)+].into_iter()
            }
        }
    };
}

status! {
    /// Texts from XMPP taken into the outbox.
    accepted,
    /// Stanzas from XMPP that were known already.
    duplicates,
    /// Texts from XMPP refused because there was no room.
    refused_full,
    /// Stanzas from XMPP refused for another reason, with an answer.
    refused,
    /// Texts that the handheld has.
    delivered,
    /// Texts whose lifetime ended before that.
    expired,
    /// Texts that cannot be delivered.
    failed,
    /// Texts from the air taken into the inbox.
    received,
    /// Texts from the air that the person's app has confirmed.
    confirmed,
    /// Texts from the air that the XMPP server gave back.
    returned,
    /// Frames handed to the modem and sent.
    frames_sent,
    /// Frames handed to the modem and not sent.
    frames_dropped,
    /// Frames heard.
    frames_heard,
    /// Frames heard and rightly ignored.
    frames_discarded,
    /// Milliseconds on the air.
    airtime_ms,
    /// Connections to the XMPP server.
    xmpp_sessions,
    /// Sessions with the modem.
    modem_sessions,
}

impl fmt::Display for Status {
    /// `accepted=1 duplicates=0 …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, count)) in self.counters().enumerate() {
            let space = if number == 0 { "" } else { " " };
            write!(f, "{space}{name}={count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_shown_by_name() {
        let status = Status::default();
        status.accepted.add_one();
        status.airtime_ms.add(250);
        let shown = status.to_string();
        assert!(shown.starts_with("accepted=1 duplicates=0 "), "{shown}");
        assert!(shown.contains(" airtime_ms=250 "), "{shown}");
    }
}
