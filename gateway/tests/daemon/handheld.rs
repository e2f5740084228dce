//! The far end of the serial line: a modem, some air, and somebody with a handheld.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fanal_protocol::crypto::{NetworkKey, SecretKey, Window, agree};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::modem::{Device, DeviceEvent};
use fanal_protocol::node::{Acceptance, Config, Draft, Event, Node, Session, State};
use fanal_protocol::priority::Priority;
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, MAX_FRAME, RegionCode};
use fanal_protocol::time::Instant;
use fanal_protocol::wire::Role;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

pub(crate) const GATEWAY: NodeId = NodeId(0x0100);
pub(crate) const ALICE: NodeId = NodeId(0x0101);
pub(crate) const ROSA: NodeId = NodeId(0x0201);
pub(crate) const GATEWAY_SECRET: [u8; 32] = [0x42; 32];
pub(crate) const ROSA_SECRET: [u8; 32] = [0x17; 32];
pub(crate) const NETWORK_KEY: [u8; 16] = [0x5a; 16];

/// A little of the time a frame takes; the tests are not about patience.
const AIRTIME: Duration = Duration::from_millis(5);
const QUALITY: Quality = Quality { rssi_dbm: -97, snr_quarter_db: 18 };

/// Rosa's handheld. It keeps everything in memory, and is never switched off.
pub(crate) struct Handheld {
    node: Node<2, 8, 0, 1>,
    started: std::time::Instant,
    /// Whether it and the modem hear each other.
    pub(crate) within_reach: bool,
    /// What it has received, in order.
    pub(crate) received: Vec<(MessageId, String)>,
    /// Every state of every text of its own.
    pub(crate) states: Vec<(MessageId, State)>,
    /// Frames that the modem was given to send.
    pub(crate) frames: usize,
}

impl Handheld {
    fn new() -> Self {
        let started = std::time::Instant::now();
        let config = Config {
            node: ROSA,
            role: Role::Handheld,
            network_key: NetworkKey(NETWORK_KEY),
            rate: Channel::home(RegionCode::Ca).rate,
            beacon_interval: Duration::ZERO,
            relays: true,
            keeps: false,
            acceptance: Acceptance::Delivered,
        };
        let mut node = Node::new(config, 0, 7, Instant::ZERO);
        let alice = SecretKey::from_bytes(GATEWAY_SECRET).derive(ALICE).public();
        let key = agree(&SecretKey::from_bytes(ROSA_SECRET), ROSA, &alice, ALICE).unwrap();
        node.add_session(Session::new(ROSA, ALICE, Some(GATEWAY), key, 0, Window::new())).unwrap();
        Self { node, started, within_reach: true, received: Vec::new(), states: Vec::new(), frames: 0 }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.started.elapsed().as_micros() as u64)
    }

    /// Writes to Alice.
    pub(crate) fn write(&mut self, text: &str) -> MessageId {
        let now = self.now();
        let lifetime = Duration::from_secs(3_600);
        let priority = Priority::Text;
        let draft = || Draft { source: ROSA, destination: ALICE, text, lifetime, priority };
        let id = match self.node.send(draft(), now) {
            Ok(id) => id,
            Err(_) => {
                // The first one asks for counters.
                self.drain();
                self.node.send(draft(), now).unwrap()
            }
        };
        self.node.handle_stored(id, now);
        id
    }

    fn drain(&mut self) {
        let now = self.now();
        while let Some(event) = self.node.poll_event() {
            match event {
                Event::Reserve { local, remote, until } => {
                    self.node.handle_reserved(local, remote, until, now);
                }
                Event::Received { id, text, .. } => {
                    self.received.push((id, text.as_str().to_owned()));
                    self.node.accept(id, now);
                }
                Event::ReceivedLong { id, .. } => {
                    let text = self.node.long_text(id).unwrap().to_owned();
                    self.received.push((id, text));
                    self.node.accept(id, now);
                }
                Event::State { id, state } => {
                    self.states.push((id, state));
                    self.node.handle_stored(id, now);
                }
                // It keeps nothing for others.
                Event::Closed { .. }
                | Event::Heard { .. }
                | Event::Keep { .. }
                | Event::Fetch { .. }
                | Event::Forget { .. } => {}
            }
        }
    }

    /// Frames for the gateway.
    fn frames(&mut self) -> Vec<Vec<u8>> {
        let now = self.now();
        self.node.handle_timeout(now);
        self.drain();
        let (mut frames, mut buffer) = (Vec::new(), [0; MAX_FRAME]);
        while let Some(frame) = self.node.poll_transmit(now, &mut buffer) {
            frames.push(buffer[..frame.len].to_vec());
            self.node.handle_transmitted(frame.token, now);
        }
        self.drain();
        frames
    }

    /// Texts of its own that nobody has taken over yet.
    pub(crate) fn waiting(&self) -> usize {
        self.node.pending()
    }

    /// The last state of a text of its own.
    pub(crate) fn state(&self, id: MessageId) -> Option<State> {
        self.states.iter().rev().find(|(of, _)| *of == id).map(|(_, state)| *state)
    }

    /// The texts it has received.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.received.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// A modem on a pseudo-terminal, within reach of Rosa's handheld.
