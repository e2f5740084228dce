//! A serial line with two buffers, so that a slow or absent other side never holds up the radio.
//!
//! [`Serial::serve`] moves octets between the line and the buffers and runs beside the pump. The line's own
//! futures are therefore never dropped halfway, whatever they promise.

use core::convert::Infallible;

use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::pipe::Pipe;
use embassy_sync::signal::Signal;
use embedded_io_async::{Read, Write};
use fanal_protocol::time::Duration;

use crate::clock::Clock;

/// Octets that wait in either direction.
const BUFFER: usize = 512;
/// Octets moved at a time.
const CHUNK: usize = 64;
/// How long a line that fails, or is unplugged, is left alone.
const RETRY: Duration = Duration::from_millis(100);

/// The program's side of a serial line.
pub struct Serial {
    input: Pipe<NoopRawMutex, BUFFER>,
    output: Pipe<NoopRawMutex, BUFFER>,
    drained: Signal<NoopRawMutex, ()>,
}

impl Serial {
    /// A line with nothing on it.
    pub const fn new() -> Self {
        Self { input: Pipe::new(), output: Pipe::new(), drained: Signal::new() }
    }

    /// Waits until octets have come in, and copies them to the start of `into`, or until there is more room for
    /// octets to go out; then the answer is 0.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future takes no octets.
    pub async fn turn(&self, into: &mut [u8]) -> usize {
        match select(self.input.read(into), self.drained.wait()).await {
            Either::First(n) => n,
            Either::Second(()) => 0,
        }
    }

    /// How many octets may be written now.
    pub fn room(&self) -> usize {
        self.output.free_capacity()
    }

    /// Writes octets; those beyond [`room`](Self::room) are dropped.
    pub fn write(&self, mut octets: &[u8]) {
        // A pipe takes what fits up to its end, then the rest from its beginning.
        while let Ok(n) = self.output.try_write(octets)
            && n > 0
        {
            octets = octets.get(n..).unwrap_or_default();
        }
    }

    /// Moves octets between the buffers and the line, for ever.
    pub async fn serve(&self, line_in: impl Read, line_out: impl Write, clock: &impl Clock) -> Infallible {
        let (never, _) = join(self.serve_input(line_in, clock), self.serve_output(line_out, clock)).await;
        never
    }

    async fn serve_input(&self, mut line: impl Read, clock: &impl Clock) -> Infallible {
        let mut chunk = [0; CHUNK];
        loop {
            match line.read(&mut chunk).await {
                Ok(n) if n > 0 => self.input.write_all(chunk.get(..n).unwrap_or(&chunk)).await,
                _ => clock.sleep_until(clock.now() + RETRY).await,
            }
        }
    }

    async fn serve_output(&self, mut line: impl Write, clock: &impl Clock) -> Infallible {
        let mut chunk = [0; CHUNK];
        loop {
            let n = self.output.read(&mut chunk).await;
            self.drained.signal(());
            if line.write_all(chunk.get(..n).unwrap_or(&chunk)).await.is_err() || line.flush().await.is_err()
            {
                clock.sleep_until(clock.now() + RETRY).await;
            }
        }
    }
}

impl Default for Serial {
    fn default() -> Self {
        Self::new()
    }
}
