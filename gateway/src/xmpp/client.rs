//! Opening a client stream: a person's side of the conversation (RFC 6120, sections 6 and 7).
//!
//! For the demonstration and for tests against a real server, both on this machine: the password is sent in the
//! clear (SASL PLAIN), so that any other address is refused. It is no client for people.

use std::io;
use std::net::SocketAddr;

use jid::{BareJid, FullJid, Jid};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use xmpp_parsers::bind::{BindQuery, BindResponse};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::ns;
use xmpp_parsers::sasl::{Auth, Mechanism};

use super::stanza::{Invalid, Stanza};
use super::stream::{Dialect, Error as StreamError, Limits, Piece, Reader, Writer};

/// Why there is no client stream.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one of this machine's own.
    #[error("{0} is not a loopback address, and this stream is not encrypted")]
    NotLoopback(SocketAddr),
    /// Nobody listens, or the connection broke.
    #[error("no connection: {0}")]
    Io(#[from] io::Error),
    /// The server refuses the account or its password.
    #[error("the server refuses {0}")]
    Refused(BareJid),
    /// The stream ended.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// An open client stream.
pub struct Client {
    jid: FullJid,
    reader: Reader<OwnedReadHalf>,
    writer: Writer<OwnedWriteHalf>,
}

impl Client {
    /// Logs in, and binds `resource`. No presence is sent: that is the caller's decision.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn connect(
        address: SocketAddr,
        jid: &BareJid,
        password: &str,
        resource: &str,
    ) -> Result<Self, Error> {
        if !address.ip().is_loopback() {
            return Err(Error::NotLoopback(address));
        }
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let (read, write) = socket.into_split();
        let mut reader = Reader::new(read, Dialect::Client, Limits::default());
        let mut writer = Writer::new(write, Dialect::Client);
        let header = [("to", jid.domain().as_str()), ("version", "1.0")];

        writer.open(&header).await?;
        reader.header().await?;
        reader.piece().await?;
        let user = jid.node().map(|node| node.as_str()).unwrap_or_default();
        let data = format!("\0{user}\0{password}").into_bytes();
        writer.send(&Auth { mechanism: Mechanism::Plain, data }).await?;
        match reader.piece().await? {
            Piece::Whole(element, _) if element.is("success", ns::SASL) => {}
            _ => return Err(Error::Refused(jid.clone())),
        }

        let mut reader = reader.restart();
        writer.open(&header).await?;
        reader.header().await?;
        reader.piece().await?;
        writer.send(&Iq::from_set("bind", BindQuery::new(Some(resource.to_owned())))).await?;
        match reader.stanza().await? {
            Ok(Stanza::Iq(Iq::Result { payload: Some(bound), .. })) => {
                let bound = BindResponse::try_from(bound).map_err(|_| Error::Refused(jid.clone()))?;
                Ok(Self { jid: bound.into(), reader, writer })
            }
            _ => Err(Error::Refused(jid.clone())),
        }
    }

    /// The address that the server has bound.
    pub fn jid(&self) -> &FullJid {
        &self.jid
    }

    /// Sends a stanza.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn send(&mut self, stanza: impl Into<Stanza>) -> Result<(), Error> {
        Ok(self.writer.send(&stanza.into()).await?)
    }

    /// Sends octets as they are: what no builder would build.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn send_raw(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.writer.push(octets);
        Ok(self.writer.flush().await?)
    }

    /// The next stanza. The server's pings are handed over like any other: `from` may be missing, which means
    /// the server (RFC 6120, section 8.1.2.1).
    ///
    /// # Errors
    ///
    /// When the stream ends.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn receive(&mut self) -> Result<Result<Stanza, Box<Invalid>>, Error> {
        Ok(self.reader.stanza().await?)
    }

    /// Logs out in good order.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn close(mut self) -> Result<(), Error> {
        Ok(self.writer.close().await?)
    }

    /// Our own address as a [`Jid`].
    pub fn address(&self) -> Jid {
        self.jid.clone().into()
    }
}
