//! A serial port that is always being opened: octets in, octets out, and news of the plug.
//!
//! Serial ports block, so two threads work for each: one opens the port, again and again, and reads; the other
//! writes. Bounded channels lead to both. A port is opened by one process at a time (`flock` and `TIOCEXCL`).

use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serialport::TTYPort;
use tokio::sync::mpsc;

use crate::console::{Tap, tap::Direction};

/// Reads wait so long for octets before they look whether anybody still wants them.
const READ_PATIENCE: Duration = Duration::from_millis(100);
/// A line that takes no octet for so long swallows what it was given: the session above notices.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);
/// From one attempt to open the port to the next: from the first doubling up to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// A port that stayed open for so long was no failed attempt.
const STEADY: Duration = Duration::from_secs(10);
/// Octets read at a time: what [`Link`](super::Link) may hand to the session at a time.
const READ_OCTETS: usize = 512;
/// Reads and writes under way.
const CHUNKS: usize = 64;

/// Why there is no port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// There is no such device: not plugged in, or another name.
    Missing,
    /// This user may not open it.
    Denied,
    /// Another program has it open.
    Busy,
    /// It is no serial port.
    Unsuitable,
    /// It was open and is gone.
    Unplugged,
    /// Something else.
    Other(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no such device: is the modem plugged in, and is this its name?",
            Self::Denied => "this user may not open it: the user must be in the group that owns the device",
            Self::Busy => "another program has it open: a terminal, ModemManager, or another gateway",
            Self::Unsuitable => "it is no serial port",
            Self::Unplugged => "it was unplugged",
            Self::Other(reason) => reason,
        })
    }
}

/// News of the port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// It is open.
    Opened,
    /// The line brought octets.
    Octets(Vec<u8>),
    /// It could not be opened, or is gone. It is tried again.
    Closed(Trouble),
}

/// A port and its two threads, which end when it is dropped.
#[derive(Debug)]
pub struct Port {
    /// The device.
    pub path: PathBuf,
    /// What happens, in order.
    pub events: mpsc::Receiver<Event>,
    /// Octets for the line; lost while the port is closed.
    pub octets: mpsc::Sender<Vec<u8>>,
}

impl Port {
    /// Starts to open the device at `path` with `baud` bits per second.
    ///
    /// # Errors
    ///
    /// No threads are to be had.
    pub fn start(path: PathBuf, baud: u32, tap: Option<Tap>) -> io::Result<Self> {
        let (events, news) = mpsc::channel(CHUNKS);
        let (octets, waiting) = mpsc::channel(CHUNKS);
        let line = Arc::new(Line { port: Mutex::new(None), broken: AtomicBool::new(false), tap });
        let reader = Reader { path: path.clone(), baud, line: Arc::clone(&line), events };
        thread::Builder::new().name("port-in".into()).spawn(move || reader.run())?;
        thread::Builder::new().name("port-out".into()).spawn(move || line.write_all_of(waiting))?;
        Ok(Self { path, events: news, octets })
    }
}

/// What both threads share: the open port, for writing.
struct Line {
    port: Mutex<Option<TTYPort>>,
    /// Set by the writer: the port is of no use any more.
    broken: AtomicBool,
    tap: Option<Tap>,
}

impl Line {
    fn port(&self) -> MutexGuard<'_, Option<TTYPort>> {
        // Nothing panics while it holds the lock; and an `Option` has no halves.
        self.port.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, direction: Direction, octets: &[u8]) {
        if let Some(tap) = &self.tap {
            tap.record(direction, octets);
        }
    }

    fn write_all_of(&self, mut waiting: mpsc::Receiver<Vec<u8>>) {
        while let Some(octets) = waiting.blocking_recv() {
            let mut port = self.port();
            let Some(open) = port.as_mut() else { continue };
            match write(open, &octets) {
                Ok(written) => self.record(Direction::Sent, octets.get(..written).unwrap_or_default()),
                Err(_) => {
                    self.broken.store(true, Ordering::Relaxed);
                    *port = None;
                }
            }
        }
    }
}

