//! An advisory as it is kept in a feed's facts file and in a bundle.

use serde::{Deserialize, Serialize};
use tallyman_model::advisory::{Advisory, FeedInfo};

/// A record with the part of its feed that it was published in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    /// See [`crate::feed::FeedRecord::scope`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) scope: String,
    pub(crate) advisory: Advisory,
}

impl StoredRecord {
    /// Returns what makes the record one of a kind within its feed.
    pub(crate) fn key(&self) -> (String, String) {
        (self.scope.clone(), self.advisory.id.clone())
    }
}

/// A feed with all its records, sorted by their keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FeedContent {
    pub(crate) info: FeedInfo,
    pub(crate) records: Vec<StoredRecord>,
}
