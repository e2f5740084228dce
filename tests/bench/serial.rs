//! How much of a serial line's rate is left for frames, in virtual time; and what the gateway's end of the link
//! carries through a pseudo-terminal in real time, beside bare octets through the same.

#![allow(clippy::unwrap_used, missing_docs)]

mod measure;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fanal_gateway::clock::Clock;
use fanal_gateway::modem::{Link, Port};
use fanal_protocol::modem::{Device, DeviceEvent, Host, HostEvent};
use fanal_protocol::priority::Priority;
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time;
use nix::sys::termios::{self, SetArg};

/// Bits per second on the simulated line; an octet takes ten (start, eight, stop).
const BAUD: u64 = 115_200;
const OCTETS_PER_SECOND: u64 = BAUD / 10;
const SIZES: [usize; 3] = [20, 60, 255];
const QUALITY: Quality = Quality { rssi_dbm: -97, snr_quarter_db: 18 };
const AIRTIME: time::Duration = time::Duration::from_millis(1);
/// Heard frames the modem may have in hand: it keeps four, and drops the oldest of more.
const IN_HAND: u64 = 4;

fn main() {
    let (virtual_seconds, real) =
        if measure::wanted() { (20, Duration::from_secs(3)) } else { (1, Duration::from_millis(100)) };
    simulated(virtual_seconds);
    through_a_terminal(real);
}

/// Which directions are saturated with frames.
#[derive(Clone, Copy)]
struct Load {
    down: bool,
    up: bool,
}

/// Octets of frames that got through, host to modem and modem to host.
#[derive(Clone, Copy, Default, Debug)]
struct Carried {
    down: u64,
    up: u64,
}

fn simulated(seconds: u64) {
    let both = Load { down: true, up: true };
    let loads =
        [("down", Load { up: false, ..both }), ("up", Load { down: false, ..both }), ("both ways", both)];
    let share = |octets: u64| {
        if octets == 0 {
            "-".into()
        } else {
            format!("{:.1} %", octets as f64 * 100.0 / (seconds * OCTETS_PER_SECOND) as f64)
        }
    };
    let mut rows = Vec::new();
    for size in SIZES {
        for (words, load) in loads {
            let Carried { down, up } = line(size, load, seconds);
            rows.push(vec![
                format!("frames of {size} octets, {words}"),
                (down / seconds).to_string(),
                (up / seconds).to_string(),
                share(down),
                share(up),
            ]);
        }
    }
    let title = format!(
        "Serial link at {BAUD} bit/s, virtual time: octets of frames per second, share of the line rate"
    );
    measure::print_table(&title, &["", "down", "up", "down", "up"], &rows);
}

/// A host and a modem whose radio takes no time, on a line that carries one octet each way at a time.
fn line(size: usize, load: Load, seconds: u64) -> Carried {
    let mut now = time::Instant::from_secs(1);
    let mut host = Host::new(Channel::home(RegionCode::Ca), 7, now);
    let mut device = Device::new(1, "bench", 8);
    let frame = vec![0x1A; size];
    let (mut carried, mut heard, mut token) = (Carried::default(), 0, 0);
    let mut counted_from = None;
    for octets in 0.. {
        now = time::Instant::from_micros(1_000_000 + octets * 1_000_000 / OCTETS_PER_SECOND);
        let start = *counted_from.get_or_insert(octets);
        if !host.ready() {
            counted_from = None;
        } else if octets - start == seconds * OCTETS_PER_SECOND {
            break;
        }
        if host.poll_timeout().is_some_and(|at| at <= now) {
            host.handle_timeout(now);
        }
        while load.down && host.can_transmit(Priority::Text) {
            token += 1;
            host.transmit(token, Priority::Text, &frame, now).unwrap();
        }
        while load.up && host.ready() && heard - carried.up / (size as u64) < IN_HAND {
            heard += 1;
            device.received(&frame, QUALITY, now);
        }
        let mut octet = [0];
        if host.poll_octets(&mut octet) == 1 {
            device.handle_octets(&octet, now);
        }
        if device.poll_octets(&mut octet) == 1 {
            host.handle_octets(&octet, now);
        }
        while let Some(event) = device.poll_event() {
            carried.down += run_radio(&mut device, event, now);
        }
        while let Some(event) = host.poll_event() {
            match event {
                HostEvent::Received { frame, .. } => carried.up += frame.len() as u64,
                HostEvent::Dropped { reason, .. } => panic!("a good line loses nothing: {reason}"),
                HostEvent::Lost => panic!("a good line stays"),
                _ => {}
            }
        }
    }
    assert!((carried.down > 0, carried.up > 0) == (load.down, load.up), "{carried:?}");
    carried
}

/// Octets that went on the air at once.
fn run_radio(device: &mut Device, event: DeviceEvent, now: time::Instant) -> u64 {
    match event {
        DeviceEvent::Configure { .. } => device.configured(Ok(())),
        DeviceEvent::Transmit { sequence, frame, .. } => {
            device.transmitted(sequence, AIRTIME, now);
            return frame.len() as u64;
        }
        DeviceEvent::Attached { .. } | DeviceEvent::Reboot => {}
    }
    0
}

/// What one run carried, in real time.
struct Real {
    octets: u64,
    took: Duration,
    cpu: Duration,
}

