use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;

use tokio::time::timeout;

use super::*;

/// A serial line whose far end is ours, and whose near end has a name that can be plugged in elsewhere.
pub(crate) struct Pty {
    pub(crate) master: File,
    slave: PathBuf,
}

impl Pty {
    pub(crate) fn open() -> Self {
        let pty = nix::pty::openpty(None, None).unwrap();
        let slave = nix::unistd::ttyname(&pty.slave).unwrap();
        Self { master: pty.master.into(), slave }
    }

    /// Makes `name` this line's name.
    pub(crate) fn plug_in(&self, name: &Path) {
        let _ = std::fs::remove_file(name);
        symlink(&self.slave, name).unwrap();
    }
}

fn name(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("modem")
}

async fn next(port: &mut Port) -> Event {
    timeout(Duration::from_secs(20), port.events.recv()).await.unwrap().unwrap()
}

/// Reads that may come in pieces.
async fn read(port: &mut Port, length: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < length {
        match next(port).await {
            Event::Octets(octets) => read.extend(octets),
            other => panic!("{other:?}"),
        }
    }
    read
}

#[tokio::test]
async fn every_octet_passes_both_ways_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let mut pty = Pty::open();
    pty.plug_in(&name(&directory));
    let mut port = Port::start(name(&directory), 115_200, None).unwrap();
    assert_eq!(next(&mut port).await, Event::Opened);
    let all: Vec<u8> = (0..=255).collect();
    port.octets.send(all.clone()).await.unwrap();
    let (mut pty, echoed) = tokio::task::spawn_blocking(move || {
        let mut read = vec![0; 256];
        pty.master.read_exact(&mut read).unwrap();
        (pty, read)
    })
    .await
    .unwrap();
    assert_eq!(echoed, all);
    pty.master.write_all(&all).unwrap();
    assert_eq!(read(&mut port, 256).await, all);
}

#[tokio::test]
async fn a_port_that_was_unplugged_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut port = Port::start(name(&directory), 115_200, None).unwrap();
    assert_eq!(next(&mut port).await, Event::Closed(Trouble::Missing));
    for _ in 0..2 {
        let mut pty = Pty::open();
        pty.plug_in(&name(&directory));
        let mut event = next(&mut port).await;
        while event == Event::Closed(Trouble::Missing) {
            event = next(&mut port).await;
        }
        assert_eq!(event, Event::Opened);
        pty.master.write_all(b"hello").unwrap();
        assert_eq!(read(&mut port, 5).await, b"hello");
        std::fs::remove_file(name(&directory)).unwrap();
        drop(pty);
        assert_eq!(next(&mut port).await, Event::Closed(Trouble::Unplugged));
        // What is written now goes nowhere and holds nobody up.
        for _ in 0..2 * CHUNKS {
            port.octets.send(vec![0; 512]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_port_has_one_user() {
    let directory = tempfile::tempdir().unwrap();
    let pty = Pty::open();
    pty.plug_in(&name(&directory));
    let mut first = Port::start(name(&directory), 115_200, None).unwrap();
    assert_eq!(next(&mut first).await, Event::Opened);
    let mut second = Port::start(name(&directory), 115_200, None).unwrap();
    assert_eq!(next(&mut second).await, Event::Closed(Trouble::Busy));
    drop(first);
    while next(&mut second).await != Event::Opened {}
}

#[tokio::test]
async fn a_plain_file_is_no_port() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(name(&directory), "hello").unwrap();
    let mut port = Port::start(name(&directory), 115_200, None).unwrap();
    assert_eq!(next(&mut port).await, Event::Closed(Trouble::Unsuitable));
}

#[tokio::test]
async fn a_modem_that_reads_nothing_blocks_nobody_but_the_writer() {
    let directory = tempfile::tempdir().unwrap();
    let mut pty = Pty::open();
    pty.plug_in(&name(&directory));
    let mut port = Port::start(name(&directory), 115_200, None).unwrap();
    assert_eq!(next(&mut port).await, Event::Opened);
    let mut full = false;
    for _ in 0..1_000 {
        full |= port.octets.try_send(vec![7; 512]).is_err();
    }
    assert!(full, "the channel is bounded");
    pty.master.write_all(b"still heard").unwrap();
    assert_eq!(read(&mut port, 11).await, b"still heard");
}

#[tokio::test]
async fn the_threads_end_with_the_port() {
    let directory = tempfile::tempdir().unwrap();
    let pty = Pty::open();
    pty.plug_in(&name(&directory));
    let mut port = Port::start(name(&directory), 115_200, None).unwrap();
    assert_eq!(next(&mut port).await, Event::Opened);
    drop(port);
    let mut again = Port::start(name(&directory), 115_200, None).unwrap();
    while next(&mut again).await != Event::Opened {}
}
