//! The pump: waits for a frame, octets or a deadline, feeds the machines of a role, drains them.
//!
//! **Drain rule.** After every input the role carries out what its machines have to say ([`Role::drain`]), its
//! octets go to the serial line, and then the pump asks for the next job of the radio. A job that occupies the radio
//! (configuring, CAD, a transmission) runs to its end while the serial line and the deadlines go on; listening gives way as soon
//! as there is another job.

use core::future::pending;
use core::pin::pin;

use embassy_futures::select::{Either, select};
use fanal_protocol::mac::{Action, Mac};
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, MAX_FRAME};
use fanal_protocol::time::{Duration, Instant, earliest};
use fanal_radio::{Radio, Received};
use heapless::Vec;

use crate::clock::Clock;
use crate::serial::Serial;

/// How long a radio that failed is left alone before it is configured anew.
const RADIO_RETRY: Duration = Duration::from_secs(1);
/// How long the last octets of a role have to leave.
const FAREWELL: Duration = Duration::from_millis(200);
/// How soon a deadline is looked at again that was handled and has stayed: it waits for the radio, which is at work.
const AGAIN: Duration = Duration::from_millis(20);

/// The machines of a role, as the pump sees them. Every `handle_…` is an input; early or spurious ones are harmless.
///
/// The pump itself feeds the medium access, which it borrows from the role; `QUEUE` frames may wait there.
pub trait Role<const QUEUE: usize> {
    /// The medium access, once there is a channel.
    fn mac(&mut self) -> Option<&mut Mac<QUEUE>>;
    /// The channel that the radio is to be configured to, whenever that is to be done (again).
    fn poll_channel(&mut self) -> Option<Channel>;
    /// Octets came in on the serial line.
    async fn handle_octets(&mut self, octets: &[u8], now: Instant);
    /// A frame was heard.
    fn handle_frame(&mut self, octets: &[u8], quality: Quality, now: Instant);
    /// A deadline has passed.
    fn handle_timeout(&mut self, now: Instant);
    /// The radio is on the channel that was asked for (`true`), or could not be tuned to it.
    fn handle_configured(&mut self, done: bool, now: Instant);
    /// The radio failed at what was asked for; the medium access knows.
    fn handle_radio_failed(&mut self, now: Instant);
    /// Carries out what the machines have to say: news, storage, frames on their way to the medium access.
    async fn drain(&mut self, now: Instant);
    /// Octets for the serial line, written to the start of `out`; returns how many.
    fn poll_octets(&mut self, out: &mut [u8]) -> usize;
    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing else happens before.
    fn poll_timeout(&self) -> Option<Instant>;
    /// Whether the program should start anew.
    fn finished(&self) -> bool;
}

/// What the radio is to do.
#[allow(clippy::large_enum_variant)] // no allocator to box the one large variant with
enum Job {
    /// Rest until then, after a failure.
    Rest(Instant),
    Configure(Channel),
    Cad,
    Transmit(Vec<u8, MAX_FRAME>),
    Listen,
    Idle,
}

/// What came of it.
enum Outcome {
    Rested,
    Configured(bool),
    Cad(bool),
    Transmitted,
    Heard(Received),
    Failed,
    /// Another job is more urgent than listening.
    GaveWay,
}

struct Pump<'a, const QUEUE: usize, P, C> {
    role: &'a mut P,
    serial: &'a Serial,
    clock: &'a C,
    /// Where the radio belongs.
    channel: Option<Channel>,
    /// Whether it is there, as far as is known.
    tuned: bool,
    rest_until: Option<Instant>,
    /// When deadlines were last handled.
    handled: Option<Instant>,
}

/// Runs `role` until it is [`finished`](Role::finished).
pub async fn run<const QUEUE: usize>(
    role: &mut impl Role<QUEUE>,
    mut radio: impl Radio,
    serial: &Serial,
    clock: &impl Clock,
) {
    let mut pump = Pump { role, serial, clock, channel: None, tuned: false, rest_until: None, handled: None };
    let mut heard = [0; MAX_FRAME];
    let mut octets = [0; 64];
    pump.drain().await;
    let mut next = None;
    while !pump.role.finished() {
        let job = next.take().or_else(|| pump.urgent_job()).unwrap_or_else(|| pump.quiet_job());
        let outcome = {
            let mut work = pin!(perform(&mut radio, &job, &mut heard, clock));
            loop {
                let deadline = pump.deadline();
                match select(work.as_mut(), wait(serial, &mut octets, deadline, clock)).await {
                    Either::First(outcome) => break outcome,
                    Either::Second(n) => pump.turn(octets.get(..n).unwrap_or_default()).await,
                }
                if matches!(job, Job::Listen | Job::Idle) {
                    next = pump.urgent_job();
                    if next.is_some() || pump.role.finished() {
                        break Outcome::GaveWay;
                    }
                }
            }
        };
        pump.conclude(outcome, &heard).await;
    }
    // Whatever the role still had to say goes out first.
    clock.sleep_until(clock.now() + FAREWELL).await;
}

