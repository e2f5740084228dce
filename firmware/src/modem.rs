//! The modem: a radio behind a serial port. It decides when it may transmit, whatever the host asks; it holds no key
//! and understands no frame.
//!
//! `docs/protocol.md`, sections "Serial link" and "Medium access".

use core::fmt::{self, Write as _};

use embassy_futures::select::select;
use embedded_io_async::{Read, Write};
use fanal_protocol::mac::{self, EnqueueError, Mac, Token, Unsent};
use fanal_protocol::modem::{Counters, Device, DeviceEvent, MAX_LOG, Reason, Refusal, Status};
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, Unlawful};
use fanal_protocol::time::Instant;
use fanal_radio::Radio;
use heapless::String;

use crate::clock::Clock;
use crate::driver::{self, Role};
use crate::serial::Serial;

/// Frames that may wait for the air: as many as the link lets a host hand over.
const QUEUE: usize = Device::MAX_QUEUE as usize;
/// What the modem calls itself.
const FIRMWARE: &str = concat!("fanal-modem ", env!("CARGO_PKG_VERSION"));

/// Serves a host until it asks for a restart; the caller then resets the board.
///
/// `boot` must differ from that of the start before. All jitter follows from `seed` and the sessions of the host.
pub async fn run(
    radio: impl Radio,
    serial_in: impl Read,
    serial_out: impl Write,
    clock: &impl Clock,
    boot: u32,
    seed: u64,
) {
    let serial = Serial::new();
    let mut modem = Modem::new(boot, seed);
    select(driver::run(&mut modem, radio, &serial, clock), serial.serve(serial_in, serial_out, clock)).await;
}

struct Modem {
    device: Device,
    /// Lives as long as the modem: what it has spent of the airtime outlasts sessions and channels.
    mac: Option<Mac<QUEUE>>,
    seed: u64,
    configure: Option<Channel>,
    reboot: bool,
}

impl Modem {
    fn new(boot: u32, seed: u64) -> Self {
        let device = Device::new(boot, FIRMWARE, QUEUE as u16);
        Self { device, mac: None, seed, configure: None, reboot: false }
    }

    fn handle_command(&mut self, event: DeviceEvent, now: Instant) {
        match event {
            DeviceEvent::Attached { session } => {
                // Two modems that were switched on together must not draw the same backoffs for ever.
                self.seed ^= u64::from(session).rotate_left(32);
                if let Some(mac) = &mut self.mac {
                    mac.flush();
                }
            }
            DeviceEvent::Configure { channel } => match self.set_channel(channel, now) {
                // The answer follows once the radio is set.
                Ok(()) => self.configure = Some(channel),
                Err(unlawful) => self.device.configured(Err(Refusal::from(unlawful))),
            },
            DeviceEvent::Transmit { sequence, priority, frame } => {
                let taken = match &mut self.mac {
                    Some(mac) => {
                        mac.enqueue(Token(sequence), priority, &frame, now).map_err(|error| match error {
                            EnqueueError::Full => Reason::QueueFull,
                            EnqueueError::TooLong => Reason::TooLong,
                            EnqueueError::Unlawful => Reason::Unlawful,
                        })
                    }
                    None => Err(Reason::NotConfigured),
                };
                if let Err(reason) = taken {
                    self.device.dropped(sequence, reason);
                }
            }
            DeviceEvent::Reboot => self.reboot = true,
        }
    }

    fn set_channel(&mut self, channel: Channel, now: Instant) -> Result<(), Unlawful> {
        match &mut self.mac {
            Some(mac) => mac.set_channel(channel, now),
            None => {
                self.mac = Some(Mac::new(channel, self.seed, now)?);
                Ok(())
            }
        }
    }

    fn handle_fate(&mut self, event: mac::Event, now: Instant) {
        match event {
            mac::Event::Transmitted { token, airtime } => self.device.transmitted(token.0, airtime, now),
            mac::Event::Dropped { token, reason } => {
                let reason = match reason {
                    Unsent::RadioFailed => Reason::RadioFailed,
                    Unsent::ChannelBusy => Reason::ChannelBusy,
                    Unsent::Flushed => Reason::Flushed,
                };
                self.device.dropped(token.0, reason);
            }
        }
    }

    /// A line of the log, for whoever maintains the link: text, cut at [`MAX_LOG`] octets.
    fn log(&mut self, line: fmt::Arguments<'_>) {
        let mut text = String::<MAX_LOG>::new();
        // What does not fit is left out.
        let _ = text.write_fmt(line);
        self.device.log(text.as_bytes());
        self.device.log(b"\n");
    }

    fn status(&self, now: Instant) -> Status {
        let Some(mac) = &self.mac else { return Status::default() };
        let stats = mac.stats();
        Status {
            queued: u16::try_from(mac.len()).unwrap_or(u16::MAX),
            airtime_left_us: mac
                .airtime_left(now)
                .map(|left| u64::try_from(left.as_micros()).unwrap_or(u64::MAX)),
            counters: Counters {
                received: stats.heard,
                transmitted: stats.transmitted,
                busy: stats.busy,
                radio_failures: stats.radio_failures,
                overruns: 0,
            },
        }
    }
}

impl Role<QUEUE> for Modem {
    fn mac(&mut self) -> Option<&mut Mac<QUEUE>> {
        self.mac.as_mut()
    }

    fn poll_channel(&mut self) -> Option<Channel> {
        self.configure.take()
    }

    async fn handle_octets(&mut self, octets: &[u8], now: Instant) {
        self.device.handle_octets(octets, now);
    }

    fn handle_frame(&mut self, octets: &[u8], quality: Quality, now: Instant) {
        self.device.received(octets, quality, now);
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn handle_configured(&mut self, done: bool, _now: Instant) {
        match &self.mac {
            Some(mac) if done => {
                let channel = *mac.channel();
                self.log(format_args!("radio set to {channel}"));
            }
            _ => self.log(format_args!("radio cannot be set")),
        }
        self.device.configured(if done { Ok(()) } else { Err(Refusal::RadioFailed) });
    }

    fn handle_radio_failed(&mut self, _now: Instant) {
        if let Some(mac) = &self.mac {
            let failures = mac.stats().radio_failures;
            self.log(format_args!("radio failed, {failures} times since start"));
        }
    }

    async fn drain(&mut self, now: Instant) {
        loop {
            if let Some(event) = self.device.poll_event() {
                self.handle_command(event, now);
            } else if let Some(event) = self.mac.as_mut().and_then(|mac| mac.poll_event()) {
                self.handle_fate(event, now);
            } else {
                break;
            }
        }
        let status = self.status(now);
        self.device.status(status);
    }

    fn poll_octets(&mut self, out: &mut [u8]) -> usize {
        self.device.poll_octets(out)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn finished(&self) -> bool {
        self.reboot
    }
}

#[cfg(test)]
mod tests;
