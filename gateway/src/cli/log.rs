//! The log: to standard error; for journald with a priority before each line (sd-daemon(3)), for people with the
//! time and, on a terminal, with colour. `FANAL_LOG` chooses what is logged (`info` unless told otherwise).

use std::env;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{Format, FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Starts the log, once.
pub(super) fn start() {
    let log = tracing_subscriber::fmt().with_env_filter(filter()).with_writer(io::stderr);
    // Somebody has started it before: that log will do.
    let _ = if env::var_os("JOURNAL_STREAM").is_some() {
        log.with_ansi(false).event_format(Journal).try_init()
    } else {
        log.with_ansi(io::stderr().is_terminal()).try_init()
    };
}

/// Starts the log, once, at the end of the file at `path`, which only its owner can read.
pub(super) fn to_file(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let log =
        tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false).with_writer(Mutex::new(file));
    // Somebody has started it before: that log will do.
    let _ = log.try_init();
    Ok(())
}

fn filter() -> EnvFilter {
    let filter = env::var("FANAL_LOG").ok().and_then(|text| EnvFilter::try_new(text).ok());
    filter.unwrap_or_else(|| EnvFilter::new("info"))
}

/// Lines as journald wants them: priority first, no time, for it has its own.
struct Journal;

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        write!(writer, "<{priority}>")?;
        Format::default()
            .without_time()
            .with_level(false)
            .with_ansi(false)
            .format_event(context, writer, event)
    }
}
