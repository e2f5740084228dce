//! An XML stream (RFC 6120, section 4) over any octet pipe: elements in, elements out.
//!
//! Stanzas are `jabber:client` everywhere in this program. A component stream speaks `jabber:component:accept`
//! (XEP-0114) instead; [`Dialect`] maps between the two token by token, on the way in and on the way out, so that
//! one stanza layer serves both kinds of stream.
//!
//! What arrives is bounded: a stanza that is too long, too deep or meaningless costs only itself. Ill-formed XML
//! ends the stream, because nothing after it can be trusted.

pub mod fuzz;
mod metered;
#[cfg(test)]
mod tests;
mod writer;

use std::io;

use minidom::Element;
use rxml::{AsyncReader, AttrMap, Event, Namespace};
use tokio::io::{AsyncRead, BufReader};
use xmpp_parsers::ns;
use xmpp_parsers::stream_error::StreamError;
use xso::minidom_compat::ElementFromEvents;
use xso::{Context, FromEventsBuilder};

use super::stanza::{self, Defect, Head, Invalid, Stanza};
use metered::{Metered, TokenTooLong};

pub use writer::{Unwritable, Writer, encode};

/// Which namespace the stanzas of a stream have on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// `jabber:client` (RFC 6120).
    Client,
    /// `jabber:component:accept` (XEP-0114).
    Component,
}

impl Dialect {
    /// The default namespace of the stream.
    pub const fn namespace(self) -> &'static str {
        match self {
            Dialect::Client => ns::JABBER_CLIENT,
            Dialect::Component => ns::COMPONENT,
        }
    }

    fn inward(self, namespace: &mut Namespace<'_>) {
        if self == Dialect::Component && namespace.as_str() == ns::COMPONENT {
            *namespace = Namespace::from(ns::JABBER_CLIENT);
        }
    }

    fn outward<'a>(self, namespace: Namespace<'a>) -> Namespace<'a> {
        if self == Dialect::Component && namespace.as_str() == ns::JABBER_CLIENT {
            Namespace::from(ns::COMPONENT)
        } else {
            namespace
        }
    }
}

/// How much of a stanza is taken before it is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Octets of one stanza on the wire.
    pub octets: usize,
    /// Elements within elements; the stanza itself is the first.
    pub depth: usize,
    /// Elements altogether: a tree takes a multiple of its octets in memory.
    pub elements: usize,
}

impl Default for Limits {
    /// 512 KiB, 64 deep, 8,192 elements.
    fn default() -> Self {
        Self { octets: 512 * 1024, depth: 64, elements: 8_192 }
    }
}

/// A stanza of 256 KiB that a client writes may become six times as long when its server escapes quotes, so
/// single tokens get this much more room than a stanza before the stream is given up.
const ESCAPING: usize = 8;

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pipe under it broke.
    #[error("connection lost: {0}")]
    Io(#[source] io::Error),
    /// The other side sent what is not (restricted) XML; nothing after it can be understood.
    #[error("ill-formed XML: {0}")]
    IllFormed(String),
    /// The other side reported an error of the stream (RFC 6120, section 4.9).
    #[error("the server ended the stream: {0}")]
    Refused(Box<StreamError>),
    /// The other side closed the stream in good order.
    #[error("the server closed the stream")]
    Closed,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref();
        match inner.and_then(|inner| inner.downcast_ref::<rxml::Error>()) {
            Some(rxml::Error::InvalidEof(_)) => return Error::Closed,
            Some(ill_formed) => return Error::IllFormed(ill_formed.to_string()),
            None => {}
        }
        match inner.and_then(|inner| inner.downcast_ref::<TokenTooLong>()) {
            Some(too_long) => Error::IllFormed(too_long.to_string()),
            None => Error::Io(error),
        }
    }
}

/// One child of the stream.
#[derive(Debug)]
pub enum Piece {
    /// Within the limits.
    Whole(Element, Head),
    /// Beyond them; its end has been found and the next piece is unharmed.
    Refused(Invalid),
}

/// The reading half.
pub struct Reader<R> {
    xml: AsyncReader<Metered<BufReader<R>>>,
    dialect: Dialect,
    limits: Limits,
    partial: Option<Partial>,
}

struct Partial {
    head: Head,
    octets: usize,
    depth: usize,
    elements: usize,
    content: Result<ElementFromEvents, Defect>,
    /// The whole tree, once the last event is in.
    element: Option<Element>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads `io` from its very start.
    pub fn new(io: R, dialect: Dialect, limits: Limits) -> Self {
        let io = Metered::new(BufReader::new(io), limits.octets.saturating_mul(ESCAPING));
        Self { xml: AsyncReader::with_options(io, options(limits)), dialect, limits, partial: None }
    }

    /// Expects a new document on the same pipe, as after SASL (RFC 6120, section 6.3.2). Octets that were read
    /// ahead are kept.
    pub fn restart(self) -> Self {
        let (mut io, _) = self.xml.into_inner();
        io.event();
        let xml = AsyncReader::with_options(io, options(self.limits));
        Self { xml, dialect: self.dialect, limits: self.limits, partial: None }
    }

