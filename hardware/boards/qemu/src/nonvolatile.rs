//! The last page of the PSRAM: what a real chip keeps in backup registers or makes in hardware.
//!
//! ```text
//! 0x21FFF000  number of starts, u32
//! 0x21FFF020  32 octets of entropy left by whoever starts the emulator; all zero when there are none
//! ```

use crate::register::Register;

const BOOTS: Register = Register::at(0x21FF_F000);
const ENTROPY: [Register; 8] = [
    Register::at(0x21FF_F020),
    Register::at(0x21FF_F024),
    Register::at(0x21FF_F028),
    Register::at(0x21FF_F02C),
    Register::at(0x21FF_F030),
    Register::at(0x21FF_F034),
    Register::at(0x21FF_F038),
    Register::at(0x21FF_F03C),
];

/// Counts this start and says which it is, from 1.
pub(crate) fn count_boot() -> u32 {
    let boot = BOOTS.read().wrapping_add(1);
    BOOTS.write(boot);
    boot
}

/// Takes the entropy out, so that a reset does not find it again.
pub(crate) fn take_entropy() -> Option<[u8; 32]> {
    let mut entropy = [0; 32];
    for (octets, word) in entropy.chunks_exact_mut(4).zip(ENTROPY) {
        octets.copy_from_slice(&word.read().to_le_bytes());
        word.write(0);
    }
    (entropy != [0; 32]).then_some(entropy)
}
