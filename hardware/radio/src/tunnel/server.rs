//! The far end, as a value: octets from the line go in, tasks for a radio and octets for the line come out.

use fanal_protocol::modem::codec::{self, Deframer};
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, MAX_FRAME};
use heapless::{Deque, Vec};

use super::message::{Command, Failure, Report};
use super::{KEPT_FRAMES, MAX_PACKET};

/// Octets that wait for the line. Reports that find no room are dropped: the near end asks again.
const OUTGOING: usize = 4 * MAX_PACKET;

/// What the radio behind the tunnel is to do next. One at a time: [`Server::done`] comes before the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task<'a> {
    /// The near end has started anew: give up everything, stop listening.
    Reset,
    /// Tune.
    Configure(Channel),
    /// Send this frame; done when its last symbol has left.
    Transmit(&'a [u8]),
    /// Look for chirps.
    Cad,
}

/// How a task ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Tuned (or reset).
    Configured,
    /// The last symbol has left.
    Transmitted,
    /// Activity was looked for.
    Cad {
        /// Chirps were heard.
        busy: bool,
    },
    /// It could not be done.
    Failed(Failure),
}

/// The far end of a tunnel.
///
/// After each call drain [`poll_task`](Server::poll_task) and [`poll_octets`](Server::poll_octets), listen
/// whenever [`listening`](Server::listening) says so and no task is under way, and call
/// [`alive`](Server::alive) every [`ALIVE_INTERVAL`](super::ALIVE_INTERVAL).
pub struct Server {
    deframer: Deframer<MAX_PACKET>,
    outgoing: Deque<u8, OUTGOING>,
    command: Order,
    frame: Vec<u8, MAX_FRAME>,
    receive: u32,
    waiting: bool,
    configured: bool,
    frames: Deque<(Quality, Vec<u8, MAX_FRAME>), KEPT_FRAMES>,
    /// The frame that answered the last `Receive`, in case the answer is lost.
    answered: Option<(Quality, Vec<u8, MAX_FRAME>)>,
}

/// The last command.
struct Order {
    /// Its number, 0 when there was none.
    request: u32,
    /// What is asked, until it is handed out.
    asked: Option<Asked>,
    /// The number of the command that was handed out and is not done.
    under_way: Option<u32>,
    answer: Option<Answer>,
}

#[derive(Clone, Copy)]
enum Asked {
    Reset,
    Configure(Channel),
    Transmit,
    Cad,
}

/// The number of a reset and of "no request yet".
const NO_REQUEST: u32 = 0;

impl Server {
    /// The far end of a line over which nothing has come yet.
    pub fn new() -> Self {
        Self {
            deframer: Deframer::new(),
            outgoing: Deque::new(),
            command: Order { request: NO_REQUEST, asked: None, under_way: None, answer: None },
            frame: Vec::new(),
            receive: NO_REQUEST,
            waiting: false,
            configured: false,
            frames: Deque::new(),
            answered: None,
        }
    }

