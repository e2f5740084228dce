//! Firmware on threads of this machine, each with a power switch.

use std::path::Path;
use std::thread::JoinHandle;

use embedded_io_adapters::tokio_1::FromTokio;
use fanal_ether::flash::FileFlash;
use fanal_ether::live::LiveRadio;
use fanal_firmware::clock::Clock;
use fanal_protocol::time::Instant;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::oneshot;

/// Flash of a handheld, pages of 4 KiB.
const FLASH_PAGES: usize = 64;
/// Octets that a serial line between threads holds.
const LINE: usize = 4096;

/// A node under power. Dropping it cuts the power, in the middle of whatever the node does.
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

/// Switches on a modem; returns its serial line, too. `boot` must be another number each time.
pub fn modem(radio: LiveRadio, boot: u32, seed: u64) -> (Powered, DuplexStream) {
    let (near, far) = duplex(LINE);
    let powered = power("modem", move || async move {
        let (rx, tx) = tokio::io::split(far);
        let (rx, tx) = (FromTokio::new(rx), FromTokio::new(tx));
        fanal_firmware::modem::run(radio, rx, tx, &HostClock::start(), boot, seed).await;
    });
    (powered, near)
}

/// Switches on a handheld with the flash in the file at `flash`; returns its text interface, too.
pub fn handheld(name: &str, radio: LiveRadio, flash: &Path, seed: u64) -> (Powered, DuplexStream) {
    let flash = FileFlash::open(flash, FLASH_PAGES).unwrap();
    let (near, far) = duplex(LINE);
    let mut entropy = [0; 32];
    for (octets, word) in entropy.chunks_mut(8).zip(0u64..) {
        octets.copy_from_slice(&fanal_protocol::rand::Jitter::new(seed ^ word).next_u64().to_le_bytes());
    }
    let powered = power(name, move || async move {
        let (rx, tx) = tokio::io::split(far);
        let (rx, tx) = (FromTokio::new(rx), FromTokio::new(tx));
        let clock = HostClock::start();
        fanal_firmware::handheld::run(radio, rx, tx, &clock, flash, seed, Some(entropy)).await;
    });
    (powered, near)
}

/// Runs firmware on a thread of its own until it ends or its power is cut.
fn power<F, Work>(name: &str, firmware: F) -> Powered
where
    F: FnOnce() -> Work + Send + 'static,
    Work: Future<Output = ()>,
{
    let (cut, power_is_cut) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = firmware() => {}
                _ = power_is_cut => {}
            }
        });
    });
    Powered { cut: Some(cut), thread: Some(thread.unwrap()) }
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
