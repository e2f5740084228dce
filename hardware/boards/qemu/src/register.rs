//! One word of a peripheral.

/// A 32-bit register at a fixed address.
#[derive(Clone, Copy)]
pub(crate) struct Register(usize);

impl Register {
    /// The register at `address`, which must be word-aligned and one of this board's.
    pub(crate) const fn at(address: usize) -> Self {
        assert!(address.is_multiple_of(4));
        Self(address)
    }

    pub(crate) fn read(self) -> u32 {
        // SAFETY: every address in this package is a constant of the board's memory map (DAI 0386) and
        // aligned (checked in `at`); device registers and PSRAM are never Rust objects.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    pub(crate) fn write(self, value: u32) {
        // SAFETY: as for `read`.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}