/// How many octets the line took before the patience ended.
fn write(port: &mut TTYPort, octets: &[u8]) -> io::Result<usize> {
    let until = Instant::now() + WRITE_PATIENCE;
    let mut written = 0;
    while let Some(rest) = octets.get(written..).filter(|rest| !rest.is_empty()) {
        match port.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(number) => written += number,
            Err(error) if is_pause(&error) && Instant::now() < until => {}
            Err(error) if is_pause(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

struct Reader {
    path: PathBuf,
    baud: u32,
    line: Arc<Line>,
    events: mpsc::Sender<Event>,
}

/// Nobody wants the port any more.
struct Unwanted;

impl Reader {
    fn run(self) {
        let (first, longest) = PAUSES;
        let mut pause = first;
        loop {
            let started = Instant::now();
            let trouble = match self.open() {
                Ok(port) => match self.read_all_of(port) {
                    Ok(trouble) => trouble,
                    Err(Unwanted) => break,
                },
                Err(trouble) => trouble,
            };
            *self.line.port() = None;
            self.line.record(Direction::Closed, &[]);
            if self.events.blocking_send(Event::Closed(trouble)).is_err() {
                break;
            }
            pause = if started.elapsed() > STEADY { first } else { (pause * 2).min(longest) };
            if self.rest(pause).is_err() {
                break;
            }
        }
        *self.line.port() = None;
    }

    fn rest(&self, pause: Duration) -> Result<(), Unwanted> {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if self.events.is_closed() {
                return Err(Unwanted);
            }
            thread::sleep(READ_PATIENCE.min(until.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    fn open(&self) -> Result<TTYPort, Trouble> {
        let settings =
            serialport::new(self.path.to_string_lossy(), self.baud).timeout(READ_PATIENCE).exclusive(true);
        let port = TTYPort::open(&settings).map_err(|error| self.trouble(&error))?;
        let other = port.try_clone_native().map_err(|error| self.trouble(&error))?;
        self.line.broken.store(false, Ordering::Relaxed);
        *self.line.port() = Some(other);
        Ok(port)
    }

    fn trouble(&self, error: &serialport::Error) -> Trouble {
        match error.kind() {
            serialport::ErrorKind::Io(io::ErrorKind::NotFound) => Trouble::Missing,
            serialport::ErrorKind::Io(io::ErrorKind::PermissionDenied) => Trouble::Denied,
            // The library's word for a port that somebody else holds.
            serialport::ErrorKind::NoDevice => Trouble::Busy,
            _ if self.path.is_file() || self.path.is_dir() => Trouble::Unsuitable,
            _ => Trouble::Other(error.to_string()),
        }
    }

    fn read_all_of(&self, mut port: TTYPort) -> Result<Trouble, Unwanted> {
        self.line.record(Direction::Opened, &[]);
        self.tell(Event::Opened)?;
        let mut octets = [0; READ_OCTETS];
        loop {
            match port.read(&mut octets) {
                Ok(number @ 1..) => {
                    let octets = octets.get(..number).unwrap_or_default();
                    self.line.record(Direction::Received, octets);
                    self.tell(Event::Octets(octets.to_vec()))?;
                }
                Err(error) if is_pause(&error) => {
                    if self.events.is_closed() {
                        return Err(Unwanted);
                    }
                    if self.line.broken.load(Ordering::Relaxed) {
                        return Ok(Trouble::Unplugged);
                    }
                }
                Ok(0) | Err(_) => return Ok(Trouble::Unplugged),
            }
        }
    }

    fn tell(&self, event: Event) -> Result<(), Unwanted> {
        self.events.blocking_send(event).map_err(|_| Unwanted)
    }
}

#[cfg(test)]
pub(crate) mod tests;