impl Real {
    fn row(&self, words: String, baseline: &Real) -> Vec<String> {
        let rate = |run: &Real| run.octets as f64 / run.took.as_secs_f64();
        let cpu = |run: &Real| run.cpu.as_secs_f64() * 1e9 / run.octets.max(1) as f64;
        vec![
            words,
            format!("{:.0}", rate(self)),
            format!("{:.2}", rate(self) / rate(baseline)),
            format!("{:.0}", cpu(self)),
            format!("{:.0} %", self.cpu.as_secs_f64() * 100.0 / self.took.as_secs_f64()),
            format!("{:.1}", rate(self) / OCTETS_PER_SECOND as f64),
        ]
    }
}

fn through_a_terminal(duration: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bare = bare(duration);
    let mut rows = vec![bare.row("bare octets, one way, writes of 60".into(), &bare)];
    for size in SIZES {
        let run = runtime.block_on(session(size, duration));
        rows.push(run.row(format!("frames of {size} octets, both ways together"), &bare));
    }
    let columns = ["", "octets/s", "x bare", "ns of CPU per octet", "CPU, both ends", "x 115200 bit/s"];
    measure::print_table(
        "Gateway's end of the serial link through a pseudo-terminal, real time",
        &columns,
        &rows,
    );
}

struct Terminal {
    master: File,
    slave: OwnedFd,
    name: PathBuf,
}

/// A pseudo-terminal that changes nothing.
fn terminal() -> Terminal {
    let pty = nix::pty::openpty(None, None).unwrap();
    let mut settings = termios::tcgetattr(&pty.slave).unwrap();
    termios::cfmakeraw(&mut settings);
    termios::tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).unwrap();
    let name = nix::unistd::ttyname(&pty.slave).unwrap();
    Terminal { master: pty.master.into(), slave: pty.slave, name }
}

fn bare(duration: Duration) -> Real {
    let Terminal { mut master, slave, .. } = terminal();
    let mut slave = File::from(slave);
    let (started, cpu) = (Instant::now(), measure::cpu_time());
    let reader = thread::spawn(move || {
        let (mut buffer, mut octets) = ([0; 512], 0);
        // Ends when the master is closed.
        while let Ok(length @ 1..) = slave.read(&mut buffer) {
            octets += length as u64;
        }
        octets
    });
    while started.elapsed() < duration {
        master.write_all(&[0x1A; 60]).unwrap();
    }
    drop(master);
    let octets = reader.join().unwrap();
    Real { octets, took: started.elapsed(), cpu: measure::cpu_time() - cpu }
}

/// The gateway's link and port at one end, a modem whose radio takes no time at the other, both saturated.
async fn session(size: usize, duration: Duration) -> Real {
    let Terminal { master, slave, name } = terminal();
    let plugged = Arc::new(AtomicBool::new(true));
    let modem = {
        let plugged = Arc::clone(&plugged);
        thread::spawn(move || modem(master, size, &plugged))
    };
    let clock = Clock::start(0);
    let port = Port::start(name, BAUD as u32, None).unwrap();
    let mut link = Link::new(port, Channel::home(RegionCode::Ca), 7, clock);
    let frame = vec![0x1A; size];
    let (mut token, mut octets) = (0, 0);
    let mut start = None;
    let mut cpu = Duration::ZERO;
    let took = loop {
        while let Some(event) = link.poll_event() {
            match event {
                HostEvent::Ready { .. } => {
                    (start, cpu) = (Some(Instant::now()), measure::cpu_time());
                }
                HostEvent::Received { frame, .. } => octets += frame.len() as u64,
                HostEvent::Transmitted { .. } => octets += size as u64,
                HostEvent::Dropped { reason, .. } => panic!("a terminal loses nothing: {reason}"),
                HostEvent::Lost => panic!("the modem answers"),
                _ => {}
            }
        }
        while link.can_transmit(Priority::Text) {
            token += 1;
            link.transmit(token, Priority::Text, &frame).unwrap();
        }
        link.flush();
        if let Some(start) = start
            && start.elapsed() >= duration
        {
            break start.elapsed();
        }
        assert!(link.wait().await);
    };
    let cpu = measure::cpu_time() - cpu;
    // The modem is released by an octet more, if it waits for one; if it did not wait, its end is closed by now and
    // the octet has nowhere to go.
    plugged.store(false, Ordering::Relaxed);
    drop(link);
    let mut slave = File::from(slave);
    let _ = slave.write_all(&[0]);
    modem.join().unwrap();
    assert!(octets > 0);
    Real { octets, took, cpu }
}

/// For each frame that goes on the air, another one is heard.
fn modem(mut line: File, size: usize, plugged: &AtomicBool) {
    let mut device = Device::new(1, "bench", 8);
    let started = Instant::now();
    let (mut octets, mut heard) = ([0; 512], VecDeque::new());
    while plugged.load(Ordering::Relaxed) {
        let Ok(length) = line.read(&mut octets) else { return };
        let now = time::Instant::from_micros(started.elapsed().as_micros() as u64);
        for octet in octets[..length].chunks(1) {
            device.handle_octets(octet, now);
            while let Some(event) = device.poll_event() {
                if run_radio(&mut device, event, now) > 0 {
                    heard.push_back(vec![0x1A; size]);
                }
            }
        }
        loop {
            for frame in heard.drain(..heard.len().min(IN_HAND as usize)) {
                device.received(&frame, QUALITY, now);
            }
            let mut any = false;
            loop {
                let length = device.poll_octets(&mut octets);
                if length == 0 {
                    break;
                }
                any = true;
                if line.write_all(&octets[..length]).is_err() {
                    return;
                }
            }
            if !any && heard.is_empty() {
                break;
            }
        }
    }
}
