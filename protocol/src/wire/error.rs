//! What is wrong with octets that are no frame, or with a value that is none.

use core::fmt;

/// Why octets were refused, or a value could not be emitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// There are no octets.
    Empty,
    /// The frame ends before its kind allows.
    Truncated,
    /// Octets follow where the kind has none, or there are more than a frame holds.
    TooLong,
    /// The source is nobody or everybody.
    InvalidSource,
    /// The destination is nobody or everybody.
    InvalidDestination,
    /// Source and destination are the same node.
    SameEnds,
    /// An entry of a beacon speaks of nobody or everybody.
    InvalidEntry,
    /// The hop limit is above [`MAX_HOP_LIMIT`](super::MAX_HOP_LIMIT); values only, octets cannot say so.
    InvalidHopLimit,
    /// A piece of a long text does not say which one it is.
    InvalidIndex,
    /// A fragment status does not end with a fragment that is missing.
    InvalidBitmap,
    /// No kind stands for urgent fragments; values only.
    UrgentFragment,
    /// The buffer is shorter than the frame; values only.
    BufferTooSmall,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no octets",
            Self::Truncated => "the frame is truncated",
            Self::TooLong => "the frame is too long",
            Self::InvalidSource => "the source is not a single node",
            Self::InvalidDestination => "the destination is not a single node",
            Self::SameEnds => "source and destination are the same node",
            Self::InvalidEntry => "an entry is not about a single node",
            Self::InvalidHopLimit => "the hop limit is above 7",
            Self::InvalidIndex => "the fragment has no valid index",
            Self::InvalidBitmap => "the bitmap does not end with a missing fragment",
            Self::UrgentFragment => "there are no urgent fragments",
            Self::BufferTooSmall => "the buffer is shorter than the frame",
        })
    }
}

impl core::error::Error for Error {}
