//! Firmware on threads of this machine, each with a power switch.

use std::path::Path;

use fanal_ether::flash::FileFlash;
use fanal_ether::live::LiveRadio;
pub use fanal_firmware::hosted::Powered;
use fanal_firmware::hosted::{power_handheld, power_modem};
use fanal_protocol::rand::Jitter;
use tokio::io::{DuplexStream, duplex};

/// Flash of a handheld, pages of 4 KiB.
const FLASH_PAGES: usize = 64;
/// Octets that a serial line between threads holds.
const LINE: usize = 4096;

/// Switches on a modem; returns its serial line, too. `boot` must be another number each time.
pub fn modem(radio: LiveRadio, boot: u32, seed: u64) -> (Powered, DuplexStream) {
    let (near, far) = duplex(LINE);
    (power_modem(radio, far, boot, seed).unwrap(), near)
}

/// Switches on a handheld with the flash in the file at `flash`; returns its text interface, too.
pub fn handheld(name: &str, radio: LiveRadio, flash: &Path, seed: u64) -> (Powered, DuplexStream) {
    let flash = FileFlash::open(flash, FLASH_PAGES).unwrap();
    let (near, far) = duplex(LINE);
    let mut entropy = [0; 32];
    for (octets, word) in entropy.chunks_mut(8).zip(0u64..) {
        octets.copy_from_slice(&Jitter::new(seed ^ word).next_u64().to_le_bytes());
    }
    (power_handheld(name, radio, far, flash, seed, entropy).unwrap(), near)
}
