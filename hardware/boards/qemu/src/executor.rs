//! An executor that sleeps with WFI.
//!
//! embassy's own sleeps with WFE, which QEMU carries out as "yield": an idle board would keep a core of the host
//! busy.

use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

/// Whether a task was woken since the last turn.
static PENDED: AtomicBool = AtomicBool::new(true);

/// What `embassy-executor` calls to ask for another turn.
// SAFETY: the crate asks for exactly this symbol and signature; the context given to `Executor::new` is unused.
#[unsafe(export_name = "__pender")]
fn pend(_context: *mut ()) {
    PENDED.store(true, Ordering::SeqCst);
}

/// Runs the tasks that `init` spawns, for ever; the core sleeps when none is ready.
///
/// # Panics
/// When called a second time.
pub fn run(init: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    let executor: &'static raw::Executor = EXECUTOR.init(raw::Executor::new(ptr::null_mut()));
    init(executor.spawner());
    loop {
        PENDED.store(false, Ordering::SeqCst);
        // SAFETY: this is the only place that polls, and it does not re-enter itself.
        unsafe { executor.poll() };
        cortex_m::interrupt::disable();
        if !PENDED.load(Ordering::SeqCst) {
            // A pending interrupt ends the sleep even while masked, so none slips in between.
            cortex_m::asm::wfi();
        }
        // SAFETY: no critical section is open here; they were on before `disable`.
        unsafe { cortex_m::interrupt::enable() };
    }
}
