//! XML in the form the official service uses: no attributes, a list is its element repeated.

use serde_json::{Map, Value};

use crate::answer::RECOMMEND;

const HEADER: &str = "<?xml version='1.0' encoding='UTF-8'?>";

/// Returns a document with the object's fields below the root.
pub(crate) fn document(root: &str, object: &Map<String, Value>) -> String {
    let mut xml = HEADER.to_owned();
    push_object(&mut xml, &element_name(root), object);
    xml
}

/// Returns an error document, whose Recommend is a CDATA section as the official one is.
pub(crate) fn error_document(fields: &[(&str, Value)]) -> String {
    let mut xml = HEADER.to_owned();
    push_tag(&mut xml, "<", "Error");
    for (name, value) in fields {
        match value {
            Value::String(link) if *name == RECOMMEND => push_cdata(&mut xml, name, link),
            other => push_value(&mut xml, name, other),
        }
    }
    push_tag(&mut xml, "</", "Error");
    xml
}

/// Pushes text that must not hold `]]>`; the percent-encoded link cannot.
fn push_cdata(xml: &mut String, name: &str, text: &str) {
    push_tag(xml, "<", name);
    xml.push_str("<![CDATA[");
    xml.push_str(text);
    xml.push_str("]]>");
    push_tag(xml, "</", name);
}

fn push_value(xml: &mut String, name: &str, value: &Value) {
    match value {
        // What JSON shows as null is a field without a value, which XML leaves out.
        Value::Null => {}
        Value::Bool(flag) => push_text(xml, name, &flag.to_string()),
        Value::Number(number) => push_text(xml, name, &number.to_string()),
        Value::String(text) => push_text(xml, name, text),
        Value::Array(members) => {
            for member in members {
                push_value(xml, name, member);
            }
        }
        Value::Object(object) => push_object(xml, name, object),
    }
}

fn push_object(xml: &mut String, name: &str, object: &Map<String, Value>) {
    push_tag(xml, "<", name);
    for (field, value) in object {
        push_value(xml, &element_name(field), value);
    }
    push_tag(xml, "</", name);
}

fn push_text(xml: &mut String, name: &str, text: &str) {
    push_tag(xml, "<", name);
    push_escaped(xml, text);
    push_tag(xml, "</", name);
}

fn push_tag(xml: &mut String, open: &str, name: &str) {
    xml.push_str(open);
    xml.push_str(name);
    xml.push('>');
}

fn push_escaped(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            // A bare carriage return would reach the client as a line feed (XML 1.0, 2.11).
            '\r' => xml.push_str("&#13;"),
            legal if is_xml_char(legal) => xml.push(legal),
            _ => xml.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

/// Returns whether XML 1.0 section 2.2 allows the character at all.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Makes an element name of a field name; those of free-form maps can be anything.
fn element_name(field: &str) -> String {
    let mut name: String = field
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' })
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}
