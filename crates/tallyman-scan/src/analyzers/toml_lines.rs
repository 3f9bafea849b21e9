//! The TOML that tools write into their locks (TOML 1.1.0): tables and keys one after the other,
//! with values as they are written. It is read item by item, so that no lock takes memory beyond its
//! size. Dotted keys stay one key.

use std::borrow::Cow;

use crate::analyzers::Fault;
use crate::analyzers::lock::malformed;

/// What stands in a document, in its order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// `[NAME]` or `[[NAME]]`.
    Table { name: &'a str, is_element: bool },
    /// `KEY = VALUE`, the key without quotes.
    Value { key: &'a str, value: &'a str },
}

/// Reads the items of a document.
pub(crate) struct TomlItems<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> TomlItems<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        TomlItems { rest: text, line: 1 }
    }

    /// Returns the next item, or nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Item<'a>>, Fault> {
        self.take(blank_length(self.rest));
        if self.rest.is_empty() {
            return Ok(None);
        }
        let line = self.rest.lines().next().unwrap_or_default();
        if line.starts_with('[') {
            self.take(line.len());
            let table =
                table(line).ok_or_else(|| malformed(self.line, "a table without an end"))?;
            return Ok(Some(table));
        }
        let key_length = key_length(line);
        let key = self.take(key_length);
        let Some(value) = self.rest.strip_prefix('=') else {
            return Err(malformed(self.line, "a key without a value"));
        };
        self.rest = value.trim_start_matches([' ', '\t']);
        let Some(length) = value_length(self.rest) else {
            return Err(malformed(self.line, "a value without an end"));
        };
        let value = self.take(length).trim_end();
        Ok(Some(Item::Value { key: key.trim().trim_matches(['"', '\'']), value }))
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.line = self.line.saturating_add(memchr::memchr_iter(b'\n', taken.as_bytes()).count());
        self.rest = rest;
        taken
    }
}

/// Returns the length of spaces, line ends and comments.
fn blank_length(text: &str) -> usize {
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start();
        if !content.is_empty() && !content.starts_with('#') {
            return at.saturating_add(line.len().saturating_sub(content.len()));
        }
        at = at.saturating_add(line.len());
    }
    at
}

fn table(line: &str) -> Option<Item<'_>> {
    let (name, is_element) = match line.strip_prefix("[[") {
        Some(name) => (name.split_once("]]")?.0, true),
        None => (line.strip_prefix('[')?.split_once(']')?.0, false),
    };
    Some(Item::Table { name: name.trim(), is_element })
}

/// Returns the length of a key, up to the `=`, which may stand in its quotes.
fn key_length(line: &str) -> usize {
    let mut quote = None;
    for (at, byte) in line.bytes().enumerate() {
        match (byte, quote) {
            (b'=', None) => return at,
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            _ => {}
        }
    }
    line.len()
}

/// Returns the length of the value at the beginning, which ends with its line unless brackets or a
/// string go on; `None` if they never end.
fn value_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0_usize, 0_usize);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = match rest {
            [b'"' | b'\'', ..] => string_length(rest)?,
            [b'#', ..] if depth == 0 => return Some(at),
            [b'#', ..] => memchr::memchr(b'\n', rest)?,
            [b'\n', ..] if depth == 0 => return Some(at),
            [b'[' | b'{', ..] => {
                depth = depth.saturating_add(1);
                1
            }
            [b']' | b'}', ..] => {
                depth = depth.checked_sub(1)?;
                1
            }
            _ => 1,
        };
        at = at.checked_add(length)?;
    }
    (depth == 0).then_some(at)
}

/// Returns the length of the string at the beginning, its quotes included.
fn string_length(text: &[u8]) -> Option<usize> {
    let quote = *text.first()?;
    let is_long = text.starts_with(&[quote; 3]);
    let mut at = if is_long { 3 } else { 1 };
    loop {
        let rest = text.get(at..)?;
        match rest {
            [b'\\', _, ..] if quote == b'"' => at = at.checked_add(2)?,
            [first, second, third, ..] if is_long && [*first, *second, *third] == [quote; 3] => {
                // Up to two quotes may stand before the three that end the string.
                let more = rest.iter().skip(3).take(2).take_while(|byte| **byte == quote).count();
                return at.checked_add(3)?.checked_add(more);
            }
            [first, ..] if !is_long && *first == quote => return at.checked_add(1),
            [b'\n', ..] if !is_long => return None,
            [_, ..] => at = at.checked_add(1)?,
            [] => return None,
        }
    }
}

/// Returns the text of a value that is a string on one line.
pub(crate) fn string(value: &str) -> Option<Cow<'_, str>> {
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
    if quote == '"' && inner.contains('\\') {
        // What JSON does not escape alike is in no name and no version.
        return serde_json::from_str(value).ok().map(Cow::Owned);
    }
    (!inner.contains(quote)).then_some(Cow::Borrowed(inner))
}

/// Returns the elements of an array, or the pairs of an inline table, as they are written.
pub(crate) fn elements(value: &str) -> impl Iterator<Item = &str> {
    let inner = |open, close| value.strip_prefix(open)?.strip_suffix(close);
    let mut rest = inner('[', ']').or_else(|| inner('{', '}')).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            rest = rest.get(blank_length(rest)..).filter(|rest| !rest.is_empty())?;
            let length = element_length(rest);
            let (element, next) = rest.split_at_checked(length)?;
            rest = next.strip_prefix(',').unwrap_or(next);
            if !element.trim().is_empty() {
                return Some(element.trim());
            }
            if length == 0 && next.len() == rest.len() {
                return None;
            }
        }
    })
}

/// Returns the length of an element, up to its comma.
fn element_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0_usize, 0_usize);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = match rest {
            [b'"' | b'\'', ..] => string_length(rest).unwrap_or(rest.len()),
            [b',' | b'#', ..] if depth == 0 => return at,
            [b'#', ..] => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
            [b'[' | b'{', ..] => {
                depth = depth.saturating_add(1);
                1
            }
            [b']' | b'}', ..] => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => 1,
        };
        at = at.saturating_add(length);
    }
    at
}

/// Returns the value of a key in an inline table.
pub(crate) fn field<'a>(table: &'a str, key: &str) -> Option<&'a str> {
    elements(table).find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name.trim() == key).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests;
