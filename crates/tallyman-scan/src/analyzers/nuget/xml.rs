//! The opening tags of an XML document with their attributes (XML 1.0, section 3.1), which is all that
//! lists of packages need: no tree, no entities, nothing that is defined in the document.

/// The opening tags, in their order. Comments, CDATA sections and declarations are passed over.
pub(crate) struct Tags<'a> {
    rest: &'a str,
}

impl<'a> Tags<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Tags { rest: text }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            let (_, rest) = self.rest.split_once('<')?;
            let passed = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>"), ("!", ">"), ("/", ">")];
            let end = passed.iter().find(|(start, _)| rest.starts_with(start));
            if let Some((_, end)) = end {
                self.rest = rest.split_once(end).map_or("", |(_, rest)| rest);
                continue;
            }
            let length = tag_length(rest)?;
            let (inner, rest) = rest.split_at_checked(length)?;
            self.rest = rest;
            return Some(Tag { inner });
        }
    }
}

/// Returns where a tag ends; an attribute may hold the sign.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    text.bytes().position(|byte| {
        match (byte, quote) {
            (b'>', None) => return true,
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            _ => {}
        }
        false
    })
}

/// What stands between `<` and `>`.
pub(crate) struct Tag<'a> {
    inner: &'a str,
}

impl<'a> Tag<'a> {
    pub(crate) fn name(&self) -> &'a str {
        let end = |c: char| c.is_whitespace() || c == '/';
        self.inner.split(end).next().unwrap_or_default()
    }

    /// Returns the value of an attribute as it is written.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.inner.get(self.name().len()..)?;
        loop {
            let (key, next) = rest.split_once('=')?;
            let next = next.trim_start();
            let quote = next.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let (value, after) = next.get(1..)?.split_once(quote)?;
            if key.trim() == name {
                return Some(value);
            }
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::Tags;

    #[test]
    fn tags_come_with_their_attributes() {
        let text = "<?xml version='1.0'?><!DOCTYPE x><a>t<b c=\"d>e\"\n f = 'g\"'/><!-- <h/> -->\
            <![CDATA[<i/>]]></a><j/><k l";
        let found: Vec<_> = Tags::new(text).map(|tag| tag.name()).collect();
        assert_eq!(found, ["a", "b", "j"]);
        let tag = Tags::new(text).nth(1).expect("a tag");
        assert_eq!(tag.attribute("c"), Some("d>e"));
        assert_eq!(tag.attribute("f"), Some("g\""));
        assert_eq!(tag.attribute("g"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in r#"[<>a="'/!?\[\]\- ]{0,60}"#) {
            for tag in Tags::new(&text) {
                let _ = tag.attribute("a");
            }
        }
    }
}
