//! The interrupt vectors of DAI 0386, table 3-3 (as QEMU's `hw/arm/mps2.c` wires them).

use crate::register::Register;
use crate::{clock, uart};

/// One entry of the vector table.
#[derive(Clone, Copy)]
#[repr(C)]
union Vector {
    handler: unsafe extern "C" fn(),
    reserved: u32,
}

// SAFETY: entries are plain words that nothing writes after the link.
unsafe impl Sync for Vector {}

unsafe extern "C" {
    /// cortex-m-rt's handler for interrupts without one.
    fn DefaultHandler();
}

const UNUSED: Vector = Vector { handler: DefaultHandler };
const UART0_RECEIVE: usize = 0;
const UART0_TRANSMIT: usize = 1;
const UART1_RECEIVE: usize = 2;
const UART1_TRANSMIT: usize = 3;
const TIMER0: usize = 8;
const TIMER1: usize = 9;

/// The name and place that cortex-m-rt's `link.x` expects.
// SAFETY: cortex-m-rt 0.7 asks devices for this symbol in this section, an array of handler addresses.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
#[used]
static __INTERRUPTS: [Vector; 32] = {
    let mut table = [UNUSED; 32];
    table[UART0_RECEIVE] = Vector { handler: host_received };
    table[UART0_TRANSMIT] = Vector { handler: host_transmitted };
    table[UART1_RECEIVE] = Vector { handler: air_received };
    table[UART1_TRANSMIT] = Vector { handler: air_transmitted };
    table[TIMER0] = Vector { handler: alarm };
    table[TIMER1] = Vector { handler: wrapped };
    table
};

unsafe extern "C" fn host_received() {
    uart::HOST.on_received();
}

unsafe extern "C" fn host_transmitted() {
    uart::HOST.on_transmitted();
}

unsafe extern "C" fn air_received() {
    uart::AIR.on_received();
}

unsafe extern "C" fn air_transmitted() {
    uart::AIR.on_transmitted();
}

unsafe extern "C" fn alarm() {
    clock::on_alarm();
}

unsafe extern "C" fn wrapped() {
    clock::on_wrap();
}

/// Lets the interrupts with a handler through (NVIC_ISER0).
pub(crate) fn enable() {
    let used = [UART0_RECEIVE, UART0_TRANSMIT, UART1_RECEIVE, UART1_TRANSMIT, TIMER0, TIMER1];
    Register::at(0xE000_E100).write(used.iter().fold(0, |bits, irq| bits | 1 << irq));
}
