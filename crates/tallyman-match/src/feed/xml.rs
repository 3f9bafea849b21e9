//! Reads XML piece by piece, within limits: how deep elements nest, how large one piece and the
//! whole document are. No entity but the five of XML itself is known, and a document that declares
//! any is refused, so nothing can be expanded.

use std::io::{BufReader, Read};

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use tallyman_model::limits::Limits;

use super::keys::Outline;
use super::metered::{Metered, Piece as Meter};
use super::{DocumentError, Extent, stream_limit};

/// Lists of updates nest some ten deep.
const DEPTH: usize = 64;

/// Elements of lists of updates have some ten attributes.
const ATTRIBUTES: usize = 64;

/// The largest tag or text; prose is the largest of what there is.
const PIECE_BYTES: u64 = 4 << 20;

/// A document that is being read.
pub(crate) struct Xml<'r> {
    reader: quick_xml::Reader<BufReader<Metered<'r>>>,
    buffer: Vec<u8>,
    depth: usize,
    piece: Meter,
}

/// The beginning of an element.
#[derive(Debug)]
pub(crate) struct Element {
    /// Its name without a prefix.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// Returns an attribute's value, or nothing where there is none.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }
}

enum Piece {
    Open(Element),
    Text(String),
    Close,
    End,
}

/// Tells a feed in XML by its outermost element. All of them hold many records.
pub(super) fn recognize(outline: &Outline, root: &str) -> Option<Extent> {
    (outline.root() == Some(root)).then_some(Extent::Many)
}

impl<'r> Xml<'r> {
    /// Opens a feed: what comes next are the children of its outermost element.
    pub(super) fn open(stream: &'r mut dyn Read, limits: &Limits) -> Result<Self, DocumentError> {
        let mut xml = Xml::new(stream, stream_limit(limits));
        xml.root()?;
        Ok(xml)
    }

    /// Begins to read a document of at most so many bytes.
    pub(crate) fn new(stream: &'r mut dyn Read, limit: u64) -> Self {
        let piece = Meter::new(PIECE_BYTES, "a tag or text");
        let metered = Metered::new(stream, limit, &piece);
        let mut reader = quick_xml::Reader::from_reader(BufReader::new(metered));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Xml { reader, buffer: Vec::new(), depth: 0, piece }
    }

    /// Returns the outermost element.
    pub(crate) fn root(&mut self) -> Result<Element, DocumentError> {
        loop {
            match self.piece()? {
                Piece::Open(element) => return Ok(element),
                Piece::Text(_) | Piece::Close => {}
                Piece::End => return Err(DocumentError::Content("it has no element")),
            }
        }
    }

    /// Returns the next child of the element that is open; `None` closes it. Each child must be
    /// read to its end before the next.
    pub(crate) fn child(&mut self) -> Result<Option<Element>, DocumentError> {
        loop {
            match self.piece()? {
                Piece::Open(element) => return Ok(Some(element)),
                Piece::Text(_) => {}
                Piece::Close => return Ok(None),
                Piece::End => return Err(TRUNCATED),
            }
        }
    }

    /// Reads the rest of the element that is open, and returns its text without the blanks around.
    pub(crate) fn text(&mut self) -> Result<String, DocumentError> {
        let mut text = String::new();
        let mut open = 1_usize;
        while open > 0 {
            match self.piece()? {
                Piece::Open(_) => open += 1,
                Piece::Close => open -= 1,
                Piece::Text(more) => text += &more,
                Piece::End => return Err(TRUNCATED),
            }
        }
        Ok(text.trim().to_owned())
    }

    /// Reads the rest of the element that is open.
    pub(crate) fn skip(&mut self) -> Result<(), DocumentError> {
        let mut open = 1_usize;
        while open > 0 {
            match self.piece()? {
                Piece::Open(_) => open += 1,
                Piece::Close => open -= 1,
                Piece::Text(_) => {}
                Piece::End => return Err(TRUNCATED),
            }
        }
        Ok(())
    }

