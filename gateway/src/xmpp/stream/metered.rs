//! A bound on the octets that a parser may swallow without saying anything.
//!
//! The parser limits names, attribute values and texts one by one, but a start tag may have any number of
//! attributes, and all of them are kept until the tag is complete.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

/// A reader that fails once `limit` octets have been read since the last [`event`](Self::event).
pub(super) struct Metered<R> {
    inner: R,
    since_event: usize,
    limit: usize,
}

/// More octets without an event than any sensible document has.
#[derive(Debug, thiserror::Error)]
#[error("a single tag is longer than {0} octets")]
pub(super) struct TokenTooLong(usize);

impl<R> Metered<R> {
    pub(super) fn new(inner: R, limit: usize) -> Self {
        Self { inner, since_event: 0, limit }
    }

    /// The parser has come to the end of something: counting starts anew.
    pub(super) fn event(&mut self) {
        self.since_event = 0;
    }

    fn check(&self) -> io::Result<()> {
        if self.since_event > self.limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, TokenTooLong(self.limit)));
        }
        Ok(())
    }
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for Metered<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        this.check()?;
        Pin::new(&mut this.inner).poll_fill_buf(context)
    }

    fn consume(mut self: Pin<&mut Self>, octets: usize) {
        self.since_event = self.since_event.saturating_add(octets);
        Pin::new(&mut self.inner).consume(octets);
    }
}

// `AsyncBufRead` asks for it; the parser reads by the methods above.
impl<R: AsyncBufRead + Unpin> AsyncRead for Metered<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let available = ready!(self.as_mut().poll_fill_buf(context))?;
        let octets = available.len().min(buffer.remaining());
        buffer.put_slice(&available[..octets]);
        self.consume(octets);
        Poll::Ready(Ok(()))
    }
}
