//! Writing results: tables for people, JSON for machines, colour only on a terminal.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;

use anyhow::Context;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table};
use serde::Serialize;
use tallyman_model::severity::Severity;

const JSON_BUFFER_BYTES: usize = 64 << 10;

/// Writes a value as indented JSON to standard output. A reader that went away is no error of ours.
pub(crate) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    unless_gone(write_json(value))
}

/// Standard output looks for the end of the last line in what it is given: megabytes of JSON go past
/// it, behind what was written before.
fn write_json<T: Serialize>(value: &T) -> std::io::Result<()> {
    let mut standard = std::io::stdout().lock();
    standard.flush()?;
    let file = File::from(standard.as_fd().try_clone_to_owned()?);
    let mut out = BufWriter::with_capacity(JSON_BUFFER_BYTES, file);
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    out.flush()
}

/// Writes values as one JSON array, each as soon as it is known.
#[derive(Debug, Default)]
pub(crate) struct JsonArray {
    is_begun: bool,
}

impl JsonArray {
    /// Writes the next value.
    pub(crate) fn push<T: Serialize>(&mut self, value: &T) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value).context("writing the result as JSON")?;
        let before = if self.is_begun { "," } else { "[" };
        self.is_begun = true;
        line(before)?;
        line(&text)
    }

    /// Ends the array.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        line(if self.is_begun { "]" } else { "[]" })
    }
}

/// Writes a line to standard output, with colours and nothing else that moves a terminal. A reader
/// that went away is no error of ours.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let is_colour = |c| c == '\x1b' && std::io::stdout().is_terminal();
    let text = inert(text, |c| matches!(c, '\n' | '\t') || is_colour(c));
    unless_gone(writeln!(std::io::stdout().lock(), "{text}"))
}

fn unless_gone(written: std::io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("writing to standard output"),
    }
}

/// Writes a line for people to standard error, or several.
pub(crate) fn note(text: &str) {
    let text = inert(text, |c| matches!(c, '\n' | '\t'));
    // Nobody can be told when standard error is gone.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Makes one line of what strangers wrote: a name from a feed must not look like a line of ours.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    inert(text, |_| false)
}

/// Writes control characters as Rust does, which a terminal would obey, but for those that are meant.
fn inert(text: &str, is_meant: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_control() || is_meant(c);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match is_plain(c) {
            true => written.push(c),
            false => written.extend(c.escape_default()),
        }
    }
    Cow::Owned(written)
}

/// Makes a table with these headings.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.force_no_tty();
        table.set_width(160);
    }
    table.set_header(
        headings.iter().map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)),
    );
    table
}

/// Makes a cell whose colour repeats what its word says.
pub(crate) fn severity_cell(severity: Severity) -> Cell {
    let cell = Cell::new(severity.name());
    match severity {
        Severity::Critical => cell.fg(Color::Magenta).add_attribute(Attribute::Bold),
        Severity::High => cell.fg(Color::Red),
        Severity::Medium => cell.fg(Color::Yellow),
        Severity::Low => cell.fg(Color::Cyan),
        Severity::Negligible | Severity::Unknown => cell,
    }
}

/// Writes bytes as people read them.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

#[cfg(test)]
mod tests {
    use super::{inert, one_line};

    #[test]
    fn what_moves_a_terminal_is_written_and_not_obeyed() {
        assert_eq!(
            one_line("a.json\x1b[2J\u{9b}1A\nerror: b"),
            r"a.json\u{1b}[2J\u{9b}1A\nerror: b"
        );
        assert_eq!(inert("two\nlines\r", |c| c == '\n'), "two\nlines\\r");
        assert_eq!(one_line("café"), "café");
    }
}
