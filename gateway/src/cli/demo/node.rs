//! Nodes with power switches: firmware that runs on this machine as a thread, or in an emulator as on a board.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use embedded_io_adapters::tokio_1::FromTokio;
use fanal_ether::cable::Cable;
use fanal_ether::channel::Position;
use fanal_ether::flash::FileFlash;
use fanal_ether::live::{Air, LiveRadio};
use fanal_ether::qemu::{Emulator, Machine};
use fanal_firmware::clock::Clock;
use fanal_protocol::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, duplex};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::Firmware;

/// Flash of a handheld, pages of 4 KiB.
const FLASH_PAGES: usize = 64;
/// Octets that a serial line between threads holds.
const LINE: usize = 4096;

/// A text interface's serial line.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Where nodes are made, and the air between them.
pub(super) struct Workshop {
    pub(super) air: Air,
    pub(super) firmware: Firmware,
    pub(super) folder: PathBuf,
    /// The folder of the emulator's images.
    pub(super) images: PathBuf,
    pub(super) seed: u64,
}

/// A node under power. Dropping it cuts the power, in the middle of whatever the node does.
pub(super) enum Powered {
    Thread { cut: Option<oneshot::Sender<()>>, thread: Option<JoinHandle<()>> },
    Emulator { _emulator: Emulator },
    Machine { _machine: Machine },
}

impl Drop for Powered {
    fn drop(&mut self) {
        let Self::Thread { cut, thread } = self else { return };
        drop(cut.take());
        if let Some(thread) = thread.take() {
            // A thread that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

impl Workshop {
    /// Switches on a modem whose serial port appears at `port`.
    ///
    /// # Errors
    /// What the modem needs cannot be had.
    pub(super) fn modem(&self, port: &Path) -> io::Result<Powered> {
        const NAME: &str = "modem";
        let place = Position::new(0.0, 0.0);
        if self.firmware == Firmware::Qemu {
            let flash = self.flash(NAME);
            let (machine, air) = Machine::start(&self.images.join("qemu-modem"), &flash, port)?;
            self.serve(NAME, place, air);
            return Ok(Powered::Machine { _machine: machine });
        }
        let (radio, port, seed) = (self.air.station(NAME, place), PathBuf::from(port), self.seed);
        let boot = getrandom::u32()?;
        power(NAME, move || modem(radio, port, boot, seed))
    }

    /// Switches on a handheld; returns its text interface too.
    ///
    /// # Errors
    /// What the handheld needs cannot be had.
    pub(super) fn handheld(&self, name: &str, place: Position) -> io::Result<(Powered, Box<dyn Line>)> {
        let flash = self.flash(name);
        if self.firmware == Firmware::Qemu {
            let mut emulator = Emulator::new(&self.images.join("qemu-handheld"), &flash);
            let lines = emulator.start()?;
            self.serve(name, place, lines.air);
            return Ok((Powered::Emulator { _emulator: emulator }, Box::new(lines.host)));
        }
        let flash = FileFlash::open(&flash, FLASH_PAGES)?;
        let (near, far) = duplex(LINE);
        let radio = self.air.station(name, place);
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        let seed = self.seed ^ name.bytes().fold(0, |seed, octet| seed << 8 | u64::from(octet));
        let powered = power(name, move || async move {
            let (rx, tx) = tokio::io::split(far);
            let (rx, tx) = (FromTokio::new(rx), FromTokio::new(tx));
            let clock = HostClock::start();
            fanal_firmware::handheld::run(radio, rx, tx, &clock, flash, seed, Some(entropy)).await;
            Ok(())
        })?;
        Ok((powered, Box::new(near)))
    }

    fn flash(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.flash"))
    }

    fn serve(&self, name: &str, place: Position, line: UnixStream) {
        let (air, name) = (self.air.clone(), name.to_owned());
        tokio::spawn(async move {
            // The line ends with the emulator's power.
            let (input, output) = line.into_split();
            let _ = air.serve(&name, place, input, output).await;
        });
    }
}

async fn modem(radio: LiveRadio, port: PathBuf, boot: u32, seed: u64) -> io::Result<()> {
    let (rx, tx) = tokio::io::split(Cable::plug(&port)?);
    let (rx, tx) = (FromTokio::new(rx), FromTokio::new(tx));
    fanal_firmware::modem::run(radio, rx, tx, &HostClock::start(), boot, seed).await;
    Ok(())
}

/// Runs firmware on a thread of its own until it ends or its power is cut.
fn power<F, Work>(name: &str, firmware: F) -> io::Result<Powered>
where
    F: FnOnce() -> Work + Send + 'static,
    Work: Future<Output = io::Result<()>>,
{
    let (cut, power_is_cut) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                ended = firmware() => if let Err(error) = ended {
                    tracing::error!(%error, "a simulated node has stopped");
                },
                _ = power_is_cut => {}
            }
        });
    })?;
    Ok(Powered::Thread { cut: Some(cut), thread: Some(thread) })
}

/// Time since the power came.
struct HostClock(tokio::time::Instant);

impl HostClock {
    fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for HostClock {
    fn now(&self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }

    async fn sleep_until(&self, at: Instant) {
        tokio::time::sleep_until(self.0 + at.saturating_since(Instant::ZERO)).await;
    }
}
