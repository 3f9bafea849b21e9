//! An advisory as it is kept in a feed's facts file and in a bundle.

use serde::{Deserialize, Serialize};
use tallyman_model::advisory::{Advisory, FeedInfo};
use tallyman_model::vulnerability::VulnerabilityFacts;

use crate::feed::FactsRecord;

/// A record with the part of its feed that it was published in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    /// See [`crate::feed::FeedRecord::scope`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) scope: String,
    pub(crate) advisory: Advisory,
    /// What a feed about vulnerabilities says of the one that the advisory is named after; the
    /// advisory itself says nothing of packages then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) facts: Option<Box<VulnerabilityFacts>>,
}

impl StoredRecord {
    /// Makes the record of what is said of a vulnerability.
    pub(crate) fn of_facts(record: FactsRecord) -> Self {
        StoredRecord {
            scope: String::new(),
            advisory: Advisory {
                id: record.id.to_string(),
                aliases: Vec::new(),
                upstream: Vec::new(),
                published_ms: None,
                modified_ms: record.modified_ms,
                withdrawn_ms: record.withdrawn_ms,
                cvss: Vec::new(),
                affected: Vec::new(),
            },
            facts: Some(Box::new(record.facts)),
        }
    }

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
