//! The near end: a [`Radio`] for whoever holds the two halves of a serial line.

use embedded_io_async::{Read, Write};
use fanal_protocol::modem::codec::{self, Deframer};
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, MAX_FRAME};
use heapless::Vec;

use super::message::{Command, Report};
use super::{Answer, MAX_PACKET};
use crate::{Error, Radio, Received};

/// A [`Radio`] spoken over a serial line. See [the module](super) for how it recovers from a bad line.
///
/// The line's `read` and `write` must be cancel safe (an interrupted call has moved no octet), as those of
/// interrupt-driven UARTs and sockets are.
pub struct TunnelRadio<R, W> {
    input: R,
    output: W,
    deframer: Deframer<MAX_PACKET>,
    chunk: Chunk,
    packet: Packet,
    attached: bool,
    configured: bool,
    command: u32,
    receive: Receive,
    kept: Option<(Quality, Vec<u8, MAX_FRAME>)>,
}

/// Octets that were read and not yet looked at.
struct Chunk {
    octets: [u8; 64],
    at: usize,
    len: usize,
}

/// The packet that is being written; a dropped future leaves its rest here for the next call.
struct Packet {
    octets: [u8; MAX_PACKET],
    at: usize,
    len: usize,
}

/// The request for the next frame.
struct Receive {
    request: u32,
    /// Asked for and not answered.
    open: bool,
    /// The far end may not know of it: ask (again).
    doubt: bool,
}

/// What the line brought, less the frames, which go to `kept`.
enum Heard {
    Attached,
    Answer(u32, Answer),
    Frame,
    /// Something was lost or may have been.
    AskAgain,
    /// The far end has no channel.
    Deaf,
    /// The far end holds this command and works on it.
    Working(u32),
}

impl<R: Read, W: Write> TunnelRadio<R, W> {
    /// The near end of a line. Nothing is sent before the first call.
    pub fn new(input: R, output: W) -> Self {
        Self {
            input,
            output,
            deframer: Deframer::new(),
            chunk: Chunk { octets: [0; 64], at: 0, len: 0 },
            packet: Packet { octets: [0; MAX_PACKET], at: 0, len: 0 },
            attached: false,
            configured: false,
            command: 0,
            receive: Receive { request: 0, open: false, doubt: false },
            kept: None,
        }
    }

    async fn attach(&mut self) -> Result<(), Error> {
        while !self.attached {
            // Ends whatever half packet the far end still holds from before our reset.
            self.write_out().await?;
            if let Some(first) = self.packet.octets.first_mut() {
                *first = 0;
            }
            (self.packet.at, self.packet.len) = (0, 1);
            self.send(&Command::Attach).await?;
            loop {
                match self.next().await? {
                    Heard::Attached => {
                        self.attached = true;
                        break;
                    }
                    Heard::AskAgain | Heard::Working(_) => break,
                    Heard::Answer(..) | Heard::Frame | Heard::Deaf => {}
                }
            }
        }
        Ok(())
    }

