//! A serial cable: the host opens one end as it opens any serial port, firmware holds the other.
//!
//! Underneath it is a pseudo-terminal in raw mode. Dropping a [`Cable`] is pulling the plug: whoever has the port
//! open sees it vanish, and the symbolic link that named it is removed.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{read, write};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The firmware's end of a serial cable.
pub struct Cable {
    end: AsyncFd<OwnedFd>,
    // Kept open so that the host may close and open its end without the line breaking.
    _host_end: OwnedFd,
    link: PathBuf,
}

impl Cable {
    /// Plugs a cable in: the host's end appears as a symbolic link at `link`, which replaces an older one.
    ///
    /// # Errors
    /// The operating system has no pseudo-terminal left, or `link` cannot be made.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn plug(link: &Path) -> io::Result<Self> {
        // Not openpty: programs that are started while the cable is plugged in would inherit both ends, and whoever
        // has the port open would never see it vanish.
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let port = ptsname_r(&master)?;
        let host_end =
            File::options().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&port)?;
        let mut settings = tcgetattr(&host_end)?;
        cfmakeraw(&mut settings);
        tcsetattr(&host_end, SetArg::TCSANOW, &settings)?;
        match fs::remove_file(link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => symlink(port, link)?,
        }
        // Deprecated because some types change their descriptor or close it; an `OwnedFd` does neither.
        #[allow(deprecated)]
        let end = AsyncFd::new(OwnedFd::from(master))?;
        Ok(Self { end, _host_end: host_end.into(), link: link.into() })
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // A link that somebody removed before is as good.
        let _ = fs::remove_file(&self.link);
    }
}

impl AsyncRead for Cable {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.end.poll_read_ready(cx))?;
            let mut chunk = [0; 1024];
            let room = buf.remaining().min(chunk.len());
            match guard.try_io(|end| Ok(read(end.get_ref().as_fd(), &mut chunk[..room])?)) {
                Ok(Ok(n)) => {
                    buf.put_slice(&chunk[..n]);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for Cable {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.end.poll_write_ready(cx))?;
            match guard.try_io(|end| Ok(write(end.get_ref().as_fd(), octets)?)) {
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn octets_cross_unchanged_both_ways_and_the_plug_can_be_pulled() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("modem");
        let mut cable = Cable::plug(&link).unwrap();
        let mut host = fs::File::options().read(true).write(true).open(&link).unwrap();
        let all: Vec<u8> = (0..=255).collect();

        host.write_all(&all).unwrap();
        let mut heard = vec![0; 256];
        cable.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, all, "no character means anything to the line");

        cable.write_all(&all).await.unwrap();
        host.read_exact(&mut heard).unwrap();
        assert_eq!(heard, all);

        // A program that was started meanwhile does not hold the plug.
        let mut program = std::process::Command::new("sleep").arg("10").spawn().unwrap();
        drop(cable);
        assert!(!matches!(host.read(&mut heard), Ok(n) if n > 0));
        assert_eq!(program.try_wait().unwrap(), None);
        program.kill().unwrap();
        program.wait().unwrap();
        assert!(!link.exists());
    }
}
