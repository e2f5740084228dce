//! Time for `embassy-time`: microseconds since start (CMSDK APB timers, DDI 0479 section 4.1).
//!
//! Timer 1 counts 25 MHz cycles down for ever; its wraps, one every 171.8 s, are counted in software. Timer 0 is
//! the alarm.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

use crate::register::Register;

/// The board's clock, DAI 0386 section 3.6.
const CYCLES_PER_MICROSECOND: u64 = 25;
/// CTRL: on, with interrupt.
const RUN: u32 = 0b1001;
/// The longest alarm; a later one is re-armed on the way.
const LONGEST_ALARM: u64 = 0xF000_0000;

struct Timer {
    control: Register,
    value: Register,
    reload: Register,
    pending: Register,
}

impl Timer {
    const fn new(base: usize) -> Self {
        Self {
            control: Register::at(base),
            value: Register::at(base + 0x04),
            reload: Register::at(base + 0x08),
            pending: Register::at(base + 0x0C),
        }
    }

    fn run(&self, cycles: u32) {
        self.reload.write(cycles);
        self.value.write(cycles);
        self.control.write(RUN);
    }

    fn stop(&self) {
        self.control.write(0);
        self.pending.write(1);
    }
}

static ALARM: Timer = Timer::new(0x4000_0000);
static COUNTER: Timer = Timer::new(0x4000_1000);
static WRAPS: AtomicU32 = AtomicU32::new(0);

struct Clock {
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock { queue: Mutex::new(RefCell::new(Queue::new())) });

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|_| {
            let mut wraps = u64::from(WRAPS.load(Ordering::Relaxed));
            let mut value = COUNTER.value.read();
            if COUNTER.pending.read() & 1 != 0 {
                // Wrapped, and the interrupt has not run yet; the value may be from before it.
                wraps += 1;
                value = COUNTER.value.read();
            }
            ((wraps << 32) | u64::from(u32::MAX - value)) / CYCLES_PER_MICROSECOND
        })
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            if self.queue.borrow(cs).borrow_mut().schedule_wake(at, waker) {
                self.wake_expired(cs);
            }
        });
    }
}

impl Clock {
    /// Wakes whatever is due and arms the alarm for the next.
    fn wake_expired(&self, cs: CriticalSection<'_>) {
        let mut queue = self.queue.borrow(cs).borrow_mut();
        loop {
            let next = queue.next_expiration(self.now());
            if self.arm(next) {
                break;
            }
        }
    }

    /// Sets the alarm for `at` (`u64::MAX`: none); false when that has passed already.
    fn arm(&self, at: u64) -> bool {
        ALARM.stop();
        if at == u64::MAX {
            return true;
        }
        let Some(left) = at.checked_sub(self.now()).filter(|left| *left > 0) else { return false };
        let cycles = left.saturating_mul(CYCLES_PER_MICROSECOND).min(LONGEST_ALARM);
        ALARM.run(cycles as u32);
        true
    }
}

pub(crate) fn start() {
    COUNTER.run(u32::MAX);
}

pub(crate) fn on_alarm() {
    critical_section::with(|cs| CLOCK.wake_expired(cs));
}

pub(crate) fn on_wrap() {
    critical_section::with(|_| {
        COUNTER.pending.write(1);
        WRAPS.store(WRAPS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    });
}
