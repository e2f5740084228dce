//! The far end of the serial line: a modem whose air takes no time, and handhelds that answer at once.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use fanal_protocol::crypto::{NetworkKey, SecretKey, Window, agree};
use fanal_protocol::id::NodeId;
use fanal_protocol::modem::{Device, DeviceEvent};
use fanal_protocol::node::{Acceptance, Config, Draft, Event, Node, Session, State};
use fanal_protocol::priority::Priority;
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, MAX_FRAME, RegionCode};
use fanal_protocol::time::{self, Duration};
use fanal_protocol::wire::Role;
use nix::poll::{PollFd, PollFlags, PollTimeout};

pub(crate) const GATEWAY: NodeId = NodeId(0x0100);
pub(crate) const ALICE: NodeId = NodeId(0x0101);
pub(crate) const GATEWAY_SECRET: [u8; 32] = [0x42; 32];
pub(crate) const NETWORK_KEY: [u8; 16] = [0x5A; 16];
/// As many as the modem's queue has places.
pub(crate) const HANDHELDS: u8 = 8;

const QUALITY: Quality = Quality { rssi_dbm: -97, snr_quarter_db: 18 };
/// What is reported of each frame, and does not pass.
const AIRTIME: Duration = Duration::from_millis(1);
/// Frames that the modem keeps for a host that does not read.
const IN_HAND: usize = 4;
/// Milliseconds between two looks at the handhelds' timers.
const GLANCE: u16 = 100;

/// The node id of a handheld, 0 to [`HANDHELDS`].
pub(crate) fn id(number: u8) -> NodeId {
    NodeId(0x0201 + u16::from(number))
}

pub(crate) fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes([0x17 + number; 32])
}

/// What the modem's thread is asked to do.
enum Wish {
    /// The first handheld writes to Alice.
    Write(String),
    /// No more.
    Stop,
}

