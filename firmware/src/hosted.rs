//! Firmware on a thread of an ordinary computer, with a power switch: for the demonstration and for tests.

use std::boxed::Box;
use std::io;
use std::string::ToString;
use std::thread::JoinHandle;

use embedded_io_adapters::tokio_1::FromTokio;
use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::time::Instant;
use fanal_radio::Radio;
use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::{handheld, modem};

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

/// Switches on a modem. `boot` must be another number each time; all jitter follows from `seed`.
///
/// # Errors
/// Those of starting a thread.
pub fn power_modem(
    radio: impl Radio + Send + 'static,
    line: impl AsyncRead + AsyncWrite + Send + 'static,
    boot: u32,
    seed: u64,
) -> io::Result<Powered> {
    power("modem", move || async move {
        let (rx, tx) = split(line);
        let clock = HostClock::start();
        modem::run(radio, FromTokio::new(rx), FromTokio::new(tx), &clock, boot, seed).await;
    })
}

/// Switches on a handheld. All jitter follows from `seed`; `entropy` is what its keys are made of.
///
/// # Errors
/// Those of starting a thread.
pub fn power_handheld(
    name: &str,
    radio: impl Radio + Send + 'static,
    line: impl AsyncRead + AsyncWrite + Send + 'static,
    flash: impl NorFlash + Send + 'static,
    seed: u64,
    entropy: [u8; 32],
) -> io::Result<Powered> {
    power(name, move || async move {
        let (rx, tx) = split(line);
        let (rx, tx) = (FromTokio::new(rx), FromTokio::new(tx));
        let clock = HostClock::start();
        handheld::run(radio, rx, tx, &clock, flash, seed, Some(entropy)).await;
    })
}

/// Runs firmware on a thread of its own until it ends or its power is cut.
fn power<F, Work>(name: &str, firmware: F) -> io::Result<Powered>
where
    F: FnOnce() -> Work + Send + 'static,
    Work: Future<Output = ()>,
{
    let (cut, power_is_cut) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name(name.to_string()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = Box::pin(firmware()) => {}
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
