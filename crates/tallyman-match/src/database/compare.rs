//! Comparing states of the feeds: two bundles or databases, or the last two states of one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tallyman_model::limits::Limits;

use super::difference::FeedDifference;
use super::{AdvisoryDatabase, DatabaseError, bundle, exchange, io_error, manifest};
use crate::record::StoredRecord;

/// A folder of an installation in which the database is, beside its own folder.
const FOLDER_OF_INSTALLATION: &str = "advisories";

/// What differs between two states of the feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseDifference {
    /// The revision before, where it is known.
    pub revision_before: Option<String>,
    /// The revision after, where it is known.
    pub revision_after: Option<String>,
    /// When the one became the other, where it is known.
    pub changed_ms: Option<i64>,
    /// By feed; those that are the same are left out.
    pub feeds: BTreeMap<String, FeedDifference>,
}

impl DatabaseDifference {
    /// Tells whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }
}

/// A state of the feeds that can be compared.
#[derive(Debug)]
pub struct FeedState(Side);

#[derive(Debug)]
enum Side {
    Database(Box<AdvisoryDatabase>),
    Bundle(BTreeMap<String, Vec<StoredRecord>>),
}

impl FeedState {
    /// Opens a bundle, the folder of a database, or the data directory of an installation.
    ///
    /// # Errors
    /// When it is none of these or cannot be read.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, DatabaseError> {
        let inner = path.join(FOLDER_OF_INSTALLATION);
        for folder in [path, inner.as_path()] {
            if folder.join(manifest::FILE).is_file() {
                let database = AdvisoryDatabase::open(folder, limits.clone())?;
                return Ok(FeedState(Side::Database(Box::new(database))));
            }
        }
        if exchange::is_bundle(path) {
            let feeds = exchange::read_whole(path, limits);
            let feeds = feeds.map_err(|error| DatabaseError::Bundle(error.to_string()))?;
            let feeds = feeds.into_iter().map(|feed| (feed.info.name, feed.records));
            return Ok(FeedState(Side::Bundle(feeds.collect())));
        }
        let bytes = std::fs::read(path).map_err(|source| io_error(path, source))?;
        let feeds = bundle::read(&bytes, limits)?;
        let records = |incoming: super::Incoming| incoming.records.into_values().collect();
        let feeds = feeds.into_iter().map(|(name, incoming)| (name, records(incoming)));
        Ok(FeedState(Side::Bundle(feeds.collect())))
    }

    fn names(&self) -> Result<BTreeSet<String>, DatabaseError> {
        match &self.0 {
            Side::Database(database) => {
                let feeds = database.info()?;
                Ok(feeds.into_iter().map(|feed| feed.name).collect())
            }
            Side::Bundle(feeds) => Ok(feeds.keys().cloned().collect()),
        }
    }

    fn revision(&self) -> Result<Option<String>, DatabaseError> {
        match &self.0 {
            Side::Database(database) => Ok(database.manifest()?.index),
            Side::Bundle(_) => Ok(None),
        }
    }

    /// Returns the hash of a feed's file, where there is one.
    fn hash(&self, name: &str) -> Result<Option<String>, DatabaseError> {
        match &self.0 {
            Side::Database(database) => {
                let mut feeds = database.manifest()?.feeds.into_iter();
                Ok(feeds.find(|feed| feed.info.name == name).map(|feed| feed.sha256))
            }
            Side::Bundle(_) => Ok(None),
        }
    }

    /// Returns the records of a feed, sorted.
    fn records(&mut self, name: &str) -> Result<Vec<StoredRecord>, DatabaseError> {
        match &mut self.0 {
            Side::Database(database) => {
                let manifest = database.manifest()?;
                match manifest.feeds.iter().find(|feed| feed.info.name == name) {
                    Some(file) => Ok(database.read_feed(file)?.records),
                    None => Ok(Vec::new()),
                }
            }
            Side::Bundle(feeds) => Ok(feeds.remove(name).unwrap_or_default()),
        }
    }

    /// Says what differs in another state, with every record.
    ///
    /// # Errors
    /// When a feed cannot be read.
    pub fn compare(mut self, mut newer: FeedState) -> Result<DatabaseDifference, DatabaseError> {
        let mut difference = DatabaseDifference {
            revision_before: self.revision()?,
            revision_after: newer.revision()?,
            ..DatabaseDifference::default()
        };
        for name in self.names()?.union(&newer.names()?) {
            let (old, new) = (self.hash(name)?, newer.hash(name)?);
            if old.is_some() && old == new {
                continue;
            }
            let (old, new) = (self.records(name)?, newer.records(name)?);
            let feed = FeedDifference::between(&old, &new, usize::MAX);
            if !feed.is_empty() {
                difference.feeds.insert(name.clone(), feed);
            }
        }
        Ok(difference)
    }
}

impl AdvisoryDatabase {
    /// Returns what the last change of the feeds was; `None` where that was not written down. The
    /// records are all counted, and the first of each feed named.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_change(&self) -> Result<Option<DatabaseDifference>, DatabaseError> {
        let manifest = self.manifest()?;
        let Some(entry) = self.journal().into_last(&manifest) else { return Ok(None) };
        Ok(Some(DatabaseDifference {
            revision_before: entry.revision_before,
            revision_after: manifest.index,
            changed_ms: Some(entry.changed_ms),
            feeds: entry.feeds.into_iter().filter(|(_, feed)| !feed.is_empty()).collect(),
        }))
    }
}

#[cfg(test)]
mod tests;
