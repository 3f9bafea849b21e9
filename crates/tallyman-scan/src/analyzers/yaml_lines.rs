//! The YAML that tools write into their locks: block mappings, one key a line (YAML 1.2.2, chapter
//! 8). It is read line by line, so that no lock takes memory or time beyond its size; anchors,
//! aliases and tags are never followed. What else a document holds is passed over.

use std::borrow::Cow;
use std::iter::Enumerate;
use std::str::Lines;

/// A key and what stands behind it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    /// The spaces before the key.
    pub(crate) indent: usize,
    /// The key without quotes.
    pub(crate) key: Cow<'a, str>,
    /// The rest of the line, as it is written.
    pub(crate) value: &'a str,
}

/// The lines with keys, in their order.
pub(crate) struct YamlLines<'a> {
    lines: Enumerate<Lines<'a>>,
    /// Lines that are indented deeper are text.
    text_below: Option<usize>,
}

impl<'a> YamlLines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        YamlLines { lines: text.lines().enumerate(), text_below: None }
    }
}

impl<'a> Iterator for YamlLines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        loop {
            let (index, line) = self.lines.next()?;
            let content = line.trim_start_matches(' ');
            let indent = line.len().saturating_sub(content.len());
            if content.is_empty() || self.text_below.is_some_and(|key| indent > key) {
                continue;
            }
            self.text_below = None;
            let (indent, content) = strip_explicit_value(indent, content);
            if let Some((key, value)) = split_pair(content) {
                if value.starts_with(['|', '>']) {
                    self.text_below = Some(indent);
                }
                return Some(Line { number: index.saturating_add(1), indent, key, value });
            }
        }
    }
}

/// A long key stands on a line of its own behind `? `, and the value behind `: ` on the next one.
fn strip_explicit_value(indent: usize, content: &str) -> (usize, &str) {
    match content.strip_prefix(": ") {
        Some(rest) => (indent.saturating_add(2), rest),
        None => (indent, content),
    }
}

fn split_pair(content: &str) -> Option<(Cow<'_, str>, &str)> {
    if let Some(key) = content.strip_prefix("? ") {
        return Some((scalar(key), ""));
    }
    if content.starts_with(['\'', '"']) {
        let end = quoted_end(content)?;
        let (key, rest) = content.split_at_checked(end)?;
        let value = rest.strip_prefix(':')?;
        return Some((scalar(key), value.trim()));
    }
    if content.starts_with(['#', '-', '{', '[', '%']) {
        return None;
    }
    match content.split_once(": ") {
        Some((key, value)) => Some((Cow::Borrowed(key.trim_end()), value.trim())),
        None => Some((Cow::Borrowed(content.trim_end().strip_suffix(':')?.trim_end()), "")),
    }
}

/// Returns where a quoted text ends, its quotes included.
fn quoted_end(text: &str) -> Option<usize> {
    let quote = *text.as_bytes().first()?;
    let mut bytes = text.bytes().enumerate().skip(1).peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' && quote == b'"' {
            bytes.next();
        } else if byte == quote {
            // In single quotes, two of them are one.
            let is_escaped = quote == b'\'' && bytes.peek().is_some_and(|(_, next)| *next == quote);
            if !is_escaped {
                return at.checked_add(1);
            }
            bytes.next();
        }
    }
    None
}

/// Returns the text of a scalar: without its quotes, or without a comment that follows it.
pub(crate) fn scalar(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.starts_with(['\'', '"'])
        && let Some(quoted) = quoted_end(text).and_then(|end| text.get(..end))
    {
        let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        return match quoted.starts_with('\'') {
            true if inner.contains('\'') => Cow::Owned(inner.replace("''", "'")),
            true => Cow::Borrowed(inner),
            false if inner.contains('\\') => {
                // Tools escape as JSON does.
                serde_json::from_str(quoted).map_or(Cow::Borrowed(inner), Cow::Owned)
            }
            false => Cow::Borrowed(inner),
        };
    }
    Cow::Borrowed(text.split_once(" #").map_or(text, |(value, _)| value.trim_end()))
}

#[cfg(test)]
mod tests;
