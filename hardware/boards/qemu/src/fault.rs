//! What happens when the program cannot go on: it starts again. Everything accepted is in flash.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    crate::reset()
}

// SAFETY: the handler returns nowhere, so the state it interrupts need not be sound.
#[exception]
unsafe fn HardFault(_frame: &ExceptionFrame) -> ! {
    crate::reset()
}
