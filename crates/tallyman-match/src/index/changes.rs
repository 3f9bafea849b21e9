//! What differs between two indexes: only packages with these keys need to be matched again.

use std::collections::BTreeSet;

use tallyman_model::advisory::PackageKey;

use super::{AdvisoryIndex, IndexError};

impl AdvisoryIndex {
    /// Returns all keys that advisories speak of.
    pub fn keys(&self) -> impl Iterator<Item = Result<PackageKey, IndexError>> {
        (0..self.key_count()).map(|at| self.key_at(at))
    }

    /// Returns the keys of which this index says something else than an older one, sorted.
    ///
    /// # Errors
    /// When one of the indexes contradicts itself.
    pub fn changed_keys(&self, older: &AdvisoryIndex) -> Result<Vec<PackageKey>, IndexError> {
        if self.revision() == older.revision() {
            return Ok(Vec::new());
        }
        let all: BTreeSet<PackageKey> =
            self.keys().chain(older.keys()).collect::<Result<_, _>>()?;
        let mut changed = Vec::new();
        for key in all {
            if self.find(&key)? != older.find(&key)? {
                changed.push(key);
            }
        }
        Ok(changed)
    }
}
