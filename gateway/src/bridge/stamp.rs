//! Points in time as XMPP writes them (XEP-0082).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};
use minidom::Element;
use xmpp_parsers::ns;
use xso::AsXml;

/// Start of 2020 in Unix time. A box without a clock boots in 1970, and a stamp of then would sort a message
/// before all others, out of sight.
const PLAUSIBLE: Duration = Duration::from_secs(1_577_836_800);

#[derive(AsXml)]
#[xml(namespace = ns::DELAY, name = "delay")]
struct Delay {
    #[xml(attribute)]
    from: String,
    #[xml(attribute)]
    stamp: String,
}

#[derive(AsXml)]
#[xml(namespace = ns::IDLE, name = "idle")]
struct Idle {
    #[xml(attribute)]
    since: String,
}

/// `<delay/>` (XEP-0203): `from` has held the message back since `time`. `None` when the clock was not set.
pub(super) fn delay(from: &str, time: SystemTime) -> Option<Element> {
    xso::transform(&Delay { from: from.to_owned(), stamp: utc(time)? }).ok()
}

/// `<idle/>` (XEP-0319): nothing was heard since `time`. `None` when the clock was not set.
pub(super) fn idle(time: SystemTime) -> Option<Element> {
    xso::transform(&Idle { since: utc(time)? }).ok()
}

fn utc(time: SystemTime) -> Option<String> {
    let since_epoch = time.duration_since(UNIX_EPOCH).ok()?;
    let time = DateTime::from_timestamp(i64::try_from(since_epoch.as_secs()).ok()?, 0)?;
    (since_epoch >= PLAUSIBLE).then(|| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}
