//! The session with the modem: `fanal_protocol::modem::Host` on a [`Port`].

use fanal_protocol::modem::{Host, HostEvent, TransmitError};
use fanal_protocol::priority::Priority;
use fanal_protocol::region::Channel;
use tokio::sync::mpsc::error::TrySendError;

use super::port::{Event, Port, Trouble};
use crate::clock::Clock;

/// Octets handed to the port at a time.
const CHUNK: usize = 512;

/// A modem, or the wish for one: it is found again whenever it is plugged in.
#[derive(Debug)]
pub struct Link {
    host: Host,
    port: Port,
    clock: Clock,
    trouble: Option<Trouble>,
    /// The port takes nothing at the moment.
    blocked: bool,
}

impl Link {
    /// A link over `port` to a modem that will be set to `channel`. `session` is a random number.
    pub fn new(port: Port, channel: Channel, session: u32, clock: Clock) -> Self {
        let mut host = Host::new(channel, session, clock.now());
        // The port says when it is open.
        host.handle_disconnected(clock.now());
        Self { host, port, clock, trouble: None, blocked: false }
    }

    /// Waits for the line, or for a deadline of the session. Afterwards take what [`Link::poll_event`] has, then
    /// [`Link::flush`]. `false` when the port's threads have ended, which they do not.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no octet is lost.
    pub async fn wait(&mut self) -> bool {
        let deadline = self.host.poll_timeout().map(|at| self.clock.deadline(at));
        let timer = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let Port { events, octets, .. } = &mut self.port;
        let room = async { octets.reserve().await.map(drop).unwrap_or_default() };
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => self.handle(event),
                None => return false,
            },
            () = room, if self.blocked => self.blocked = false,
            () = timer => self.host.handle_timeout(self.clock.now()),
        }
        true
    }

    fn handle(&mut self, event: Event) {
        let now = self.clock.now();
        match event {
            Event::Opened => {
                tracing::info!(port = %self.port.path.display(), "the modem's port is open");
                self.trouble = None;
                self.host.handle_connected(now);
            }
            Event::Octets(octets) => self.host.handle_octets(&octets, now),
            Event::Closed(trouble) => {
                // Once for each new trouble: it is tried for ever.
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::warn!(port = %self.port.path.display(), %trouble, "the modem's port is closed");
                }
                self.trouble = Some(trouble);
                self.host.handle_disconnected(now);
            }
        }
    }

    /// What the modem did.
    pub fn poll_event(&mut self) -> Option<HostEvent> {
        self.host.poll_event()
    }

    /// Whether a frame of this priority would be taken now.
    pub fn can_transmit(&self, priority: Priority) -> bool {
        self.host.can_transmit(priority)
    }

    /// Hands over a frame; what becomes of it is told once, with its token.
    ///
    /// # Errors
    ///
    /// The frame was not taken.
    pub fn transmit(&mut self, token: u32, priority: Priority, frame: &[u8]) -> Result<(), TransmitError> {
        self.host.transmit(token, priority, frame, self.clock.now())
    }

    /// Sends what the session has to say, as far as the port takes it. Never waits.
    pub fn flush(&mut self) {
        let mut octets = [0; CHUNK];
        loop {
            match self.port.octets.try_reserve() {
                Ok(place) => match self.host.poll_octets(&mut octets) {
                    0 => return,
                    length => place.send(octets.get(..length).unwrap_or_default().to_vec()),
                },
                Err(TrySendError::Full(())) => {
                    self.blocked = true;
                    return;
                }
                Err(TrySendError::Closed(())) => return,
            }
        }
    }
}
