//! Nodes with power switches: firmware that runs on this machine as a thread, or in an emulator as on a board.

use std::io;
use std::path::{Path, PathBuf};

use fanal_ether::cable::Cable;
use fanal_ether::channel::Position;
use fanal_ether::flash::FileFlash;
use fanal_ether::live::Air;
use fanal_ether::qemu::{Emulator, Machine};
use fanal_firmware::hosted;
use tokio::io::{AsyncRead, AsyncWrite, duplex};
use tokio::net::UnixStream;

use super::Firmware;

/// Flash of a handheld, pages of 4 KiB.
const FLASH_PAGES: usize = 64;
/// Octets that a serial line between threads holds.
const LINE: usize = 4096;

/// A text interface's serial line.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Where nodes are made, and the air between them.
pub(super) struct Workshop {
    pub(super) air: Air,
    pub(super) firmware: Firmware,
    pub(super) folder: PathBuf,
    /// The folder of the emulator's images.
    pub(super) images: PathBuf,
    pub(super) seed: u64,
}

/// A node under power. Dropping it cuts the power, in the middle of whatever the node does.
pub(super) enum Powered {
    Thread { _thread: hosted::Powered },
    Emulator { _emulator: Emulator },
    Machine { _machine: Machine },
}

impl Workshop {
    /// Switches on a modem whose serial port appears at `port`.
    ///
    /// # Errors
    /// What the modem needs cannot be had.
    pub(super) fn modem(&self, port: &Path) -> io::Result<Powered> {
        const NAME: &str = "modem";
        let place = Position::new(0.0, 0.0);
        if self.firmware == Firmware::Qemu {
            let flash = self.flash(NAME);
            let (machine, air) = Machine::start(&self.images.join("qemu-modem"), &flash, port)?;
            self.serve(NAME, place, air);
            return Ok(Powered::Machine { _machine: machine });
        }
        let (radio, boot) = (self.air.station(NAME, place), getrandom::u32()?);
        let _thread = hosted::power_modem(radio, Cable::plug(port)?, boot, self.seed)?;
        Ok(Powered::Thread { _thread })
    }

    /// Switches on a handheld; returns its text interface too.
    ///
    /// # Errors
    /// What the handheld needs cannot be had.
    pub(super) fn handheld(&self, name: &str, place: Position) -> io::Result<(Powered, Box<dyn Line>)> {
        let flash = self.flash(name);
        if self.firmware == Firmware::Qemu {
            let mut emulator = Emulator::new(&self.images.join("qemu-handheld"), &flash);
            let lines = emulator.start()?;
            self.serve(name, place, lines.air);
            return Ok((Powered::Emulator { _emulator: emulator }, Box::new(lines.host)));
        }
        let flash = FileFlash::open(&flash, FLASH_PAGES)?;
        let (near, far) = duplex(LINE);
        let radio = self.air.station(name, place);
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        let seed = self.seed ^ name.bytes().fold(0, |seed, octet| seed << 8 | u64::from(octet));
        let _thread = hosted::power_handheld(name, radio, far, flash, seed, entropy)?;
        Ok((Powered::Thread { _thread }, Box::new(near)))
    }

    fn flash(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.flash"))
    }

    fn serve(&self, name: &str, place: Position, line: UnixStream) {
        let (air, name) = (self.air.clone(), name.to_owned());
        tokio::spawn(async move {
            // The line ends with the emulator's power.
            let (input, output) = line.into_split();
            let _ = air.serve(&name, place, input, output).await;
        });
    }
}