    /// Reads the header: `<?xml?>` and the start tag of `<stream:stream>`, whose attributes it returns.
    ///
    /// # Errors
    ///
    /// [`Error`]; also when the document is not an XML stream.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn header(&mut self) -> Result<AttrMap, Error> {
        match self.event().await? {
            Some(Event::XmlDeclaration(..)) => {}
            Some(Event::StartElement(_, name, attributes)) => return stream_header(&name, attributes),
            _ => return Err(Error::Closed),
        }
        match self.event().await? {
            Some(Event::StartElement(_, name, attributes)) => stream_header(&name, attributes),
            _ => Err(Error::Closed),
        }
    }

    /// Reads the next child of the stream. White space in between (keep-alives) is passed over.
    ///
    /// # Errors
    ///
    /// [`Error`]; none of them can be recovered from.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read of an unfinished element is kept for the next call.
    pub async fn piece(&mut self) -> Result<Piece, Error> {
        loop {
            let Some(event) = self.event().await? else { return Err(Error::Closed) };
            let octets = event.metrics().len();
            if let Some(partial) = &mut self.partial {
                if partial.feed(event, octets, &self.limits)
                    && let Some(partial) = self.partial.take()
                {
                    return Ok(partial.finish());
                }
            } else {
                match event {
                    Event::StartElement(_, name, attributes) => {
                        self.partial = Some(Partial::new(name, attributes, octets, &self.limits));
                    }
                    Event::EndElement(_) => return Err(Error::Closed),
                    Event::XmlDeclaration(..) | Event::Text(..) => {}
                }
            }
        }
    }

    /// Reads the next stanza, as [`piece`](Self::piece).
    ///
    /// # Errors
    ///
    /// The outer [`Error`] ends the stream, and so does a `<stream:error/>`; the inner [`Invalid`] is one stanza
    /// that was passed over.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn stanza(&mut self) -> Result<Result<Stanza, Box<Invalid>>, Error> {
        let (element, head) = match self.piece().await? {
            Piece::Whole(element, head) => (element, head),
            Piece::Refused(invalid) => return Ok(Err(Box::new(invalid))),
        };
        if element.is("error", ns::STREAM) {
            return Err(refusal(element));
        }
        Ok(stanza::parse(element, head))
    }

    async fn event(&mut self) -> Result<Option<Event>, Error> {
        let mut event = self.xml.read().await?;
        self.xml.inner_mut().event();
        if let Some(Event::StartElement(_, (namespace, _), _)) = &mut event {
            self.dialect.inward(namespace);
        }
        Ok(event)
    }
}

fn options(limits: Limits) -> rxml::Options {
    rxml::Options { max_token_length: limits.octets, ..rxml::Options::default() }
}

fn stream_header(name: &rxml::QName, attributes: AttrMap) -> Result<AttrMap, Error> {
    if name.0.as_str() == ns::STREAM && name.1.as_str() == "stream" {
        Ok(attributes)
    } else {
        Err(Error::IllFormed(format!("<{}> is not the start of an XML stream", name.1)))
    }
}

/// The error that a `<stream:error/>` stands for, even if it is not made as it should be.
pub(super) fn refusal(element: Element) -> Error {
    match StreamError::try_from(element) {
        Ok(error) => Error::Refused(Box::new(error)),
        Err(error) => Error::IllFormed(format!("unreadable stream error: {error}")),
    }
}

impl Partial {
    fn new(name: rxml::QName, mut attributes: AttrMap, octets: usize, limits: &Limits) -> Self {
        let attribute = |name: &str| attributes.get(Namespace::none(), name).cloned();
        let head = Head {
            name: name.1.to_string(),
            id: attribute("id"),
            from: attribute("from"),
            to: attribute("to"),
            kind: attribute("type"),
        };
        if matches!(head.name.as_str(), "message" | "presence" | "iq") {
            // Attributes that nobody has defined are to be ignored (RFC 6120, section 8.4), not to be choked on.
            attributes.retain(|namespace, name, _| {
                (namespace.is_none() && matches!(name.as_str(), "id" | "from" | "to" | "type"))
                    || (*namespace == Namespace::XML && name.as_str() == "lang")
            });
        }
        let content = if octets > limits.octets {
            Err(Defect::TooLong(limits.octets))
        } else {
            Ok(ElementFromEvents::new(name, attributes))
        };
        Self { head, octets, depth: 1, elements: 1, content, element: None }
    }

    /// Takes one more event; true when it was the last.
    fn feed(&mut self, event: Event, octets: usize, limits: &Limits) -> bool {
        self.octets = self.octets.saturating_add(octets);
        match event {
            Event::StartElement(..) => {
                self.depth = self.depth.saturating_add(1);
                self.elements = self.elements.saturating_add(1);
            }
            Event::EndElement(_) => self.depth = self.depth.saturating_sub(1),
            Event::XmlDeclaration(..) | Event::Text(..) => {}
        }
        let ended = self.depth == 0;
        let defect = if self.octets > limits.octets {
            Some(Defect::TooLong(limits.octets))
        } else if self.depth > limits.depth {
            Some(Defect::TooDeep(limits.depth))
        } else if self.elements > limits.elements {
            Some(Defect::TooManyElements(limits.elements))
        } else {
            None
        };
        match (defect, &mut self.content) {
            (Some(defect), Ok(_)) => self.content = Err(defect),
            (None, Ok(builder)) => match builder.feed(event, &Context::empty()) {
                Ok(element) => self.element = element,
                Err(error) => self.content = Err(Defect::Meaningless(error.to_string())),
            },
            (_, Err(_)) => {}
        }
        ended
    }

    fn finish(self) -> Piece {
        match (self.content, self.element) {
            (Ok(_), Some(element)) => Piece::Whole(element, self.head),
            (Err(defect), _) => Piece::Refused(Invalid { head: self.head, defect }),
            (Ok(_), None) => {
                let defect = Defect::Meaningless("the element has no end".to_owned());
                Piece::Refused(Invalid { head: self.head, defect })
            }
        }
    }
}