/// Waits for octets (their number), room for octets, or the deadline (0 for both).
async fn wait(serial: &Serial, octets: &mut [u8], deadline: Option<Instant>, clock: &impl Clock) -> usize {
    let sleep = async {
        match deadline {
            Some(at) => clock.sleep_until(at).await,
            None => pending().await,
        }
    };
    match select(serial.turn(octets), sleep).await {
        Either::First(n) => n,
        Either::Second(()) => 0,
    }
}

async fn perform(radio: &mut impl Radio, job: &Job, heard: &mut [u8], clock: &impl Clock) -> Outcome {
    let result = match job {
        Job::Rest(until) => {
            clock.sleep_until(*until).await;
            Ok(Outcome::Rested)
        }
        Job::Configure(channel) => Ok(Outcome::Configured(radio.configure(channel).await.is_ok())),
        Job::Cad => radio.cad().await.map(Outcome::Cad),
        Job::Transmit(frame) => radio.transmit(frame).await.map(|()| Outcome::Transmitted),
        Job::Listen => radio.receive(heard).await.map(Outcome::Heard),
        Job::Idle => pending().await,
    };
    result.unwrap_or(Outcome::Failed)
}

impl<const QUEUE: usize, P: Role<QUEUE>, C: Clock> Pump<'_, QUEUE, P, C> {
    /// Octets came in (or none: a deadline has passed, or there is room on the line).
    async fn turn(&mut self, octets: &[u8]) {
        let now = self.clock.now();
        if !octets.is_empty() {
            self.role.handle_octets(octets, now).await;
        }
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.with_mac(|mac| mac.handle_timeout(now));
            self.role.handle_timeout(now);
            self.handled = Some(now);
        }
        self.drain().await;
    }

    /// When to call [`turn`](Self::turn), if nothing else happens before.
    fn deadline(&mut self) -> Option<Instant> {
        let at = self.poll_timeout()?;
        // Without this a deadline that waits for the radio would take all the time there is.
        Some(self.handled.filter(|handled| *handled >= at).map_or(at, |handled| handled + AGAIN))
    }

    fn with_mac(&mut self, work: impl FnOnce(&mut Mac<QUEUE>)) {
        if let Some(mac) = self.role.mac() {
            work(mac);
        }
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let mac = self.role.mac().and_then(|mac| mac.poll_timeout());
        earliest(mac, self.role.poll_timeout())
    }

    /// A job of the radio has ended.
    async fn conclude(&mut self, outcome: Outcome, heard: &[u8]) {
        let now = self.clock.now();
        match outcome {
            Outcome::Rested => self.rest_until = None,
            Outcome::Configured(done) => {
                self.tuned = done;
                self.rest_until = (!done).then_some(now + RADIO_RETRY);
                self.role.handle_configured(done, now);
            }
            Outcome::Cad(busy) => self.with_mac(|mac| mac.handle_cad(busy, now)),
            Outcome::Transmitted => self.with_mac(|mac| mac.handle_transmitted(now)),
            Outcome::Heard(Received { len, quality }) => {
                let frame = heard.get(..len).unwrap_or(heard);
                self.with_mac(|mac| mac.handle_frame(frame, now));
                self.role.handle_frame(frame, quality, now);
            }
            Outcome::Failed => {
                self.tuned = false;
                self.rest_until = Some(now + RADIO_RETRY);
                self.with_mac(|mac| mac.handle_radio_failed(now));
                self.role.handle_radio_failed(now);
            }
            Outcome::GaveWay => {}
        }
        self.turn(&[]).await;
    }

    async fn drain(&mut self) {
        self.role.drain(self.clock.now()).await;
        let mut chunk = [0; 64];
        loop {
            let room = self.serial.room().min(chunk.len());
            let n = self.role.poll_octets(chunk.get_mut(..room).unwrap_or_default());
            if n == 0 {
                break;
            }
            self.serial.write(chunk.get(..n).unwrap_or_default());
        }
    }

    /// What cannot wait for the end of listening.
    fn urgent_job(&mut self) -> Option<Job> {
        if let Some(until) = self.rest_until {
            return Some(Job::Rest(until));
        }
        if let Some(channel) = self.role.poll_channel() {
            self.channel = Some(channel);
            self.tuned = false;
        }
        if !self.tuned {
            return self.channel.map(Job::Configure);
        }
        match self.role.mac()?.poll_action(self.clock.now())? {
            Action::Cad => Some(Job::Cad),
            // Longer than any frame: the medium access has refused it before.
            Action::Transmit { frame, .. } => Vec::from_slice(frame).ok().map(Job::Transmit),
        }
    }

    fn quiet_job(&self) -> Job {
        if self.tuned { Job::Listen } else { Job::Idle }
    }
}
