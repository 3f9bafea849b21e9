//! A vulnerability of a package version, with the reason why we say so.

use serde::{Deserialize, Serialize};

use crate::advisory::FixState;
use crate::severity::Severity;

/// One vulnerability of one package version. It holds for every image with that version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The name of the vulnerability: the CVE where there is one, else the record's id.
    pub id: String,
    /// All other names, sorted.
    pub aliases: Vec<String>,
    /// The record that decided, by its id in its feed.
    pub advisory: String,
    /// The feed of that record.
    pub feed: String,
    /// The severity.
    pub severity: Severity,
    /// The CVSS base score, where a vector gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The CVSS vector behind the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    /// The smallest version above the present one that is not affected, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_version: Option<String>,
    /// The range or the listed version that the present version fell into, in words such as
    /// `>= 1.2, < 1.4`.
    pub matched: String,
    /// What the distribution says, where it is not fixed.
    pub fix_state: FixState,
    /// When the vulnerability was first published, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_ms: Option<i64>,
    /// Records of other feeds that call the package not affected and are believed less than the
    /// one that decided: `FEED ID` each, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradicted_by: Vec<String>,
}