/// A modem on a pseudo-terminal.
pub(crate) struct Modem {
    wishes: mpsc::Sender<Wish>,
    bell: PipeWriter,
    /// One for each text of the first handheld that has reached Alice's app.
    pub(crate) delivered: tokio::sync::mpsc::UnboundedReceiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Modem {
    /// Plugs it in at `name`.
    pub(crate) fn plug_in(name: &Path) -> Self {
        let pty = nix::pty::openpty(None, None).unwrap();
        std::os::unix::fs::symlink(nix::unistd::ttyname(&pty.slave).unwrap(), name).unwrap();
        let (ear, bell) = std::io::pipe().unwrap();
        let (wishes, wished) = mpsc::channel();
        let (news, delivered) = tokio::sync::mpsc::unbounded_channel();
        let thread = thread::spawn(move || {
            // Kept open, so that the line does not end whenever the daemon does.
            let _slave = pty.slave;
            let air = Air::new(news);
            run(File::from(pty.master), ear, air, &wished);
        });
        Self { wishes, bell, delivered, thread: Some(thread) }
    }

    /// The first handheld writes to Alice.
    pub(crate) fn write(&mut self, text: &str) {
        self.wish(Wish::Write(text.to_owned()));
    }

    fn wish(&mut self, wish: Wish) {
        // Fails only if the thread has panicked, which shows when it is joined.
        let _ = self.wishes.send(wish);
        let _ = self.bell.write_all(&[0]);
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        self.wish(Wish::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Air {
    started: Instant,
    handhelds: Vec<Box<Node<2, 8, 0, 0>>>,
    news: tokio::sync::mpsc::UnboundedSender<()>,
}

impl Air {
    fn new(news: tokio::sync::mpsc::UnboundedSender<()>) -> Self {
        let alice = SecretKey::from_bytes(GATEWAY_SECRET).derive(ALICE).public();
        let handheld = |number: u8| {
            let config = Config {
                node: id(number),
                role: Role::Handheld,
                network_key: NetworkKey(NETWORK_KEY),
                rate: Channel::home(RegionCode::Ca).rate,
                beacon_interval: Duration::ZERO,
                relays: true,
                keeps: false,
                acceptance: Acceptance::Delivered,
            };
            let key = agree(&secret(number), id(number), &alice, ALICE).unwrap();
            let mut node = Box::new(Node::new(config, 0, number.into(), time::Instant::ZERO));
            node.add_session(Session::new(id(number), ALICE, Some(GATEWAY), key, 0, Window::new())).unwrap();
            node
        };
        Self { started: Instant::now(), handhelds: (0..HANDHELDS).map(handheld).collect(), news }
    }

    fn now(&self) -> time::Instant {
        time::Instant::from_micros(self.started.elapsed().as_micros() as u64)
    }

    fn write(&mut self, text: &str) {
        let (now, lifetime) = (self.now(), Duration::from_secs(3_600));
        let draft = Draft { source: id(0), destination: ALICE, text, lifetime, priority: Priority::Text };
        let sent = self.handhelds[0].send(draft, now).or_else(|_| {
            // It asks for counters.
            self.serve();
            self.handhelds[0].send(draft, now)
        });
        self.handhelds[0].handle_stored(sent.unwrap(), now);
    }

    /// Everybody hears a frame.
    fn carry(&mut self, frame: &[u8]) {
        let now = self.now();
        for node in &mut self.handhelds {
            let _ = node.handle_frame(frame, QUALITY, now);
        }
    }

    fn serve(&mut self) {
        let now = self.now();
        for node in &mut self.handhelds {
            node.handle_timeout(now);
            while let Some(event) = node.poll_event() {
                match event {
                    Event::Reserve { local, remote, until } => {
                        node.handle_reserved(local, remote, until, now)
                    }
                    Event::Received { id, .. } => node.accept(id, now),
                    Event::State { id, state } => {
                        if state == State::Delivered {
                            let _ = self.news.send(());
                        }
                        node.handle_stored(id, now);
                    }
                    // Nothing is kept for others here.
                    _ => {}
                }
            }
        }
    }

    /// What the handhelds say.
    fn frames(&mut self, frames: &mut VecDeque<Vec<u8>>) {
        self.serve();
        let now = self.now();
        let mut buffer = [0; MAX_FRAME];
        for node in &mut self.handhelds {
            while let Some(frame) = node.poll_transmit(now, &mut buffer) {
                frames.push_back(buffer[..frame.len].to_vec());
                node.handle_transmitted(frame.token, now);
            }
        }
        self.serve();
    }
}

fn run(mut line: File, mut ear: impl Read + AsFd, mut air: Air, wishes: &mpsc::Receiver<Wish>) {
    let mut device = Device::new(1, "bench", 8);
    let (mut octets, mut frames) = ([0; 512], VecDeque::new());
    loop {
        let wait = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut waits = [wait(line.as_fd()), wait(ear.as_fd())];
        nix::poll::poll(&mut waits, PollTimeout::from(GLANCE)).unwrap();
        let [from_line, from_ear] = waits.map(|wait| wait.any().unwrap_or_default());
        if from_line {
            let Ok(length) = line.read(&mut octets) else { return };
            device.handle_octets(&octets[..length], air.now());
        }
        if from_ear {
            ear.read_exact(&mut octets[..1]).unwrap();
            match wishes.recv() {
                Ok(Wish::Write(text)) => air.write(&text),
                Ok(Wish::Stop) | Err(_) => return,
            }
        }
        while let Some(event) = device.poll_event() {
            match event {
                DeviceEvent::Configure { .. } => device.configured(Ok(())),
                DeviceEvent::Transmit { sequence, frame, .. } => {
                    air.carry(&frame);
                    device.transmitted(sequence, AIRTIME, air.now());
                }
                DeviceEvent::Attached { .. } | DeviceEvent::Reboot => {}
            }
        }
        air.frames(&mut frames);
        loop {
            for frame in frames.drain(..frames.len().min(IN_HAND)) {
                device.received(&frame, QUALITY, air.now());
            }
            let length = device.poll_octets(&mut octets);
            if line.write_all(&octets[..length]).is_err() {
                return;
            }
            if length == 0 && frames.is_empty() {
                break;
            }
        }
    }
}
