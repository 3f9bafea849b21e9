//! Writing results: tables for people, JSON for machines, colour only on a terminal.

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

/// Writes a line to standard output. A reader that went away is no error of ours.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    unless_gone(writeln!(std::io::stdout().lock(), "{text}"))
}

fn unless_gone(written: std::io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("writing to standard output"),
    }
}

/// Writes a line for people to standard error.
pub(crate) fn note(text: &str) {
    // Nobody can be told when standard error is gone.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
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
