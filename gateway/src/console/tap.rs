//! Every octet of the serial link, both ways, as JSON lines on a UNIX socket.
//!
//! ```json
//! {"monotonic_us":12345678,"unix_ms":1767225600000,"direction":"received","octets":"0a0b00"}
//! {"monotonic_us":12345999,"unix_ms":1767225600001,"direction":"opened"}
//! ```
//!
//! Directions are `received` (from the modem), `sent`, `opened` and `closed` (the port). Names are only ever added.
//! A watcher that does not keep up is dropped with a last line `{"dropped":n}`: it never holds up the link.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::timeout;

use crate::clock::Clock;

/// Records kept for a watcher that is busy.
const KEPT: usize = 1_024;
/// Watchers at a time.
const WATCHERS: usize = 8;
/// A watcher that takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// What happened on the port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The port was opened.
    Opened,
    /// Octets from the modem.
    Received,
    /// Octets to the modem.
    Sent,
    /// The port was closed.
    Closed,
}

impl Direction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Received => "received",
            Self::Sent => "sent",
            Self::Closed => "closed",
        }
    }
}

/// Where the port's threads tell what happens; clones tell the same watchers.
#[derive(Clone, Debug)]
pub struct Tap {
    records: broadcast::Sender<Arc<str>>,
    clock: Clock,
}

impl Tap {
    /// A tap that nobody watches yet.
    pub fn new(clock: Clock) -> Self {
        Self { records: broadcast::Sender::new(KEPT), clock }
    }

    /// Tells the watchers, if any. Never waits.
    pub fn record(&self, direction: Direction, octets: &[u8]) {
        if self.records.receiver_count() > 0 {
            let line = line(self.clock.now().as_micros(), self.clock.unix_ms(), direction, octets);
            // Whoever is not there any more misses nothing.
            let _ = self.records.send(line.into());
        }
    }

    /// A socket at `path`, readable by the owner of the daemon only. It takes its name only once it is private, and
    /// takes it over from a daemon that died.
    ///
    /// # Errors
    ///
    /// The socket cannot be made.
    pub fn listen(path: &Path) -> io::Result<UnixListener> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(format!(".{}", std::process::id()));
        let unfinished = Path::new(&unfinished);
        let _ = std::fs::remove_file(unfinished);
        let listener = UnixListener::bind(unfinished)?;
        std::fs::set_permissions(unfinished, Permissions::from_mode(0o600))?;
        std::fs::rename(unfinished, path)?;
        Ok(listener)
    }

    /// Serves watchers until dropped.
    pub async fn serve(self, listener: UnixListener) {
        let places = Arc::new(Semaphore::new(WATCHERS));
        loop {
            let (watcher, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                // Out of descriptors, or a watcher that changed its mind: the console must not end the daemon.
                Err(error) => {
                    tracing::warn!(%error, "a console watcher could not be let in");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let records = self.records.subscribe();
            tokio::spawn(async move {
                let _place = place;
                if let Err(error) = show(watcher, records).await {
                    tracing::debug!(%error, "a console watcher has left");
                }
            });
        }
    }
}

async fn show(watcher: UnixStream, mut records: broadcast::Receiver<Arc<str>>) -> io::Result<()> {
    let (mut said, mut shown) = watcher.into_split();
    let mut ignored = [0; 256];
    loop {
        tokio::select! {
            record = records.recv() => match record {
                Ok(line) => write(&mut shown, &line).await?,
                Err(RecvError::Lagged(number)) => {
                    return write(&mut shown, &format!("{{\"dropped\":{number}}}\n")).await;
                }
                Err(RecvError::Closed) => return Ok(()),
            },
            // Watchers have nothing to say; reading shows when they leave.
            read = said.read(&mut ignored) => if read? == 0 { return Ok(()) },
        }
    }
}

async fn write(watcher: &mut (impl AsyncWriteExt + Unpin), line: &str) -> io::Result<()> {
    timeout(PATIENCE, watcher.write_all(line.as_bytes())).await.map_err(io::Error::from)?
}

fn line(monotonic_us: u64, unix_ms: u64, direction: Direction, octets: &[u8]) -> String {
    let direction = direction.as_str();
    let mut line =
        format!("{{\"monotonic_us\":{monotonic_us},\"unix_ms\":{unix_ms},\"direction\":\"{direction}\"");
    if !octets.is_empty() {
        line.push_str(",\"octets\":\"");
        for octet in octets {
            // Writing to a `String` cannot fail.
            let _ = write!(line, "{octet:02x}");
        }
        line.push('"');
    }
    line.push_str("}\n");
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncBufReadExt, BufReader};

    use super::*;

    fn served(directory: &tempfile::TempDir) -> (Tap, std::path::PathBuf) {
        let path = directory.path().join("console");
        std::fs::write(&path, "left by a daemon that died").unwrap();
        let tap = Tap::new(Clock::start(5));
        tokio::spawn(tap.clone().serve(Tap::listen(&path).unwrap()));
        (tap, path)
    }

    async fn watched(tap: &Tap, watchers: usize) {
        while tap.records.receiver_count() < watchers {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn every_octet_is_shown_to_every_watcher() {
        let directory = tempfile::tempdir().unwrap();
        let (tap, path) = served(&directory);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        tap.record(Direction::Sent, b"nobody sees this");
        let first = UnixStream::connect(&path).await.unwrap();
        let second = UnixStream::connect(&path).await.unwrap();
        watched(&tap, 2).await;
        tap.record(Direction::Opened, b"");
        tap.record(Direction::Received, &[0x00, 0xff]);
        for watcher in [first, second] {
            let mut lines = BufReader::new(watcher).lines();
            let opened: serde_json::Value =
                serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
            assert_eq!(opened["direction"], "opened");
            let received: serde_json::Value =
                serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
            assert_eq!(received["direction"], "received");
            assert_eq!(received["octets"], "00ff");
            assert!(received["unix_ms"].as_u64().unwrap() >= 5);
            assert!(received["monotonic_us"].is_u64());
        }
    }

    #[tokio::test]
    async fn a_slow_watcher_is_dropped_and_holds_nobody_up() {
        let directory = tempfile::tempdir().unwrap();
        let (tap, path) = served(&directory);
        let slow = UnixStream::connect(&path).await.unwrap();
        watched(&tap, 1).await;
        for _ in 0..20 * KEPT {
            tap.record(Direction::Sent, &[7; 256]);
        }
        let mut lines = BufReader::new(slow).lines();
        let mut last = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            last = line;
        }
        assert!(last.starts_with("{\"dropped\":"), "{last}");
    }

    #[tokio::test]
    async fn what_a_watcher_says_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let (tap, path) = served(&directory);
        let mut talker = UnixStream::connect(&path).await.unwrap();
        talker.write_all(&[0xff; 4_096]).await.unwrap();
        watched(&tap, 1).await;
        tap.record(Direction::Closed, b"");
        let mut lines = BufReader::new(talker).lines();
        assert!(lines.next_line().await.unwrap().unwrap().contains("closed"));
    }

    proptest! {
        #[test]
        fn every_record_is_one_line_of_json(octets: Vec<u8>, monotonic_us: u64, unix_ms: u64) {
            let line = line(monotonic_us, unix_ms, Direction::Received, &octets);
            prop_assert_eq!(line.matches('\n').count(), 1);
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(value["monotonic_us"].as_u64(), Some(monotonic_us));
            prop_assert_eq!(value["octets"].as_str().map_or(0, str::len), 2 * octets.len());
        }
    }
}
