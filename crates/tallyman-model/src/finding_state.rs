//! What has become of a finding in an image: whether it counts, and who says that it does not.

use serde::{Deserialize, Serialize};

use crate::advisory::FixState;
use crate::vex::VexStatus;

/// The state of a finding of a package in an image.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// It counts.
    #[default]
    Open,
    /// It counts, and the distribution will not fix it.
    WillNotFix,
    /// It counts, and the package is no longer supported.
    EndOfLife,
    /// It counts, and the distribution has not looked yet.
    Undetermined,
    /// A VEX statement says that the product is not affected.
    NotAffected,
    /// A VEX statement says that the product has a fix.
    Fixed,
    /// A rule says that it is to be ignored.
    Ignored,
}

impl FindingState {
    /// Decides the state by what the feeds, the newest VEX statement and a rule say.
    pub fn decide(fix_state: FixState, vex: Option<VexStatus>, is_ignored: bool) -> Self {
        match (vex, is_ignored, fix_state) {
            (Some(VexStatus::NotAffected), _, _) => FindingState::NotAffected,
            (Some(VexStatus::Fixed), _, _) => FindingState::Fixed,
            (_, true, _) => FindingState::Ignored,
            (_, false, FixState::WillNotFix) => FindingState::WillNotFix,
            (_, false, FixState::EndOfLife) => FindingState::EndOfLife,
            (_, false, FixState::Undetermined) => FindingState::Undetermined,
            (_, false, FixState::Open | FixState::NotAffected) => FindingState::Open,
        }
    }

    /// Tells whether the finding does not count.
    pub fn is_suppressed(self) -> bool {
        match self {
            FindingState::NotAffected | FindingState::Fixed | FindingState::Ignored => true,
            FindingState::Open
            | FindingState::WillNotFix
            | FindingState::EndOfLife
            | FindingState::Undetermined => false,
        }
    }

    /// Says it in words.
    pub fn describe(self) -> &'static str {
        match self {
            FindingState::Open => "open",
            FindingState::WillNotFix => "will not be fixed",
            FindingState::EndOfLife => "end of life",
            FindingState::Undetermined => "undetermined",
            FindingState::NotAffected => "not affected",
            FindingState::Fixed => "fixed",
            FindingState::Ignored => "ignored",
        }
    }
}

/// The VEX statement that holds for a finding: the newest of those that do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedStatement {
    /// What it says.
    pub status: VexStatus,
    /// The identifier of its document.
    pub document: String,
    /// Who wrote it.
    pub author: String,
    /// Why, by one of the formats' labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// Why, in the author's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
    /// When it was said, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// A rule that speaks of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRule {
    /// The identifier of the rule.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// Since when it is kept, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// From when on it no longer holds, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::FindingState;
    use crate::advisory::FixState;
    use crate::vex::VexStatus;

    #[test]
    fn a_statement_goes_before_a_rule_and_a_rule_before_the_distribution() {
        let decide = FindingState::decide;
        let state = decide(FixState::WillNotFix, Some(VexStatus::NotAffected), true);
        assert_eq!(state, FindingState::NotAffected);
        assert_eq!(decide(FixState::Open, Some(VexStatus::Affected), true), FindingState::Ignored);
        assert_eq!(decide(FixState::WillNotFix, None, false), FindingState::WillNotFix);
    }

    #[test]
    fn only_what_somebody_suppressed_does_not_count() {
        for status in [VexStatus::Affected, VexStatus::UnderInvestigation] {
            assert!(!FindingState::decide(FixState::Open, Some(status), false).is_suppressed());
        }
        for status in [VexStatus::NotAffected, VexStatus::Fixed] {
            assert!(FindingState::decide(FixState::Open, Some(status), false).is_suppressed());
        }
        assert!(!FindingState::decide(FixState::EndOfLife, None, false).is_suppressed());
    }
}
