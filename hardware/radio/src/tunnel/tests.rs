//! The near end against the far end over a line that loses, garbles and swallows octets.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::vec;
use std::vec::Vec;

use embassy_futures::poll_once;
use embedded_io_async::{ErrorType, Read, Write};
use fanal_protocol::quality::Quality;
use fanal_protocol::rand::Jitter;
use fanal_protocol::region::{Channel, RegionCode};

use super::{Answer, Command, Failure, Report, Server, Task, TunnelRadio};
use crate::{Error, Radio, Received};

/// One direction of the line; reading an empty one waits.
#[derive(Clone, Default)]
struct Pipe(Rc<RefCell<VecDeque<u8>>>);

impl ErrorType for Pipe {
    type Error = Infallible;
}

impl Read for Pipe {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        std::future::poll_fn(|_| {
            let mut octets = self.0.borrow_mut();
            if octets.is_empty() {
                return std::task::Poll::Pending;
            }
            let len = buffer.len().min(octets.len()).min(7);
            for (place, octet) in buffer.iter_mut().zip(octets.drain(..len)) {
                *place = octet;
            }
            std::task::Poll::Ready(Ok(len))
        })
        .await
    }
}

impl Write for Pipe {
    async fn write(&mut self, octets: &[u8]) -> Result<usize, Infallible> {
        let len = octets.len().min(50);
        self.0.borrow_mut().extend(&octets[..len]);
        // A slow line: the rest of the packet goes with later calls.
        embassy_futures::yield_now().await;
        Ok(len)
    }
    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The far end with the radio behind it, and the vices of the line.
struct Far {
    server: Server,
    from_near: Pipe,
    to_near: Pipe,
    jitter: Jitter,
    /// Of a thousand octets, this many are damaged in one way or another.
    damage_permille: u64,
    transmitted: Vec<Vec<u8>>,
    resets: usize,
    turns: u64,
}

fn line(seed: u64, damage_permille: u64) -> (TunnelRadio<Pipe, Pipe>, Far) {
    let (up, down) = (Pipe::default(), Pipe::default());
    let far = Far {
        server: Server::new(),
        from_near: up.clone(),
        to_near: down.clone(),
        jitter: Jitter::new(seed),
        damage_permille,
        transmitted: vec![],
        resets: 0,
        turns: 0,
    };
    (TunnelRadio::new(down, up), far)
}

impl Far {
    /// Lets the line and the far end run for a moment.
    fn turn(&mut self) {
        self.turns += 1;
        let coming: Vec<u8> = self.from_near.0.borrow_mut().drain(..).collect();
        let coming = self.damage(coming);
        self.server.handle_octets(&coming);
        let answer = match self.server.poll_task() {
            None => None,
            Some(Task::Reset) => {
                self.resets += 1;
                Some(Answer::Configured)
            }
            Some(Task::Configure(_)) => Some(Answer::Configured),
            Some(Task::Transmit(frame)) => {
                self.transmitted.push(frame.to_vec());
                Some(Answer::Transmitted)
            }
            Some(Task::Cad) => Some(Answer::Cad { busy: true }),
        };
        if let Some(answer) = answer {
            self.server.done(answer);
        }
        if self.turns.is_multiple_of(20) {
            self.server.alive();
        }
        let mut buffer = [0; 64];
        loop {
            let len = self.server.poll_octets(&mut buffer);
            if len == 0 {
                break;
            }
            let going = self.damage(buffer[..len].to_vec());
            self.to_near.0.borrow_mut().extend(going);
        }
    }

    fn damage(&mut self, octets: Vec<u8>) -> Vec<u8> {
        let mut out = vec![];
        for octet in octets {
            if self.jitter.below(1000) >= self.damage_permille {
                out.push(octet);
                continue;
            }
            match self.jitter.below(3) {
                0 => {}
                1 => out.push(octet ^ (1 << self.jitter.below(8))),
                _ => out.extend([octet, self.jitter.next_u64() as u8]),
            }
        }
        out
    }

