//! QEMU's `mps2-an386` (Arm application note 386: Cortex-M4F at 25 MHz, CMSDK peripherals) as a board.
//!
//! Two serial ports, microsecond time for `embassy-time`, an executor that sleeps while idle, flash that
//! outlives the emulator, and a reset. A program calls [`init`] once and hands its tasks to [`run`].
//!
//! Sources: Arm DAI 0386 (memory map, interrupts), Arm DDI 0479 (CMSDK timer and UART), and for what the
//! emulation does beyond them QEMU 7.2, `hw/char/cmsdk-apb-uart.c`.
#![no_std]
#![cfg(target_os = "none")]

mod clock;
mod executor;
mod fault;
mod flash;
mod nonvolatile;
mod register;
mod uart;
mod vectors;

use core::sync::atomic::{AtomicBool, Ordering};

pub use executor::run;
pub use flash::{Error as FlashError, Flash};
pub use uart::{Receiver, Transmitter};

/// Everything a program may use, each thing once.
pub struct Board {
    /// UART0, towards the host: octets in.
    pub host_in: Receiver,
    /// UART0, towards the host: octets out.
    pub host_out: Transmitter,
    /// UART1, towards the simulated air: octets in.
    pub air_in: Receiver,
    /// UART1, towards the simulated air: octets out.
    pub air_out: Transmitter,
    /// NOR flash, persistent when the emulator maps the PSRAM to a file.
    pub flash: Flash,
    /// How many times this board has started, counted in its nonvolatile memory; differs from start to start.
    pub boot: u32,
    /// Thirty-two octets fit for making keys, where a chip has a true random number generator. `None` unless
    /// whoever started the emulator has left some (see the README); never the same twice.
    pub entropy: Option<[u8; 32]>,
}

/// Starts the clock, the serial ports and the interrupts.
///
/// # Panics
/// When called a second time: its parts exist once.
pub fn init() -> Board {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    assert!(!TAKEN.swap(true, Ordering::Relaxed), "the board is taken once");

    let boot = nonvolatile::count_boot();
    let entropy = nonvolatile::take_entropy();
    clock::start();
    let (host_in, host_out) = uart::HOST.start();
    let (air_in, air_out) = uart::AIR.start();
    vectors::enable();
    Board { host_in, host_out, air_in, air_out, flash: Flash::new(), boot, entropy }
}

/// Starts the program from its beginning; RAM is lost, flash is kept.
pub fn reset() -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}
