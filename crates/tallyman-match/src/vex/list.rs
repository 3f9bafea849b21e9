//! Lists of a document: kept as text until each item is looked at, so that a list of a million
//! empty items costs no more than its bytes do, and counted against the limit on products.

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;

use super::VexError;

/// A list whose items are read one after the other.
pub(super) type RawList<'a> = Vec<&'a RawValue>;

/// The notes on what was left out that a document keeps; further ones are counted.
const MAX_NOTES: usize = 20;
/// The characters of a name that a note repeats.
const MAX_SHOWN_CHARS: usize = 200;

/// How many products may still be named, and what was left out so far.
pub(super) struct Budget {
    maximum: u64,
    left: u64,
    notes: Vec<String>,
    further: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        let maximum = u64::try_from(limits.vex_products).unwrap_or(u64::MAX);
        Budget { maximum, left: maximum, notes: Vec::new(), further: 0 }
    }

    /// Takes one product off what may be named.
    pub(super) fn take(&mut self) -> Result<(), VexError> {
        self.left = self.left.checked_sub(1).ok_or(VexError::TooMany { maximum: self.maximum })?;
        Ok(())
    }

    /// Notes what cannot be used.
    pub(super) fn leave_out(&mut self, what: impl FnOnce() -> String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(what());
        } else {
            self.further = self.further.saturating_add(1);
        }
    }

    /// Returns what was left out.
    pub(super) fn into_notes(mut self) -> Vec<String> {
        if self.further > 0 {
            self.notes.push(format!("{} more", self.further));
        }
        self.notes
    }
}

/// Reads an item of a list.
pub(super) fn item<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, serde_json::Error> {
    serde_json::from_str(raw.get())
}

/// Makes a text of a document fit for a note.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MAX_SHOWN_CHARS).map(plain).collect()
}
