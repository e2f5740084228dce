//! What travels in the tunnel. Append only: the order of variants is the format.

use fanal_protocol::quality::Quality;
use fanal_protocol::region::Channel;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Near end to far end. `request` numbers start at 1 after [`Command::Attach`]; `Receive` has its own count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Command<'a> {
    /// The near end has just started: forget whatever was asked, stop listening, lose the channel.
    Attach,
    /// Tune to `channel`.
    Configure {
        /// The number of this request.
        request: u32,
        /// Where, how fast and how loud.
        channel: Channel,
    },
    /// Send one frame.
    Transmit {
        /// The number of this request.
        request: u32,
        /// 1 to 255 octets.
        frame: &'a [u8],
    },
    /// Look for chirps.
    Cad {
        /// The number of this request.
        request: u32,
    },
    /// Listen, and hand over the next frame.
    Receive {
        /// The number of this request, in the count of `Receive`s.
        request: u32,
    },
}

/// Far end to near end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Report<'a> {
    /// Answers [`Command::Attach`].
    Attached,
    /// Answers [`Command::Configure`].
    Configured {
        /// Whose answer this is.
        request: u32,
    },
    /// Answers [`Command::Transmit`] once the last symbol has left.
    Transmitted {
        /// Whose answer this is.
        request: u32,
    },
    /// Answers [`Command::Cad`].
    Cad {
        /// Whose answer this is.
        request: u32,
        /// Chirps were heard.
        busy: bool,
    },
    /// The command could not be carried out.
    Failed {
        /// Whose answer this is.
        request: u32,
        /// Why.
        reason: Failure,
    },
    /// Answers [`Command::Receive`].
    Received {
        /// Whose answer this is, in the count of `Receive`s.
        request: u32,
        /// How well the frame was heard.
        quality: Quality,
        /// 1 to 255 octets.
        frame: &'a [u8],
    },
    /// Sent at regular intervals, so that a lost packet is noticed.
    Alive {
        /// The last command taken up, 0 for none.
        command: u32,
        /// Its answer is still to come.
        working: bool,
        /// The last `Receive` taken up, 0 for none.
        receive: u32,
        /// Its frame is still to come.
        waiting: bool,
    },
    /// Answers [`Command::Receive`] when there is no channel to listen on: the far end was restarted.
    Deaf {
        /// Whose answer this is, in the count of `Receive`s.
        request: u32,
    },
    /// A garbled packet came in: whoever waits for an answer asks again.
    SayAgain,
}

/// Why a command failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Failure {
    /// No `Configure` yet.
    NotConfigured,
    /// The channel is beyond this radio.
    Unsupported,
    /// The frame is empty or too long.
    Length,
    /// The radio does not answer: it is switched off, for one.
    Hardware,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::NotConfigured => Error::NotConfigured,
            Failure::Unsupported => Error::Unsupported,
            Failure::Length => Error::Length,
            Failure::Hardware => Error::Hardware,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::NotConfigured => Failure::NotConfigured,
            Error::Unsupported => Failure::Unsupported,
            Error::Length => Failure::Length,
            Error::Hardware | Error::Disconnected => Failure::Hardware,
        }
    }
}
