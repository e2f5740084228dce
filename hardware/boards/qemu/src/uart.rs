//! The two serial ports (CMSDK APB UART, DDI 0479 section 4.3).
//!
//! Received octets wait in a pipe. When it is full the octet in the data register stays there, which makes the
//! emulator hold back the rest: nothing is lost however late the program reads.

use core::convert::Infallible;
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::pipe::Pipe;
use embassy_sync::waitqueue::AtomicWaker;
use embedded_io_async::{ErrorType, Read, Write};

use crate::register::Register;

/// Towards the host.
pub(crate) static HOST: Port = Port::new(0x4000_4000, &HOST_RECEIVED);
/// Towards the simulated air.
pub(crate) static AIR: Port = Port::new(0x4000_5000, &AIR_RECEIVED);

/// STATE: the transmit buffer is full; the receive buffer is full.
const TX_FULL: u32 = 1 << 0;
const RX_FULL: u32 = 1 << 1;
/// CTRL: both directions on, interrupt on reception.
const CONTROL: u32 = 0b1011;
/// CTRL: interrupt when the transmit buffer has become empty.
const TX_INTERRUPT: u32 = 0b0100;
/// INTSTATUS/INTCLEAR.
const TX_PENDING: u32 = 1 << 0;
const RX_PENDING: u32 = 1 << 1;
/// QEMU ignores a UART whose divider is below 16, the least that DDI 0479 allows.
const DIVIDER: u32 = 16;
/// Octets that wait for the program, per port: one frame of a modem packet stream several times over.
const RECEIVE_BUFFER: usize = 2048;

type Received = Pipe<CriticalSectionRawMutex, RECEIVE_BUFFER>;

// Apart from the ports, so that they are zeroed at start instead of copied from flash.
static HOST_RECEIVED: Received = Pipe::new();
static AIR_RECEIVED: Received = Pipe::new();

pub(crate) struct Port {
    data: Register,
    state: Register,
    control: Register,
    pending: Register,
    divider: Register,
    received: &'static Received,
    transmitted: AtomicWaker,
}

impl Port {
    const fn new(base: usize, received: &'static Received) -> Self {
        Self {
            data: Register::at(base),
            state: Register::at(base + 0x04),
            control: Register::at(base + 0x08),
            pending: Register::at(base + 0x0C),
            divider: Register::at(base + 0x10),
            received,
            transmitted: AtomicWaker::new(),
        }
    }

    pub(crate) fn start(&'static self) -> (Receiver, Transmitter) {
        self.divider.write(DIVIDER);
        self.control.write(CONTROL);
        // A client that connected before reception was on was told to wait; reading DATA once makes QEMU ask it
        // again, else its first octets never come. An octet may have come just before that. A zero says that none
        // has; as the first octet of all it would mean nothing on either line.
        let octet = self.data.read() as u8;
        if octet != 0 {
            let _ = self.received.try_write(&[octet]);
        }
        (Receiver(self), Transmitter(self))
    }

    pub(crate) fn on_received(&self) {
        self.pending.write(RX_PENDING);
        self.take_received();
    }

    pub(crate) fn on_transmitted(&self) {
        self.pending.write(TX_PENDING);
        self.control.write(CONTROL);
        self.transmitted.wake();
    }

    /// Moves octets from the data register into the pipe while there is room.
    fn take_received(&self) {
        critical_section::with(|_| {
            while !self.received.is_full() && self.state.read() & RX_FULL != 0 {
                let octet = self.data.read() as u8;
                // There is room: this is the only writer, and interrupts are off.
                let _ = self.received.try_write(&[octet]);
            }
        });
    }

    /// Puts one octet into the transmit buffer, if it is empty.
    fn put(&self, octet: u8) -> bool {
        critical_section::with(|_| {
            let room = self.state.read() & TX_FULL == 0;
            if room {
                self.data.write(u32::from(octet));
            }
            room
        })
    }
}

/// The receiving half of a serial port.
pub struct Receiver(&'static Port);

impl ErrorType for Receiver {
    type Error = Infallible;
}

impl Read for Receiver {
    /// Waits for at least one octet.
    ///
    /// # Cancel safety
    /// A dropped future takes no octet.
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        let n = self.0.received.read(buf).await;
        // One may be waiting in the data register since the pipe was full; its interrupt has passed.
        self.0.take_received();
        Ok(n)
    }
}

/// The transmitting half of a serial port.
pub struct Transmitter(&'static Port);

impl ErrorType for Transmitter {
    type Error = Infallible;
}

impl Write for Transmitter {
    /// Waits until the first octet is taken, then hands over as many as fit at once.
    ///
    /// # Cancel safety
    /// A dropped future has written nothing.
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        let Some((&first, rest)) = buf.split_first() else { return Ok(0) };
        let port = self.0;
        poll_fn(|context| {
            if port.put(first) {
                return Poll::Ready(());
            }
            port.transmitted.register(context.waker());
            port.control.write(CONTROL | TX_INTERRUPT);
            // It may have emptied before the interrupt was on.
            if port.put(first) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(1 + rest.iter().take_while(|&&octet| port.put(octet)).count())
    }

    /// Octets leave as they are written.
    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
