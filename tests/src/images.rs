//! Firmware images for emulated boards, built from the sources under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The image of the modem.
pub fn modem() -> PathBuf {
    images().join("qemu-modem")
}

/// The image of the handheld.
pub fn handheld() -> PathBuf {
    images().join("qemu-handheld")
}

/// Builds the images, once per process; when nothing has changed that takes a second.
///
/// # Panics
/// When `firmware/build` fails: what it says is the reason.
fn images() -> &'static Path {
    static IMAGES: OnceLock<PathBuf> = OnceLock::new();
    IMAGES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let built = Command::new(root.join("firmware/build"))
            .arg("qemu")
            // Those of the compiler that built this test would confuse the other one.
            .env_remove("CARGO")
            .env_remove("RUSTC")
            .env_remove("RUSTUP_TOOLCHAIN")
            .output()
            .expect("firmware/build can be run");
        assert!(built.status.success(), "firmware/build qemu: {}", String::from_utf8_lossy(&built.stderr));
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        target.join("firmware/thumbv7em-none-eabihf/firmware")
    })
}
