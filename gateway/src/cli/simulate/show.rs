//! The result of a simulation, and how far it is.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stderr};
use std::time::Instant as Clock;

use fanal_ether::simulation::Outcome;
use fanal_gateway::words::{Language, say};
use fanal_protocol::time::{Duration, Instant};
use serde::Serialize;

/// A run that is shorter than this shows no progress.
const SHORT: Duration = Duration::from_secs(1);

/// The names are those of `docs/simulator.md`; a figure that does not exist is null.
#[derive(Serialize)]
struct Json {
    sent: u64,
    reachable: u64,
    delivered: u64,
    reported_delivered: u64,
    false_delivered: u64,
    duplicates: u64,
    given_up: u64,
    under_way: u64,
    lost: u64,
    transmissions: u64,
    airtime_ms: f64,
    airtime_ms_per_delivered: Option<f64>,
    delay_s: Delay,
}

#[derive(Serialize)]
struct Delay {
    p50: Option<f64>,
    p95: Option<f64>,
}

/// Whole microseconds as milliseconds: exact to the last digit, hence the same each time.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

fn airtime_ms_per_delivered(outcome: &Outcome) -> Option<f64> {
    let each = outcome.airtime.as_micros().checked_div(u128::from(outcome.delivered))?;
    Some(each as f64 / 1e3)
}

/// One object in one line.
pub(super) fn json(outcome: &Outcome) -> serde_json::Result<String> {
    let seconds = |of: fn(&fanal_ether::simulation::Delays) -> Duration| {
        outcome.delays.as_ref().map(|delays| of(delays).as_millis() as f64 / 1e3)
    };
    serde_json::to_string(&Json {
        sent: outcome.sent,
        reachable: outcome.reachable,
        delivered: outcome.delivered,
        reported_delivered: outcome.reported_delivered,
        false_delivered: outcome.false_delivered,
        duplicates: outcome.duplicates,
        given_up: outcome.given_up,
        under_way: outcome.under_way,
        lost: outcome.lost,
        transmissions: outcome.transmissions,
        airtime_ms: millis(outcome.airtime),
        airtime_ms_per_delivered: airtime_ms_per_delivered(outcome),
        delay_s: Delay { p50: seconds(|delays| delays.p50), p95: seconds(|delays| delays.p95) },
    })
}

/// A line for each figure.
pub(super) fn table(outcome: &Outcome, language: Language) -> String {
    let share = |part: u64, whole: u64| match whole {
        0 => String::new(),
        _ => {
            let tenths = (part * 1_000 + whole / 2) / whole;
            decimal(tenths as f64 / 10.0, 1, language) + " %"
        }
    };
    let seconds = |delay: Option<Duration>| {
        delay.map_or("-".into(), |delay| decimal(delay.as_secs_f64(), 1, language) + " s")
    };
    let milliseconds = |time: Option<f64>| time.map_or("-".into(), |time| decimal(time, 0, language) + " ms");
    let (p50, p95) = (outcome.delays.map(|delays| delays.p50), outcome.delays.map(|delays| delays.p95));
    let word = |key: &str| say(language, key, &[]);
    let rows = [
        (word("simulate-sent"), outcome.sent.to_string(), String::new()),
        (word("simulate-reachable"), outcome.reachable.to_string(), share(outcome.reachable, outcome.sent)),
        (
            word("simulate-delivered"),
            outcome.delivered.to_string(),
            share(outcome.delivered, outcome.reachable),
        ),
        (
            word("simulate-reported"),
            outcome.reported_delivered.to_string(),
            share(outcome.reported_delivered, outcome.reachable),
        ),
        (word("simulate-false"), outcome.false_delivered.to_string(), String::new()),
        (word("simulate-duplicates"), outcome.duplicates.to_string(), String::new()),
        (word("simulate-given-up"), outcome.given_up.to_string(), String::new()),
        (word("simulate-under-way"), outcome.under_way.to_string(), String::new()),
        (word("simulate-lost"), outcome.lost.to_string(), String::new()),
        (word("simulate-transmissions"), outcome.transmissions.to_string(), String::new()),
        (word("simulate-airtime"), milliseconds(Some(millis(outcome.airtime))), String::new()),
        (word("simulate-airtime-each"), milliseconds(airtime_ms_per_delivered(outcome)), String::new()),
        (word("simulate-delay"), seconds(p50), String::new()),
        (word("simulate-delay-95"), seconds(p95), String::new()),
    ];
    let width = |of: fn(&(String, String, String)) -> &String| {
        rows.iter().map(|row| of(row).chars().count()).max().unwrap_or_default()
    };
    let (names, figures) = (width(|row| &row.0), width(|row| &row.1));
    let mut table = String::new();
    for (name, figure, share) in &rows {
        let line = format!("{name:names$}  {figure:>figures$}  {share:>7}");
        // Writing to a string does not fail.
        let _ = writeln!(table, "{}", line.trim_end());
    }
    table
}

/// A number as it is written in the language.
pub(crate) fn decimal(number: f64, places: usize, language: Language) -> String {
    let text = format!("{number:.places$}");
    match language {
        Language::French => text.replace('.', ","),
        Language::English => text,
    }
}

/// One line on a terminal that says how far a long run is.
pub(super) struct Progress {
    total: Duration,
    begun: Clock,
    language: Language,
    terminal: bool,
    shown: Option<Clock>,
}

impl Progress {
    pub(super) fn new(total: Duration, language: Language) -> Self {
        Self { total, begun: Clock::now(), language, terminal: stderr().is_terminal(), shown: None }
    }

    /// The simulation has come to `now`.
    pub(super) fn show(&mut self, now: Instant) {
        let elapsed = self.begun.elapsed();
        let recent = self.shown.is_some_and(|shown| shown.elapsed() < SHORT / 4);
        if !self.terminal || elapsed < SHORT || recent {
            return;
        }
        self.shown = Some(Clock::now());
        let done = (now - Instant::ZERO).as_secs_f64() / self.total.as_secs_f64();
        let left_s = elapsed.as_secs_f64() * (1.0 - done) / done.max(1e-6);
        let filled = (done * 30.0) as usize;
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(30usize.saturating_sub(filled)));
        let values = [
            ("bar", bar.into()),
            ("percent", format!("{:.0}", done * 100.0).into()),
            ("seconds", format!("{left_s:.0}").into()),
        ];
        // A terminal that went away needs no progress.
        let _ = write!(stderr(), "\r\x1b[K{}", say(self.language, "simulate-progress", &values));
    }

    /// Takes the line away again.
    pub(super) fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