    /// Asks until it is answered.
    async fn ask<'a>(&mut self, command: impl Fn(u32) -> Command<'a>) -> Result<Answer, Error> {
        self.attach().await?;
        self.command = self.command.checked_add(1).unwrap_or(1);
        let request = self.command;
        loop {
            self.send(&command(request)).await?;
            loop {
                match self.next().await? {
                    Heard::Answer(whose, answer) if whose == request => return Ok(answer),
                    Heard::AskAgain => break,
                    Heard::Working(whose) if whose != request => break,
                    _ => {}
                }
            }
        }
    }

    async fn send(&mut self, command: &Command<'_>) -> Result<(), Error> {
        self.write_out().await?;
        let len = codec::encode(command, &mut self.packet.octets).map_err(|_| Error::Length)?;
        (self.packet.at, self.packet.len) = (0, len);
        self.write_out().await
    }

    /// Writes what is left of the packet.
    async fn write_out(&mut self) -> Result<(), Error> {
        while let Some(rest) = self.packet.octets.get(self.packet.at..self.packet.len)
            && !rest.is_empty()
        {
            match self.output.write(rest).await {
                Ok(0) | Err(_) => return Err(Error::Disconnected),
                Ok(written) => self.packet.at += written,
            }
        }
        self.output.flush().await.map_err(|_| Error::Disconnected)
    }

    /// Reads until something concerns us. Cancel safe: all state is in `self`, and one `read` is the only wait.
    async fn next(&mut self) -> Result<Heard, Error> {
        loop {
            while let Some(octet) = self.chunk.next() {
                let report = match self.deframer.push(octet) {
                    None => continue,
                    Some(Ok(packet)) => postcard::from_bytes::<Report<'_>>(packet).ok(),
                    Some(Err(_)) => None,
                };
                if let Some(heard) = Self::judge(report, &mut self.receive, &mut self.kept) {
                    return Ok(heard);
                }
            }
            self.chunk.at = 0;
            self.chunk.len = 0;
            match self.input.read(&mut self.chunk.octets).await {
                Ok(0) | Err(_) => return Err(Error::Disconnected),
                Ok(len) => self.chunk.len = len,
            }
        }
    }

    /// What a report (`None`: a garbled packet) means; `None` when it means nothing to us.
    fn judge(
        report: Option<Report<'_>>,
        receive: &mut Receive,
        kept: &mut Option<(Quality, Vec<u8, MAX_FRAME>)>,
    ) -> Option<Heard> {
        Some(match report {
            None | Some(Report::SayAgain) => {
                receive.doubt = true;
                Heard::AskAgain
            }
            Some(Report::Attached) => Heard::Attached,
            Some(Report::Configured { request }) => Heard::Answer(request, Answer::Configured),
            Some(Report::Transmitted { request }) => Heard::Answer(request, Answer::Transmitted),
            Some(Report::Cad { request, busy }) => Heard::Answer(request, Answer::Cad { busy }),
            Some(Report::Failed { request, reason }) => Heard::Answer(request, Answer::Failed(reason)),
            Some(Report::Received { request, quality, frame }) => {
                if !receive.open || receive.request != request {
                    return None;
                }
                receive.open = false;
                *kept = Some((quality, Vec::from_slice(frame).ok()?));
                Heard::Frame
            }
            Some(Report::Deaf { request }) if receive.open && receive.request == request => {
                receive.doubt = true;
                Heard::Deaf
            }
            Some(Report::Deaf { .. }) => return None,
            Some(Report::Alive { command, working, receive: taken, waiting }) => {
                if taken != receive.request || !waiting {
                    receive.doubt = true;
                }
                if working { Heard::Working(command) } else { Heard::AskAgain }
            }
        })
    }
}

impl<R: Read, W: Write> Radio for TunnelRadio<R, W> {
    async fn configure(&mut self, channel: &Channel) -> Result<(), Error> {
        let channel = *channel;
        self.ask(|request| Command::Configure { request, channel }).await?.into_done()?;
        self.configured = true;
        Ok(())
    }

    async fn transmit(&mut self, frame: &[u8]) -> Result<(), Error> {
        if frame.is_empty() || frame.len() > MAX_FRAME {
            return Err(Error::Length);
        }
        self.ask(|request| Command::Transmit { request, frame }).await?.into_done()
    }

    async fn cad(&mut self) -> Result<bool, Error> {
        match self.ask(|request| Command::Cad { request }).await? {
            Answer::Cad { busy } => Ok(busy),
            other => other.into_done().and(Err(Error::Hardware)),
        }
    }

    async fn receive(&mut self, buffer: &mut [u8]) -> Result<Received, Error> {
        loop {
            if !self.configured {
                return Err(Error::NotConfigured);
            }
            if let Some((quality, frame)) = self.kept.take() {
                let room = buffer.get_mut(..frame.len()).ok_or(Error::Length)?;
                room.copy_from_slice(&frame);
                return Ok(Received { len: frame.len(), quality });
            }
            if !self.receive.open {
                let request = self.receive.request.checked_add(1).unwrap_or(1);
                self.receive = Receive { request, open: true, doubt: true };
            }
            if self.receive.doubt {
                let request = self.receive.request;
                self.send(&Command::Receive { request }).await?;
                self.receive.doubt = false;
            }
            if let Heard::Deaf = self.next().await? {
                self.configured = false;
            }
        }
    }
}

impl Chunk {
    fn next(&mut self) -> Option<u8> {
        let octet = self.octets.get(self.at..self.len)?.first().copied()?;
        self.at += 1;
        Some(octet)
    }
}

impl Answer {
    fn into_done(self) -> Result<(), Error> {
        match self {
            Answer::Failed(reason) => Err(reason.into()),
            Answer::Configured | Answer::Transmitted | Answer::Cad { .. } => Ok(()),
        }
    }
}
