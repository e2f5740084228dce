//! How much flash and memory the firmware takes: its images for the emulated board, built here.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

fn main() {
    let built = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/build"))
        .arg("qemu")
        // Those of the compiler that built this program would confuse the other one.
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .unwrap();
    assert!(built.status.success(), "firmware/build qemu: {}", String::from_utf8_lossy(&built.stderr));
    println!("\nFirmware images, octets (text: flash; data: flash and memory; bss: memory)");
    for line in String::from_utf8_lossy(&built.stdout).lines() {
        // The last column is a path.
        let (figures, image) = line.rsplit_once(['\t', ' ']).unwrap_or((line, ""));
        println!("  {figures}\t{}", image.rsplit('/').next().unwrap_or_default());
    }
}
