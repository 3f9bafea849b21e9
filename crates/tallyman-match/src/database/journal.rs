//! The journal: what the last changes of the feeds were. It stands beside the manifest and decides
//! nothing; without it, only what changed is not known.
//!
//! An entry is written before the manifest that it leads to. One that leads nowhere, since the
//! process died in between, is known by that and dropped with the next change.

use std::collections::BTreeMap;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::difference::FeedDifference;
use super::manifest::Manifest;
use crate::record::{FeedContent, StoredRecord};

/// The journal's file name.
pub(super) const FILE: &str = "journal.json";

/// The number of changes that are kept.
const ENTRIES: usize = 10;
/// The number of records that an entry names in each feed.
const NAMED_RECORDS: usize = 500;

/// What the last changes were, the newest last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    entries: Vec<Entry>,
}

/// One change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The states before and after.
    from: String,
    to: String,
    /// The revision before, where the index had been compiled.
    pub(super) revision_before: Option<String>,
    pub(super) changed_ms: i64,
    pub(super) feeds: BTreeMap<String, FeedDifference>,
}

/// Collects what an import changes.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeMap<String, FeedDifference>);

impl Notes {
    /// Takes down what differs in a feed.
    pub(super) fn add(&mut self, known: Option<&FeedContent>, content: &FeedContent) {
        let known: &[StoredRecord] = known.map_or(&[], |known| &known.records);
        let difference = FeedDifference::between(known, &content.records, NAMED_RECORDS);
        self.0.insert(content.info.name.clone(), difference);
    }

    /// Takes down that a feed is gone.
    pub(super) fn add_gone(&mut self, known: &FeedContent) {
        let difference = FeedDifference::between(&known.records, &[], NAMED_RECORDS);
        self.0.insert(known.info.name.clone(), difference);
    }

    /// Makes an entry of the notes.
    pub(super) fn into_entry(self, before: &Manifest, after: &Manifest, now_ms: i64) -> Entry {
        Entry {
            from: state_of(before),
            to: state_of(after),
            revision_before: before.index.clone(),
            changed_ms: now_ms,
            feeds: self.0,
        }
    }
}

impl Journal {
    /// Reads a journal. One that cannot be read is as good as none.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Adds the newest change, and drops those that never came about and those that are too old.
    pub(super) fn add(&mut self, entry: Entry) {
        while self.entries.last().is_some_and(|last| last.to != entry.from) {
            self.entries.pop();
        }
        self.entries.push(entry);
        let old = self.entries.len().saturating_sub(ENTRIES);
        self.entries.drain(..old);
    }

    /// Returns the change that led to this state.
    pub(super) fn into_last(mut self, manifest: &Manifest) -> Option<Entry> {
        let state = state_of(manifest);
        while self.entries.last().is_some_and(|last| last.to != state) {
            self.entries.pop();
        }
        self.entries.pop()
    }
}

/// Names what feeds there are and what they hold, but not when they were imported.
fn state_of(manifest: &Manifest) -> String {
    let mut context = Context::new(&SHA256);
    for feed in &manifest.feeds {
        context.update(format!("{} {}\n", feed.info.name, feed.sha256).as_bytes());
    }
    hex::encode(context.finish())
}