pub(crate) struct Modem {
    handheld: Arc<Mutex<Handheld>>,
    name: PathBuf,
    plug: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    boots: u32,
}

impl Modem {
    /// A modem that will be plugged in at `name`.
    pub(crate) fn new(name: &Path) -> Self {
        Self { handheld: Arc::new(Mutex::new(Handheld::new())), name: name.into(), plug: None, boots: 0 }
    }

    pub(crate) fn handheld(&self) -> MutexGuard<'_, Handheld> {
        self.handheld.lock().unwrap()
    }

    pub(crate) fn plug_in(&mut self) {
        self.unplug();
        let pty = nix::pty::openpty(None, None).unwrap();
        let slave = nix::unistd::ttyname(&pty.slave).unwrap();
        let master = File::from(pty.master);
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        std::os::unix::fs::symlink(slave, &self.name).unwrap();
        self.boots += 1;
        let (boot, handheld, plugged) =
            (self.boots, Arc::clone(&self.handheld), Arc::new(AtomicBool::new(true)));
        let here = Arc::clone(&plugged);
        // The slave stays open here, so that the master does not end whenever the daemon does.
        let slave = pty.slave;
        let thread = thread::spawn(move || {
            let _slave = slave;
            run(master, boot, &handheld, &here);
        });
        self.plug = Some((plugged, thread));
    }

    pub(crate) fn unplug(&mut self) {
        if let Some((plugged, thread)) = self.plug.take() {
            std::fs::remove_file(&self.name).unwrap();
            plugged.store(false, Ordering::Relaxed);
            thread.join().unwrap();
        }
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        self.unplug();
    }
}

fn run(mut line: File, boot: u32, handheld: &Mutex<Handheld>, plugged: &AtomicBool) {
    let mut device = Device::new(boot, "test 0.1", 8);
    let mut octets = [0; 512];
    while plugged.load(Ordering::Relaxed) {
        let mut handheld = handheld.lock().unwrap();
        let now = handheld.now();
        match line.read(&mut octets) {
            Ok(length) => device.handle_octets(&octets[..length], now),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => {}
        }
        while let Some(event) = device.poll_event() {
            match event {
                DeviceEvent::Configure { .. } => device.configured(Ok(())),
                DeviceEvent::Transmit { sequence, frame, .. } => {
                    handheld.frames += 1;
                    if handheld.within_reach {
                        let _ = handheld.node.handle_frame(&frame, QUALITY, now);
                    }
                    device.transmitted(sequence, AIRTIME, now);
                }
                DeviceEvent::Attached { .. } | DeviceEvent::Reboot => {}
            }
        }
        for frame in handheld.frames() {
            if handheld.within_reach {
                device.received(&frame, QUALITY, now);
            }
        }
        drop(handheld);
        loop {
            let length = device.poll_octets(&mut octets);
            if length == 0 {
                break;
            }
            let mut rest = &octets[..length];
            while !rest.is_empty() && plugged.load(Ordering::Relaxed) {
                match line.write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(_) => thread::sleep(Duration::from_millis(1)),
                }
            }
        }
        thread::sleep(AIRTIME);
    }
}