    fn piece(&mut self) -> Result<Piece, DocumentError> {
        loop {
            self.buffer.clear();
            self.piece.begin();
            match self.reader.read_event_into(&mut self.buffer)? {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > DEPTH {
                        return Err(DocumentError::Content("its elements nest too deep"));
                    }
                    return Ok(Piece::Open(element(&start)?));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Piece::Close);
                }
                Event::Text(text) => return Ok(Piece::Text(text.into_inner().into_owned())),
                Event::CData(text) => return Ok(Piece::Text(text.into_inner().into_owned())),
                Event::GeneralRef(reference) => {
                    if let Some(character) = reference.resolve_char_ref()? {
                        return Ok(Piece::Text(character.to_string()));
                    }
                    let known = resolve_xml_entity(&reference.into_inner());
                    let known = known.ok_or(DocumentError::Content("it uses an unknown entity"))?;
                    return Ok(Piece::Text(known.to_owned()));
                }
                Event::DocType(_) => {
                    return Err(DocumentError::Content("it declares a document type"));
                }
                Event::Eof if self.depth > 0 => return Err(TRUNCATED),
                Event::Eof => return Ok(Piece::End),
                // What is meant for programs and people says nothing.
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
            }
        }
    }
}

const TRUNCATED: DocumentError = DocumentError::Content("it ends before its last element does");

fn element(start: &BytesStart<'_>) -> Result<Element, DocumentError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        if attributes.len() == ATTRIBUTES {
            return Err(DocumentError::Content("an element has too many attributes"));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
        let key = attribute.key.local_name().into_inner().to_owned();
        attributes.push((key, value.into_owned()));
    }
    Ok(Element { name: start.local_name().into_inner().to_owned(), attributes })
}

#[cfg(test)]
mod tests {
    use super::{PIECE_BYTES, Xml};
    use crate::feed::DocumentError;

    /// Reads everything, and returns the root's text.
    fn read(text: &str) -> Result<String, DocumentError> {
        let mut bytes = text.as_bytes();
        let mut xml = Xml::new(&mut bytes, 1 << 30);
        xml.root()?;
        xml.text()
    }

    fn refusal(text: &str) -> String {
        crate::container::describe(&read(text).unwrap_err())
    }

    #[test]
    fn text_comes_whole_whatever_it_is_made_of() {
        let text =
            "<?xml version=\"1.0\"?><!-- a --><a> x &lt; <![CDATA[<&>]]>&#65;<b c='1'/> y </a>";
        assert_eq!(read(text).unwrap(), "x < <&>A y");
    }

    #[test]
    fn children_are_read_in_their_order_with_their_attributes() {
        let mut bytes = &b"<p:a><b x:c='1 &amp; 2'>text</b><d/><e><f>g</f></e></p:a>"[..];
        let mut xml = Xml::new(&mut bytes, 1 << 20);
        assert_eq!(xml.root().unwrap().name, "a");
        let b = xml.child().unwrap().unwrap();
        assert_eq!((b.attribute("c"), b.attribute("z")), ("1 & 2", ""));
        assert_eq!(xml.text().unwrap(), "text");
        assert_eq!(xml.child().unwrap().unwrap().name, "d");
        xml.skip().unwrap();
        assert_eq!(xml.child().unwrap().unwrap().name, "e");
        xml.skip().unwrap();
        assert!(xml.child().unwrap().is_none());
    }

    #[test]
    fn entities_cannot_be_declared_nor_used() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
        assert_eq!(refusal(bomb), "it declares a document type");
        assert_eq!(refusal("<a>&c;</a>"), "it uses an unknown entity");
        assert!(refusal("<a b='&c;'/>").starts_with("malformed XML"));
    }

    #[test]
    fn what_is_too_deep_too_large_or_cut_off_is_refused() {
        assert_eq!(refusal(&"<a>".repeat(1000)), "its elements nest too deep");
        assert_eq!(refusal("<a><b>"), "it ends before its last element does");
        assert!(refusal("<a></b>").starts_with("malformed XML"));
        let size = usize::try_from(PIECE_BYTES).unwrap() * 2;
        let large = refusal(&format!("<a>{}</a>", "x".repeat(size)));
        assert!(large.contains("a tag or text of more than 4194304 bytes"), "{large}");
        let large = refusal(&format!("<a {}", "x".repeat(size)));
        assert!(large.contains("a tag or text of more than 4194304 bytes"), "{large}");
        let many = (0..100).map(|i| format!("b{i}='1' ")).collect::<String>();
        assert_eq!(refusal(&format!("<a {many}/>")), "an element has too many attributes");
        let mut bytes = &b"<a>xxxxxxxxxxxxxxxxxxx</a>"[..];
        let mut xml = Xml::new(&mut bytes, 10);
        xml.root().unwrap();
        assert!(xml.text().is_err());
    }
}
