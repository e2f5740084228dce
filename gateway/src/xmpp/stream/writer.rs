//! The writing half of a stream.

use std::io;

use rxml::bytes::BytesMut;
use rxml::writer::{SimpleNamespaces, TrackNamespace};
use rxml::{Encoder, Item, Namespace, NcName, XmlVersion};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use xmpp_parsers::ns;
use xso::AsXml;

use super::Dialect;

/// The value cannot be written as XML: it holds a character that XML forbids, most likely.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot be written as XML: {0}")]
pub struct Unwritable(String);

/// One element as octets, ready for a stream of that dialect.
///
/// Every element is encoded on its own, so that one that cannot be written leaves no half of itself behind.
///
/// # Errors
///
/// [`Unwritable`] when the element is no XML.
pub fn encode(dialect: Dialect, element: &impl AsXml) -> Result<BytesMut, Unwritable> {
    let unwritable = |error: &dyn std::fmt::Display| Unwritable(error.to_string());
    let mut octets = BytesMut::new();
    let mut encoder = opened(dialect, &[], &mut octets).map_err(|error| unwritable(&error))?;
    encoder.encode(Item::Text(""), &mut octets).map_err(|error| unwritable(&error))?;
    octets.clear();
    for item in element.as_xml_iter().map_err(|error| unwritable(&error))? {
        let item = match item.map_err(|error| unwritable(&error))? {
            xso::Item::ElementHeadStart(namespace, name) => {
                xso::Item::ElementHeadStart(dialect.outward(namespace), name)
            }
            item => item,
        };
        encoder.encode(item.as_rxml_item(), &mut octets).map_err(|error| unwritable(&error))?;
    }
    Ok(octets)
}

/// An encoder that has written the header of a stream and knows its namespaces.
fn opened(
    dialect: Dialect,
    attributes: &[(NcName, &str)],
    octets: &mut BytesMut,
) -> Result<Encoder<SimpleNamespaces>, rxml::Error> {
    let mut encoder = Encoder::<SimpleNamespaces>::new();
    let streams = Namespace::from(ns::STREAM);
    let (prefix, name) = (NcName::try_from("stream")?, NcName::try_from("stream")?);
    encoder.ns_tracker_mut().declare_fixed(Some(&prefix), streams.clone());
    encoder.ns_tracker_mut().declare_fixed(None, Namespace::from(dialect.namespace()));
    encoder.encode(Item::XmlDeclaration(XmlVersion::V1_0), octets)?;
    encoder.encode(Item::ElementHeadStart(streams, &name), octets)?;
    for (name, value) in attributes {
        encoder.encode(Item::Attribute(Namespace::NONE, name, value), octets)?;
    }
    encoder.encode(Item::ElementHeadEnd, octets)?;
    Ok(encoder)
}

/// The writing half.
pub struct Writer<W> {
    io: W,
    dialect: Dialect,
    pending: BytesMut,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes to `io`, on which nothing has been written yet.
    pub fn new(io: W, dialect: Dialect) -> Self {
        Self { io, dialect, pending: BytesMut::new() }
    }

    /// The dialect of the stream.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Writes the header: at the start, and again after SASL.
    ///
    /// # Errors
    ///
    /// When the pipe breaks, or an attribute is no XML (`InvalidInput`).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was not written is written by the next [`flush`](Self::flush).
    pub async fn open(&mut self, attributes: &[(&str, &str)]) -> io::Result<()> {
        let invalid = |error: rxml::Error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let mut named = Vec::with_capacity(attributes.len());
        for (name, value) in attributes {
            named.push((NcName::try_from(*name).map_err(|error| invalid(error.into()))?, *value));
        }
        let mut octets = BytesMut::new();
        opened(self.dialect, &named, &mut octets).map_err(invalid)?;
        self.push(&octets);
        self.flush().await
    }

    /// Puts encoded octets (of [`encode`]) behind what waits to be written.
    pub fn push(&mut self, octets: &[u8]) {
        self.pending.extend_from_slice(octets);
    }

    /// Octets that wait to be written.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Encodes one element and writes it.
    ///
    /// # Errors
    ///
    /// When the pipe breaks, or the element is no XML (`InvalidInput`).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was not written is written by the next [`flush`](Self::flush).
    pub async fn send(&mut self, element: &impl AsXml) -> io::Result<()> {
        let octets = encode(self.dialect, element)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.push(&octets);
        self.flush().await
    }

    /// Writes all that waits.
    ///
    /// # Errors
    ///
    /// When the pipe breaks.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the next call goes on where this one was.
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.pending.is_empty() {
            if self.io.write_buf(&mut self.pending).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        self.io.flush().await
    }

    /// Closes the stream in good order.
    ///
    /// # Errors
    ///
    /// When the pipe breaks.
    pub async fn close(&mut self) -> io::Result<()> {
        self.push(b"</stream:stream>");
        self.flush().await?;
        self.io.shutdown().await
    }
}
