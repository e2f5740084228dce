//! Presence (RFC 6121, sections 3 and 4): whether a handheld can be reached, as far as anybody can know.
//!
//! A green dot that lies is worse than none: a handheld is available when it has been heard lately, and the
//! status says when and how well. Nothing of this goes on the air.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use fanal_protocol::id::NodeId;
use fanal_protocol::quality::Quality;
use fanal_protocol::time::Instant;
use jid::{BareJid, Jid};
use xmpp_parsers::presence::{Presence, Show, Type};

use super::names::{self, Names, Target, radio_jid};
use super::stamp;
use crate::words::{Language, say};

/// How long after it was last heard a handheld counts as what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Thresholds {
    /// Up to this age: available.
    pub available: Duration,
    /// Up to this age: away.
    pub away: Duration,
    /// Up to this age: away for longer (`xa`); then unavailable.
    pub extended: Duration,
}

impl Default for Thresholds {
    /// 30 minutes, 2 hours, 24 hours.
    fn default() -> Self {
        Self {
            available: Duration::from_secs(30 * 60),
            away: Duration::from_secs(2 * 3_600),
            extended: Duration::from_secs(24 * 3_600),
        }
    }
}

/// How reachable a handheld is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Heard lately.
    Available,
    /// Not heard for a while.
    Away,
    /// Not heard for hours.
    ExtendedAway,
    /// Not heard for so long that nobody should count on it, or never.
    Unavailable,
}

/// What is known of a handheld.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hearing {
    /// How long ago it was last heard; `None` when never.
    pub ago: Option<Duration>,
    /// How well, at the gateway.
    pub quality: Option<Quality>,
    /// Messages that wait for it.
    pub waiting: usize,
}

impl Hearing {
    /// How reachable that makes it.
    pub fn level(&self, thresholds: &Thresholds) -> Level {
        match self.ago {
            Some(ago) if ago <= thresholds.available => Level::Available,
            Some(ago) if ago <= thresholds.away => Level::Away,
            Some(ago) if ago <= thresholds.extended => Level::ExtendedAway,
            _ => Level::Unavailable,
        }
    }

    /// The status text: "heard 12 min ago, SNR 4 dB, 3 messages waiting".
    pub fn words(&self, language: Language) -> String {
        let mut words = match self.ago.map(|ago| ago.as_secs() / 60) {
            None => say(language, "presence-never-heard", &[]),
            Some(0) => say(language, "presence-heard-now", &[]),
            Some(minutes @ 1..120) => say(language, "presence-heard-minutes", &[("minutes", minutes.into())]),
            Some(minutes) if minutes < 48 * 60 => {
                say(language, "presence-heard-hours", &[("hours", (minutes / 60).into())])
            }
            Some(minutes) => say(language, "presence-heard-days", &[("days", (minutes / (24 * 60)).into())]),
        };
        if let Some(quality) = self.quality {
            words += ", ";
            words += &say(language, "presence-snr", &[("db", i64::from(quality.snr_db()).into())]);
        }
        if self.waiting > 0 {
            words += ", ";
            words += &say(language, "presence-waiting", &[("count", self.waiting.into())]);
        }
        words
    }
}

/// How presence is worked out and worded.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// What counts as what.
    pub thresholds: Thresholds,
    /// The site's language: presence goes to all devices of a person, which may speak several.
    pub language: Language,
}

/// The presence of a handheld, for one person.
///
/// It carries the time it was last heard (XEP-0319), so that apps can go on counting, if `now` can be right.
pub fn of_handheld(
    handheld: &BareJid,
    to: &Jid,
    hearing: &Hearing,
    now: SystemTime,
    manner: Manner,
) -> Presence {
    let (kind, show) = match hearing.level(&manner.thresholds) {
        Level::Available => (Type::None, None),
        Level::Away => (Type::None, Some(Show::Away)),
        Level::ExtendedAway => (Type::None, Some(Show::Xa)),
        Level::Unavailable => (Type::Unavailable, None),
    };
    let mut presence = Presence::new(kind).with_from(radio_jid(handheld)).with_to(to.clone());
    presence.show = show;
    presence.set_status("", hearing.words(manner.language));
    if presence.type_ == Type::None {
        let heard = hearing.ago.and_then(|ago| now.checked_sub(ago));
        presence.payloads.extend(heard.and_then(stamp::idle));
    }
    presence
}

/// The answers to a presence stanza, in order.
///
/// Persons of the directory are subscribed to whatever they ask for; nobody else is. Nothing that could itself
/// be answered is ever answered, so subscription requests do not come back.
pub fn answer(
    presence: &Presence,
    names: &dyn Names,
    hearing: impl Fn(NodeId) -> Hearing,
    now: SystemTime,
    manner: Manner,
) -> Vec<Presence> {
    let (Some(from), Some(to)) = (&presence.from, &presence.to) else { return Vec::new() };
    let known = names.person(&from.to_bare()).is_some();
    let target = if known { names::target(names, to) } else { Target::Unknown };
    let bare = to.to_bare();
    let current = || match target {
        Target::Handheld(node) => Some(of_handheld(&bare, from, &hearing(node), now, manner)),
        Target::Gateway => Some(Presence::available().with_from(bare.clone()).with_to(from.clone())),
        Target::Unknown => None,
    };
    let subscription = |kind| Presence::new(kind).with_from(bare.clone()).with_to(Jid::from(from.to_bare()));
    match presence.type_ {
        Type::Subscribe => match current() {
            Some(current) => vec![subscription(Type::Subscribed), current],
            None => vec![subscription(Type::Unsubscribed)],
        },
        Type::Probe => vec![current().unwrap_or_else(|| subscription(Type::Unsubscribed))],
        Type::Unsubscribe => vec![subscription(Type::Unavailable)],
        Type::None | Type::Unavailable | Type::Subscribed | Type::Unsubscribed | Type::Error => Vec::new(),
    }
}

/// No handheld's presence is sent more often than this without being asked for.
const PAUSE: Duration = Duration::from_secs(60);

/// Tells when the presence of a handheld has changed enough to be sent to everybody.
#[derive(Clone, Debug, Default)]
pub struct Edges {
    sent: BTreeMap<NodeId, (Level, Instant)>,
}

impl Edges {
    /// Whether to send the presence of `node` now: its level differs from what was last sent, and that was a
    /// minute ago or more. If so, it counts as sent.
    ///
    /// To be asked when a node has been heard, and twice a minute besides: time alone makes a handheld go away.
    pub fn due(&mut self, node: NodeId, level: Level, now: Instant) -> bool {
        let due =
            self.sent.get(&node).is_none_or(|&(sent, at)| sent != level && now.saturating_since(at) >= PAUSE);
        if due {
            self.sent.insert(node, (level, now));
        }
        due
    }

    /// Forgets what was sent: the server knows nothing after a new connection.
    pub fn forget(&mut self) {
        self.sent.clear();
    }
}
