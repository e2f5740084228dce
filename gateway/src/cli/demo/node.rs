//! Firmware that runs on this machine as if it were a board: a thread, a radio in the simulated air, a serial line.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use embedded_io_adapters::tokio_1::FromTokio;
use fanal_ether::cable::Cable;
use fanal_ether::flash::FileFlash;
use fanal_ether::live::LiveRadio;
use fanal_firmware::clock::Clock;
use fanal_protocol::time::Instant;
use tokio::io::DuplexStream;
use tokio::sync::oneshot;

/// Flash of a handheld, pages of 4 KiB.
const FLASH_PAGES: usize = 64;

/// Firmware under way. Dropping it cuts its power, in the middle of whatever it does.
pub struct Powered {
    cut: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Powered {
    fn drop(&mut self) {
        drop(self.cut.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

/// Starts a modem whose serial port appears at `port`.
///
/// # Errors
/// No thread, or no pseudo-terminal, can be had.
pub fn modem(radio: LiveRadio, port: &Path, boot: u32, seed: u64) -> io::Result<Powered> {
    let port = PathBuf::from(port);
    power("modem", move || async move {
        let cable = Cable::plug(&port)?;
        let (rx, tx) = tokio::io::split(cable);
        fanal_firmware::modem::run(radio, FromTokio::new(rx), FromTokio::new(tx), &HostClock::start(), boot, seed).await;
        Ok(())
    })
}

/// Starts a handheld whose flash is the file at `flash` and whose text interface is `serial`.
///
/// # Errors
/// No thread can be had, or the flash file cannot be opened.
pub fn handheld(
    name: &str,
    radio: LiveRadio,
    serial: DuplexStream,
    flash: &Path,
    seed: u64,
    entropy: [u8; 32],
) -> io::Result<Powered> {
    let flash = FileFlash::open(flash, FLASH_PAGES)?;
    power(name, move || async move {
        let (rx, tx) = tokio::io::split(serial);
        let (rx, tx) = (FromTokio::new(rx), FromTokio::new(tx));
        fanal_firmware::handheld::run(radio, rx, tx, &HostClock::start(), flash, seed, Some(entropy)).await;
        Ok(())
    })
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
                result = firmware() => if let Err(error) = result { eprintln!("{error}") },
                _ = power_is_cut => {}
            }
        });
    })?;
    Ok(Powered { cut: Some(cut), thread: Some(thread) })
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
