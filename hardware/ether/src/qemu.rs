//! A board that QEMU emulates, as hardware: firmware to run, a flash file that outlives it, two serial lines, a power
//! switch.
//!
//! The emulator gets its lines as connected sockets on its standard input and output: no path to choose, no moment in
//! which octets find nobody. What the board makes of its memory is described in `hardware/boards/qemu`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use tokio::io::copy_bidirectional;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cable::Cable;

/// The program that emulates.
const PROGRAM: &str = "qemu-system-arm";
/// Octets of the flash file: the board's PSRAM.
const FILE: u64 = 16 << 20;
/// Where in the file the board looks for randomness, and how much.
const ENTROPY_AT: u64 = 0x00FF_F020;
const ENTROPY: usize = 32;

/// An emulated board: off, or running its firmware.
///
/// Dropping it switches it off; the flash file stays.
#[derive(Debug)]
pub struct Emulator {
    image: PathBuf,
    flash: PathBuf,
    child: Option<Child>,
}

/// The board's ends of the serial lines of one run. They end when the emulator does.
#[derive(Debug)]
pub struct Lines {
    /// UART0: the modem link, or the handheld's text interface.
    pub host: UnixStream,
    /// UART1: the radio tunnel.
    pub air: UnixStream,
}

impl Emulator {
    /// A board with this firmware and this flash file, switched off. The file is made when it is first needed: an empty
    /// flash.
    pub fn new(image: &Path, flash: &Path) -> Self {
        Self { image: image.into(), flash: flash.into(), child: None }
    }

    /// Switches the board on, or off and on again. It finds its flash as it left it, and new randomness where a chip
    /// has a random number generator.
    ///
    /// # Errors
    /// QEMU is not installed, the image is missing, or the flash file cannot be used.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn start(&mut self) -> io::Result<Lines> {
        self.kill();
        self.prepare_flash()?;
        // QEMU would start without a kernel that it cannot read, and hang.
        File::open(&self.image).map_err(|error| about(&self.image, &error))?;
        let (host, host_end) = line()?;
        let (air, air_end) = line()?;
        let memory =
            format!("memory-backend-file,id=ram0,size=16M,share=on,mem-path={}", escaped(&self.flash)?);
        let mut child = Command::new(PROGRAM)
            .args(["-machine", "mps2-an386,memory-backend=ram0", "-object", &memory])
            .args(["-nodefaults", "-nic", "none", "-display", "none", "-monitor", "none"])
            .args(["-chardev", "socket,id=host,fd=0", "-serial", "chardev:host"])
            .args(["-chardev", "socket,id=air,fd=1", "-serial", "chardev:air"])
            .arg("-kernel")
            .arg(&self.image)
            .stdin(Stdio::from(host_end))
            .stdout(Stdio::from(air_end))
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| about(Path::new(PROGRAM), &error))?;
        if let Some(complaints) = child.stderr.take() {
            std::thread::spawn(move || forward(complaints));
        }
        self.child = Some(child);
        Ok(Lines { host, air })
    }

    /// Cuts the power: the firmware learns nothing of it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether the emulator runs; what goes on inside it is not known.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// The emulator's process, while the board is on.
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn prepare_flash(&self) -> io::Result<()> {
        let open = || -> io::Result<()> {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.flash)?;
            if file.metadata()?.len() != FILE {
                file.set_len(FILE)?;
            }
            let mut entropy = [0; ENTROPY];
            File::open("/dev/urandom")?.read_exact(&mut entropy)?;
            file.write_all_at(&entropy, ENTROPY_AT)
        };
        open().map_err(|error| about(&self.flash, &error))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An emulated board whose UART0 is a serial port of this computer.
pub struct Machine {
    emulator: Emulator,
    port: PathBuf,
    bridge: Option<Bridge>,
}

/// Carries octets between the cable and a run of the emulator.
struct Bridge {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Cable>,
}

impl Machine {
    /// Plugs the cable in at `port` (see [`Cable::plug`]) and switches the board on. Returns its UART1 too.
    ///
    /// # Errors
    /// Those of [`Cable::plug`] and [`Emulator::start`].
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn start(image: &Path, flash: &Path, port: &Path) -> io::Result<(Self, UnixStream)> {
        let mut machine = Self { emulator: Emulator::new(image, flash), port: port.into(), bridge: None };
        let cable = Cable::plug(port)?;
        let air = machine.run(cable)?;
        Ok((machine, air))
    }

    fn run(&mut self, mut cable: Cable) -> io::Result<UnixStream> {
        let Lines { mut host, air } = self.emulator.start()?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let carry = async {
                // A board that has no power says nothing and takes nothing; the cable stays.
                let _ = copy_bidirectional(&mut cable, &mut host).await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = carry => {}
                _ = stopped => {}
            }
            cable
        });
        self.bridge = Some(Bridge { stop, task });
        Ok(air)
    }

    /// The serial port: a symbolic link to a pseudo-terminal.
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// The board behind the cable.
    pub fn emulator(&mut self) -> &mut Emulator {
        &mut self.emulator
    }

    /// Cuts the power; the cable stays plugged in.
    pub fn kill(&mut self) {
        self.emulator.kill();
    }

    /// Cuts the power and switches it on again, on the same cable. Returns the new UART1.
    ///
    /// # Errors
    /// As [`Machine::start`].
    ///
    /// # Cancel safety
    /// When dropped, the cable is unplugged and the board is off.
    pub async fn restart(&mut self) -> io::Result<UnixStream> {
        self.emulator.kill();
        let cable = match self.bridge.take() {
            Some(Bridge { stop, task }) => {
                let _ = stop.send(());
                task.await.map_err(io::Error::other)?
            }
            None => Cable::plug(&self.port)?,
        };
        self.run(cable)
    }

    /// Pulls the plug of the serial cable; the board stays on, unheard. [`restart`](Self::restart) plugs it in again.
    pub async fn unplug(&mut self) {
        if let Some(Bridge { stop, task }) = self.bridge.take() {
            let _ = stop.send(());
            // The cable comes back, or has gone with the task.
            drop(task.await);
        }
    }
}

/// Passes on what QEMU complains of, but for the network card of this machine, which is rightly unconnected.
fn forward(complaints: ChildStderr) {
    for line in BufReader::new(complaints).lines().map_while(Result::ok) {
        if !line.ends_with("has no peer") {
            eprintln!("{line}");
        }
    }
}

/// Our end of a line, and the emulator's.
fn line() -> io::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = StdStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, theirs.into()))
}

/// A path as a value among QEMU's options, where commas separate.
fn escaped(path: &Path) -> io::Result<String> {
    let path = path.to_str().ok_or_else(|| io::Error::other("the path of the flash file is not UTF-8"))?;
    Ok(path.replace(',', ",,"))
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