    /// Runs `work` to its end, or to `None` after `turns` moments.
    fn run<F: Future>(&mut self, turns: usize, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        for _ in 0..turns {
            if let std::task::Poll::Ready(output) = poll_once(work.as_mut()) {
                return Some(output);
            }
            self.turn();
        }
        None
    }
}

fn channel() -> Channel {
    Channel::home(RegionCode::Ca)
}

const PATIENCE: usize = 20_000;

#[test]
fn each_call_is_carried_out_at_the_far_end() {
    let (mut radio, mut far) = line(1, 0);
    assert_eq!(far.run(PATIENCE, radio.configure(&channel())), Some(Ok(())));
    assert_eq!(far.run(PATIENCE, radio.transmit(b"hello")), Some(Ok(())));
    assert_eq!(far.run(PATIENCE, radio.cad()), Some(Ok(true)));
    far.server.received(Quality { rssi_dbm: -99, snr_quarter_db: 9 }, b"there");
    let mut buffer = [0; 255];
    let received = far.run(PATIENCE, radio.receive(&mut buffer)).unwrap().unwrap();
    assert_eq!(received, Received { len: 5, quality: Quality { rssi_dbm: -99, snr_quarter_db: 9 } });
    assert_eq!(&buffer[..5], b"there");
    assert_eq!((far.resets, far.transmitted), (1, vec![b"hello".to_vec()]));
}

#[test]
fn a_radio_without_a_channel_refuses() {
    let (mut radio, mut far) = line(1, 0);
    assert_eq!(far.run(PATIENCE, radio.receive(&mut [0; 255])), Some(Err(Error::NotConfigured)));
    assert_eq!(far.run(PATIENCE, radio.transmit(b"x")), Some(Err(Error::NotConfigured)));
    assert_eq!(far.run(PATIENCE, radio.transmit(b"")), Some(Err(Error::Length)));
    assert_eq!(far.run(PATIENCE, radio.transmit(&[0; 256])), Some(Err(Error::Length)));
}

#[test]
fn a_far_end_that_was_restarted_makes_the_near_end_configure_anew() {
    let (mut radio, mut far) = line(1, 0);
    far.run(PATIENCE, radio.configure(&channel()));
    assert_eq!(far.run(100, radio.receive(&mut [0; 255])), None);
    far.server = Server::new();
    assert_eq!(far.run(PATIENCE, radio.receive(&mut [0; 255])), Some(Err(Error::NotConfigured)));
    assert_eq!(far.run(PATIENCE, radio.configure(&channel())), Some(Ok(())));
    far.server.received(Quality::default(), b"again");
    assert_eq!(far.run(PATIENCE, radio.receive(&mut [0; 255])).unwrap().unwrap().len, 5);
}

#[test]
fn the_newest_eight_frames_wait_for_whoever_asks() {
    let (mut radio, mut far) = line(1, 0);
    far.run(PATIENCE, radio.configure(&channel()));
    for number in 0..11u8 {
        far.server.received(Quality::default(), &[number]);
    }
    let mut buffer = [0; 255];
    for number in 3..11u8 {
        far.run(PATIENCE, radio.receive(&mut buffer)).unwrap().unwrap();
        assert_eq!(buffer[0], number);
    }
    assert_eq!(far.run(200, radio.receive(&mut buffer)), None);
}

#[test]
fn a_frame_that_does_not_fit_is_refused_and_the_next_one_comes() {
    let (mut radio, mut far) = line(1, 0);
    far.run(PATIENCE, radio.configure(&channel()));
    far.server.received(Quality::default(), b"too long");
    far.server.received(Quality::default(), b"fits");
    let mut buffer = [0; 4];
    assert_eq!(far.run(PATIENCE, radio.receive(&mut buffer)), Some(Err(Error::Length)));
    assert_eq!(far.run(PATIENCE, radio.receive(&mut buffer)).unwrap().unwrap().len, 4);
}

/// Over a bad line each frame is sent once, in order, and each kept frame is handed over once, in order, even
/// though most calls of `receive` are dropped half way.
#[test]
fn a_bad_line_costs_time_and_nothing_else() {
    for seed in 0..40 {
        let (mut radio, mut far) = line(seed, 4);
        assert_eq!(far.run(PATIENCE, radio.configure(&channel())), Some(Ok(())), "seed {seed}");
        let mut heard = vec![];
        let mut sent = vec![];
        for number in 0..30u8 {
            far.server.received(Quality::default(), &[number, 0, 1, 2, 3]);
            let mut buffer = [0; 255];
            let turns = far.jitter.below(12) as usize;
            if let Some(received) = far.run(turns, radio.receive(&mut buffer)) {
                heard.push(buffer[..received.unwrap().len].to_vec());
            }
            let frame = vec![number; 1 + usize::from(number) * 8];
            assert_eq!(far.run(PATIENCE, radio.transmit(&frame)), Some(Ok(())), "seed {seed}");
            sent.push(frame);
            while heard.len() + 4 < usize::from(number) {
                let received = far.run(PATIENCE, radio.receive(&mut buffer)).expect("a frame is kept");
                heard.push(buffer[..received.unwrap().len].to_vec());
            }
        }
        assert_eq!(far.transmitted, sent, "seed {seed}");
        for (number, frame) in heard.iter().enumerate() {
            assert_eq!(*frame, [number as u8, 0, 1, 2, 3], "seed {seed}");
        }
    }
}

#[test]
fn garbage_never_stops_the_far_end() {
    let mut server = Server::new();
    let mut jitter = Jitter::new(3);
    for _ in 0..20_000 {
        server.handle_octets(&[jitter.next_u64() as u8]);
        server.poll_octets(&mut [0; 8]);
    }
    let mut radio_and_far = line(9, 0);
    radio_and_far.1.server = server;
    let (radio, far) = (&mut radio_and_far.0, &mut radio_and_far.1);
    assert_eq!(far.run(PATIENCE, radio.configure(&channel())), Some(Ok(())));
}

#[test]
fn a_restarted_near_end_starts_over_even_in_the_middle_of_a_packet() {
    let (mut radio, mut far) = line(5, 0);
    far.run(PATIENCE, radio.configure(&channel()));
    far.run(PATIENCE, radio.transmit(b"first"));
    assert!(poll_once(pin!(radio.transmit(&[7; 200]))).is_pending());
    let mut radio = TunnelRadio::new(far.to_near.clone(), far.from_near.clone());
    assert_eq!(far.run(PATIENCE, radio.configure(&channel())), Some(Ok(())));
    assert_eq!(far.run(PATIENCE, radio.transmit(b"second")), Some(Ok(())));
    assert!(far.resets >= 2);
    assert_eq!(far.transmitted, [b"first".to_vec(), b"second".to_vec()]);
}

#[test]
fn the_order_of_variants_is_frozen() {
    fn first_octet(message: &impl serde::Serialize) -> u8 {
        let mut buffer = [0; 300];
        postcard::to_slice(message, &mut buffer).unwrap()[0]
    }
    let commands = [
        Command::Attach,
        Command::Configure { request: 1, channel: channel() },
        Command::Transmit { request: 1, frame: &[1] },
        Command::Cad { request: 1 },
        Command::Receive { request: 1 },
    ];
    for (number, command) in commands.iter().enumerate() {
        assert_eq!(usize::from(first_octet(command)), number, "{command:?}");
    }
    let reports = [
        Report::Attached,
        Report::Configured { request: 1 },
        Report::Transmitted { request: 1 },
        Report::Cad { request: 1, busy: true },
        Report::Failed { request: 1, reason: Failure::Length },
        Report::Received { request: 1, quality: Quality::default(), frame: &[1] },
        Report::Alive { command: 1, working: true, receive: 1, waiting: true },
        Report::Deaf { request: 1 },
        Report::SayAgain,
    ];
    for (number, report) in reports.iter().enumerate() {
        assert_eq!(usize::from(first_octet(report)), number, "{report:?}");
    }
}

#[test]
fn the_longest_packet_fits() {
    let frame = [1; 255];
    let quality = Quality { rssi_dbm: i16::MIN, snr_quarter_db: i8::MIN };
    let report = Report::Received { request: u32::MAX, quality, frame: &frame };
    let mut buffer = [0; super::MAX_PACKET];
    assert!(fanal_protocol::modem::codec::encode(&report, &mut buffer).is_ok());
}
