//! What must hold whatever a server, or somebody in its place, sends. For a fuzzer and for property tests.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};

use super::{Dialect, Error, Limits, Piece, Reader, encode};
use crate::xmpp::stanza;

/// A header that a server might send.
pub const HEADER: &[u8] =
    b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' \
    xmlns='jabber:component:accept' from='lora.example' id='s1'>";

/// Small, so that arbitrary octets reach them.
pub const LIMITS: Limits = Limits { octets: 2_048, depth: 8, elements: 32 };

/// Reads `octets` after a good header, in pieces of the sizes in `cuts` (whatever is left comes in one), and
/// checks that everything stays within bounds and that whatever was understood can be written and understood
/// again. Returns the number of whole elements and of refused ones.
///
/// # Panics
///
/// When that does not hold.
pub fn read_anything(octets: &[u8], cuts: &[u8]) -> (usize, usize) {
    let mut reader = Reader::new(Pieces::new(&[HEADER, octets].concat(), cuts), Dialect::Component, LIMITS);
    let mut whole = 0;
    let mut refused = 0;
    finish(async {
        reader.header().await.expect("the header is good");
        loop {
            match reader.piece().await {
                Ok(Piece::Whole(element, head)) => {
                    whole += 1;
                    assert!(octets.len() >= head.name.len());
                    if let Ok(stanza) = stanza::parse(element, head) {
                        let written = encode(Dialect::Component, &stanza).expect("what was XML is XML");
                        let again = read_one(&written);
                        assert_eq!(again, Some(stanza), "changed on the way");
                    }
                }
                Ok(Piece::Refused(_)) => refused += 1,
                Err(Error::Closed | Error::IllFormed(_)) => break,
                Err(other) => panic!("{other}"),
            }
        }
    });
    (whole, refused)
}

fn read_one(octets: &[u8]) -> Option<stanza::Stanza> {
    let mut reader =
        Reader::new(Pieces::new(&[HEADER, octets].concat(), &[]), Dialect::Component, Limits::default());
    finish(async {
        reader.header().await.ok()?;
        reader.stanza().await.ok()?.ok()
    })
}

/// Runs a future that waits for nothing but [`Pieces`], which wake at once.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// Octets that arrive a few at a time, with a pause before each time.
struct Pieces {
    octets: Vec<u8>,
    at: usize,
    cuts: Vec<u8>,
    paused: bool,
}

impl Pieces {
    fn new(octets: &[u8], cuts: &[u8]) -> Self {
        Self { octets: octets.to_vec(), at: 0, cuts: cuts.to_vec(), paused: false }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.paused = !self.paused;
        if self.paused {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let cut = self.cuts.pop().map_or(usize::MAX, |cut| usize::from(cut) + 1);
        let end = self.at.saturating_add(cut.min(buffer.remaining())).min(self.octets.len());
        buffer.put_slice(self.octets.get(self.at..end).unwrap_or_default());
        self.at = end;
        Poll::Ready(Ok(()))
    }
}
