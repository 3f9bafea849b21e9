//! The manifest: which facts files and which index count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tallyman_model::advisory::FeedInfo;

/// The manifest's file name.
pub(super) const FILE: &str = "advisories.json";

/// The version of the facts files; others are refused.
const FORMAT: u32 = 1;

/// What the database holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// Sorted by name.
    pub(super) feeds: Vec<FeedFile>,
    /// The revision of the index of just these feeds, where it was compiled.
    pub(super) index: Option<String>,
    /// The revisions before it whose files are still there, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    older: Vec<String>,
    /// What the newest index was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) compiled: Option<Compiled>,
}

/// What an index was made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Compiled {
    /// The revision of the index.
    pub(super) revision: String,
    /// The hashes of the facts files, by the feeds' names.
    feeds: BTreeMap<String, String>,
}

impl Compiled {
    /// Tells whether a feed was the same then as it is now.
    pub(super) fn is_current(&self, feed: &FeedFile) -> bool {
        self.feeds.get(&feed.info.name) == Some(&feed.sha256)
    }

    /// Returns the names of the feeds.
    pub(super) fn feeds(&self) -> impl Iterator<Item = &str> {
        self.feeds.keys().map(String::as_str)
    }
}

/// How many older indexes are kept, for those who have not matched with a newer one yet.
const KEPT: usize = 2;

/// A feed's facts file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FeedFile {
    pub(super) file: String,
    pub(super) sha256: String,
    pub(super) info: FeedInfo,
}

impl Default for Manifest {
    fn default() -> Self {
        Manifest {
            format: FORMAT,
            feeds: Vec::new(),
            index: None,
            older: Vec::new(),
            compiled: None,
        }
    }
}

impl Manifest {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let manifest: Manifest = serde_json::from_slice(bytes)?;
        if manifest.format != FORMAT {
            return Err(serde::de::Error::custom("written by another version of the program"));
        }
        Ok(manifest)
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    /// Says that the feeds changed: the index is one of those before.
    pub(super) fn outdate_index(&mut self) {
        if let Some(index) = self.index.take() {
            self.older.retain(|older| *older != index);
            self.older.insert(0, index);
            self.older.truncate(KEPT);
        }
    }

    /// Names the index of the feeds as they are.
    pub(super) fn set_index(&mut self, revision: &str) {
        self.outdate_index();
        self.older.retain(|older| older != revision);
        self.index = Some(revision.to_owned());
        let feeds = self.feeds.iter().map(|feed| (feed.info.name.clone(), feed.sha256.clone()));
        self.compiled = Some(Compiled { revision: revision.to_owned(), feeds: feeds.collect() });
    }

    /// Tells whether a file of this name counts.
    pub(super) fn names(&self, name: &str) -> bool {
        let mut indexes = self.index.iter().chain(&self.older);
        let is_index = indexes.any(|index| name == super::index_file(index));
        is_index || self.feeds.iter().any(|feed| feed.file == name)
    }
}
