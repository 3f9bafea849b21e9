//! The records of a feed, read back from an index: a new index takes those of unchanged feeds from
//! the one before instead of reading their facts again.

use std::collections::BTreeMap;

use tallyman_model::advisory::{Advisory, Affected};

use super::{AdvisoryIndex, IndexError};
use crate::record::StoredRecord;

impl AdvisoryIndex {
    /// Returns the records of all feeds, by the feed's name: what matters for an index, that is
    /// without withdrawn ones, without dates of change and without scopes, in the order of the feed.
    /// A feed whose records speak of no package has none here.
    ///
    /// # Errors
    /// When the index contradicts itself.
    pub(crate) fn records(&self) -> Result<BTreeMap<String, Vec<StoredRecord>>, IndexError> {
        let mut statements: BTreeMap<usize, Vec<Affected>> = BTreeMap::new();
        for at in 0..self.key_count() {
            let key = self.key_at(at)?;
            let mut entries = self.entries(at)?;
            while let Some((advisory_at, statement)) = entries.next()? {
                let affected = self.affected(key.clone(), &statement)?;
                statements.entry(advisory_at).or_default().push(affected);
            }
        }
        let mut feeds: BTreeMap<String, Vec<StoredRecord>> = BTreeMap::new();
        for feed in &self.meta.feeds {
            feeds.insert(feed.name.clone(), Vec::new());
        }
        // Advisories stand in the order of their feeds, and of the records within them.
        for (advisory_at, affected) in statements {
            let Some(first) = affected.first().cloned() else { continue };
            let indexed = self.read_advisory(advisory_at, first)?;
            let advisory = Advisory {
                id: indexed.id,
                aliases: indexed.aliases,
                upstream: indexed.upstream,
                published_ms: indexed.published_ms,
                modified_ms: None,
                withdrawn_ms: None,
                cvss: indexed.cvss,
                affected,
            };
            let record = StoredRecord { scope: String::new(), advisory, facts: None };
            feeds.entry(indexed.feed).or_default().push(record);
        }
        Ok(feeds)
    }
}
