//! What the tests of the roles run on: simulated time, serial lines in memory, somebody at the keyboard.

use core::convert::Infallible;
use std::string::String;
use std::vec::Vec;

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::pipe::Pipe;
use embedded_io_async::{ErrorType, Read, Write};
use fanal_protocol::time::Instant;

use crate::clock::Clock;

/// Tokio's clock, which tests pause: it then jumps to the next deadline whenever everybody waits.
pub(crate) struct SimulatedClock(tokio::time::Instant);

impl SimulatedClock {
    pub(crate) fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.elapsed().as_micros() as u64)
    }

    async fn sleep_until(&self, at: Instant) {
        tokio::time::sleep(at.saturating_since(self.now())).await;
    }
}

type Octets = Pipe<NoopRawMutex, 4096>;

/// A serial line.
pub(crate) struct Line {
    to_device: Octets,
    from_device: Octets,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Self { to_device: Pipe::new(), from_device: Pipe::new() }
    }

    /// The device's ends.
    pub(crate) fn device(&self) -> (End<'_>, End<'_>) {
        (End(&self.to_device), End(&self.from_device))
    }

    pub(crate) async fn send(&self, octets: &[u8]) {
        self.to_device.write_all(octets).await;
    }

    pub(crate) async fn receive(&self, into: &mut [u8]) -> usize {
        self.from_device.read(into).await
    }

    /// The next line that the device shows.
    pub(crate) async fn next_line(&self) -> String {
        let mut line = Vec::new();
        let mut octet = [0];
        while octet != *b"\n" {
            self.receive(&mut octet).await;
            line.push(octet[0]);
        }
        String::from_utf8(line).unwrap().trim_end().into()
    }

    /// Lines up to the first that begins like this.
    pub(crate) async fn sees(&self, beginning: &str) -> String {
        loop {
            let line = self.next_line().await;
            if line.starts_with(beginning) {
                return line;
            }
        }
    }
}

pub(crate) struct End<'a>(&'a Octets);

impl ErrorType for End<'_> {
    type Error = Infallible;
}

impl Read for End<'_> {
    async fn read(&mut self, into: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.0.read(into).await)
    }
}

impl Write for End<'_> {
    async fn write(&mut self, octets: &[u8]) -> Result<usize, Infallible> {
        Ok(self.0.write(octets).await)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Runs `script` while `device` runs; the device must not end first. An hour of simulated time is enough for
/// everything.
pub(crate) async fn with<T>(device: impl Future<Output = ()>, script: impl Future<Output = T>) -> T {
    let patience = core::time::Duration::from_secs(3_600);
    match select(device, tokio::time::timeout(patience, script)).await {
        Either::First(()) => panic!("the device has ended"),
        Either::Second(result) => result.expect("an answer within an hour"),
    }
}