    /// Takes octets from the line, in any portions.
    pub fn handle_octets(&mut self, octets: &[u8]) {
        for octet in octets {
            // The packet is copied out, because the command in it borrows from the deframer.
            let packet: Vec<u8, MAX_PACKET> = match self.deframer.push(*octet) {
                None => continue,
                Some(Ok(packet)) => Vec::from_slice(packet).unwrap_or_default(),
                Some(Err(_)) => Vec::new(),
            };
            match postcard::from_bytes::<Command<'_>>(&packet) {
                Ok(command) => self.handle(command),
                Err(_) => self.reply(&Report::SayAgain),
            }
        }
    }

    fn handle(&mut self, command: Command<'_>) {
        match command {
            Command::Attach => {
                let under_way = self.command.under_way.map(|_| u32::MAX);
                self.command =
                    Order { request: NO_REQUEST, asked: Some(Asked::Reset), under_way, answer: None };
                (self.receive, self.waiting, self.configured) = (NO_REQUEST, false, false);
                self.frames.clear();
                self.answered = None;
                self.reply(&Report::Attached);
            }
            Command::Configure { request, channel } => self.order(request, Asked::Configure(channel), &[]),
            Command::Transmit { request, frame } => self.order(request, Asked::Transmit, frame),
            Command::Cad { request } => self.order(request, Asked::Cad, &[]),
            Command::Receive { request } => self.want_frame(request),
        }
    }

    fn order(&mut self, request: u32, asked: Asked, frame: &[u8]) {
        if request == self.command.request && request != NO_REQUEST {
            if let Some(answer) = self.command.answer {
                self.reply_answer(request, answer);
            }
            return;
        }
        (self.command.request, self.command.answer, self.command.asked) = (request, None, None);
        let refusal = match asked {
            Asked::Transmit | Asked::Cad if !self.configured => Some(Failure::NotConfigured),
            Asked::Transmit if frame.is_empty() || frame.len() > MAX_FRAME => Some(Failure::Length),
            _ => None,
        };
        match refusal {
            Some(reason) => self.answer(request, Answer::Failed(reason)),
            None => {
                self.frame = Vec::from_slice(frame).unwrap_or_default();
                self.command.asked = Some(asked);
            }
        }
    }

    fn want_frame(&mut self, request: u32) {
        if !self.configured {
            self.reply(&Report::Deaf { request });
        } else if request != self.receive {
            (self.receive, self.waiting, self.answered) = (request, true, None);
            self.hand_over();
        } else if let Some((quality, frame)) = self.answered.take() {
            self.reply(&Report::Received { request, quality, frame: &frame });
            self.answered = Some((quality, frame));
        }
    }

    /// What the radio is to do now; `None` while a task is under way or nothing is asked.
    pub fn poll_task(&mut self) -> Option<Task<'_>> {
        if self.command.under_way.is_some() {
            return None;
        }
        let asked = self.command.asked.take()?;
        self.command.under_way = Some(self.command.request);
        Some(match asked {
            Asked::Reset => Task::Reset,
            Asked::Configure(channel) => Task::Configure(channel),
            Asked::Transmit => Task::Transmit(&self.frame),
            Asked::Cad => Task::Cad,
        })
    }

    /// The task that [`poll_task`](Server::poll_task) gave has ended so.
    pub fn done(&mut self, answer: Answer) {
        let Some(request) = self.command.under_way.take() else { return };
        // A command that has been superseded meanwhile has nobody waiting for its answer.
        if request == self.command.request && self.command.asked.is_none() && request != NO_REQUEST {
            self.configured |= answer == Answer::Configured;
            self.answer(request, answer);
        }
    }

    /// Whether the radio is to listen while no task is under way: a frame has been asked for.
    pub fn listening(&self) -> bool {
        self.waiting && self.configured
    }

    /// A frame was heard. Empty frames and those above 255 octets are ignored.
    pub fn received(&mut self, quality: Quality, frame: &[u8]) {
        let Ok(frame) = Vec::from_slice(frame) else { return };
        if frame.is_empty() {
            return;
        }
        if self.frames.is_full() {
            self.frames.pop_front();
        }
        // There is room: the oldest has just gone.
        let _ = self.frames.push_back((quality, frame));
        self.hand_over();
    }

    fn hand_over(&mut self) {
        if !self.waiting {
            return;
        }
        if let Some((quality, frame)) = self.frames.pop_front() {
            self.waiting = false;
            self.reply(&Report::Received { request: self.receive, quality, frame: &frame });
            self.answered = Some((quality, frame));
        }
    }

    /// Tells the near end where things stand, so that it notices what was lost.
    pub fn alive(&mut self) {
        let (command, receive, waiting) = (self.command.request, self.receive, self.waiting);
        let working = self.command.answer.is_none() && command != NO_REQUEST;
        self.reply(&Report::Alive { command, working, receive, waiting });
    }

    /// Octets for the line, at most as many as `buffer` holds; 0 when there are none.
    pub fn poll_octets(&mut self, buffer: &mut [u8]) -> usize {
        let mut len = 0;
        for place in buffer {
            let Some(octet) = self.outgoing.pop_front() else { break };
            *place = octet;
            len += 1;
        }
        len
    }

    fn answer(&mut self, request: u32, answer: Answer) {
        self.command.answer = Some(answer);
        self.reply_answer(request, answer);
    }

    fn reply_answer(&mut self, request: u32, answer: Answer) {
        self.reply(&match answer {
            Answer::Configured => Report::Configured { request },
            Answer::Transmitted => Report::Transmitted { request },
            Answer::Cad { busy } => Report::Cad { request, busy },
            Answer::Failed(reason) => Report::Failed { request, reason },
        });
    }

    fn reply(&mut self, report: &Report<'_>) {
        let mut packet = [0; MAX_PACKET];
        let Ok(len) = codec::encode(report, &mut packet) else { return };
        if self.outgoing.capacity() - self.outgoing.len() < len {
            return;
        }
        for octet in packet.iter().take(len) {
            // There is room: it has just been counted.
            let _ = self.outgoing.push_back(*octet);
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}
