//! Opening a component stream: Jabber Component Protocol (XEP-0114, section 3).
//!
//! There is no encryption on this stream, so the server is only ever looked for on this machine.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use jid::{DomainPart, DomainRef};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use xmpp_parsers::component::Handshake;
use xmpp_parsers::ns;
use xmpp_parsers::stream_error::DefinedCondition;

use super::stream::{Dialect, Error as StreamError, Limits, Piece, Reader, Writer, refusal};

/// How long the server may take from the connection to its answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the server is, and as what to attach to it.
#[derive(Clone)]
pub struct Settings {
    /// The server's component port; a loopback address.
    pub address: SocketAddr,
    /// The component's own domain, as the server knows it.
    pub domain: DomainPart,
    /// The secret shared with the server.
    pub secret: String,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("address", &self.address)
            .field("domain", &self.domain.as_str())
            .finish_non_exhaustive()
    }
}

/// Why there is no component stream.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one of this machine's own.
    #[error("{0} is not a loopback address, and a component stream is not encrypted")]
    NotLoopback(SocketAddr),
    /// The secret is wrong.
    #[error("the server refuses the component secret")]
    NotAuthorized,
    /// Somebody else is attached under this domain.
    #[error("another program is attached to the server as this component")]
    Conflict,
    /// The server has no component of this domain.
    #[error("the server has no component named {0}")]
    HostUnknown(String),
    /// Nobody listens, or the connection broke.
    #[error("no connection to {address}: {source}")]
    Unreachable {
        /// The server's component port.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The server did not answer in time.
    #[error("the server does not answer")]
    Silent,
    /// The stream ended.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl Error {
    /// Whether trying again is of no use before somebody has changed the settings, here or on the server.
    pub fn is_configuration(&self) -> bool {
        matches!(self, Error::NotLoopback(_) | Error::NotAuthorized | Error::Conflict | Error::HostUnknown(_))
    }

    /// Names the refusals of `stream` that have a meaning of their own.
    pub(super) fn of(stream: StreamError, domain: &DomainRef) -> Self {
        let StreamError::Refused(refused) = &stream else { return Error::Stream(stream) };
        match refused.condition {
            DefinedCondition::NotAuthorized => Error::NotAuthorized,
            DefinedCondition::Conflict => Error::Conflict,
            DefinedCondition::HostUnknown | DefinedCondition::HostGone => {
                Error::HostUnknown(domain.as_str().to_owned())
            }
            _ => Error::Stream(stream),
        }
    }
}

/// Both halves of an open component stream.
pub struct Connection {
    /// What the server sends.
    pub reader: Reader<OwnedReadHalf>,
    /// What it is sent.
    pub writer: Writer<OwnedWriteHalf>,
}

/// Attaches to the server.
///
/// # Errors
///
/// [`Error`]; see [`Error::is_configuration`].
///
/// # Cancel safety
///
/// Cancel safe: a dropped attempt leaves nothing behind.
pub async fn connect(settings: &Settings) -> Result<Connection, Error> {
    if !settings.address.ip().is_loopback() {
        return Err(Error::NotLoopback(settings.address));
    }
    timeout(PATIENCE, attach(settings)).await.unwrap_or(Err(Error::Silent))
}

async fn attach(settings: &Settings) -> Result<Connection, Error> {
    let unreachable = |source| Error::Unreachable { address: settings.address, source };
    let named = |error: StreamError| Error::of(error, &settings.domain);
    let socket = TcpStream::connect(settings.address).await.map_err(unreachable)?;
    socket.set_nodelay(true).map_err(unreachable)?;
    let (read, write) = socket.into_split();
    let mut reader = Reader::new(read, Dialect::Component, Limits::default());
    let mut writer = Writer::new(write, Dialect::Component);

    writer.open(&[("to", settings.domain.as_str())]).await.map_err(unreachable)?;
    let header = reader.header().await.map_err(named)?;
    let id = header.get(rxml::Namespace::none(), "id").cloned().unwrap_or_default();
    // A refusal of the domain follows on the header at once, and then the server reads no more.
    let written = writer.send(&Handshake::from_stream_id_and_password(id, &settings.secret)).await;
    let answer = match (reader.piece().await, written) {
        (Err(StreamError::Io(_)), Err(error)) => return Err(unreachable(error)),
        (answer, _) => answer.map_err(named)?,
    };
    match answer {
        // The reader has mapped the element into the namespace of the stanzas.
        Piece::Whole(element, _) if element.is("handshake", ns::JABBER_CLIENT) => {
            Ok(Connection { reader, writer })
        }
        Piece::Whole(element, _) if element.is("error", ns::STREAM) => Err(named(refusal(element))),
        Piece::Whole(_, head) => {
            Err(StreamError::IllFormed(format!("<{}> is no answer to a handshake", head.name)).into())
        }
        Piece::Refused(invalid) => Err(StreamError::IllFormed(invalid.to_string()).into()),
    }
}
