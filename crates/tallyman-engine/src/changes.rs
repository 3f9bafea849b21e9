//! What changed for images, in the words of messages to webhooks and of reports.

use serde::Serialize;
use tallyman_store::changes::{
    AnswerFacts, Direction, RiskChange, SuppressionCause, SuppressorFate, VulnerabilityChange,
};
use tallyman_store::images::SeverityCounts;
use tallyman_store::suppressions::sets::SuppressorKind;

use crate::risk::Risk;

/// What became of a vulnerability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VulnerabilityFate {
    /// It was not there before.
    Came,
    /// It is not there any more.
    Went,
    /// It is more or less severe than before.
    Rated,
}

impl VulnerabilityFate {
    /// Tells what became of a vulnerability.
    pub fn of(change: &VulnerabilityChange) -> Self {
        match (change.before, change.after) {
            (None, _) => VulnerabilityFate::Came,
            (Some(_), None) => VulnerabilityFate::Went,
            (Some(_), Some(_)) => VulnerabilityFate::Rated,
        }
    }
}

/// Returns what could be said of the image's risk before and after a change.
pub fn risks(change: &RiskChange) -> (Risk, Risk) {
    let risk = |facts: &AnswerFacts| {
        Risk::of(&facts.state, Some(sum(&facts.vul_by_severity)), change.image.alarm_count)
    };
    (risk(&change.before), risk(&change.after))
}

fn sum(counts: &SeverityCounts) -> u64 {
    counts.iter().map(|(_, count)| count).sum()
}

/// An image of which the answer changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangedImage {
    /// The digest of its configuration.
    pub image_id: String,
    /// The digest of its manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// `worse`, `better`, or `both` where something came and something else went.
    pub change: &'static str,
    /// Whether it is at risk now and was not, or was not known to be.
    pub became_at_risk: bool,
    /// What was known before.
    pub before: Answer,
    /// What was known then.
    pub after: Answer,
    /// The vulnerabilities that are not as they were.
    pub vulnerabilities: Vec<ChangedVulnerability>,
    /// The number of further ones.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// The first servers that have it.
    pub servers: Vec<Server>,
    /// The number of all servers that have it.
    pub server_count: u64,
    /// When it changed.
    pub changed: String,
}

/// What is known of an image's risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whether it is at risk; absent: that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_risk: Option<bool>,
    /// The number of its vulnerabilities; absent: that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<u64>,
}

/// A vulnerability that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedVulnerability {
    /// Its name.
    pub id: String,
    /// What became of it.
    pub change: VulnerabilityFate,
    /// How severe it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_before: Option<&'static str>,
    /// How severe it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_after: Option<&'static str>,
    /// A package that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// The record that is or was decisive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisory: Option<String>,
    /// The feed of that record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// The first version without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_version: Option<String>,
    /// The ignore rule or VEX document that is why, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// Why a vulnerability counts, or does not, although no advisory changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// `rule` or `vex`.
    pub kind: &'static str,
    /// The identifier of the rule or the document.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `suppresses` from now on; or not any more: `expired`, `removed`, or `changed` where it is
    /// there and does not hold.
    pub fate: &'static str,
}

impl Cause {
    /// Puts a cause into words.
    pub fn of(cause: &SuppressionCause) -> Self {
        Cause {
            kind: match cause.by.kind {
                SuppressorKind::Rule => "rule",
                SuppressorKind::Vex => "vex",
            },
            id: cause.by.id.clone(),
            author: cause.by.author.clone(),
            reason: cause.by.reason.clone(),
            fate: match cause.fate {
                SuppressorFate::Suppresses => "suppresses",
                SuppressorFate::Expired => "expired",
                SuppressorFate::Removed => "removed",
                SuppressorFate::Changed => "changed",
            },
        }
    }
}

/// A package version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// The ecosystem.
    pub ecosystem: &'static str,
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

/// A server with an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its UUID.
    pub uuid: String,
    /// What the image is called there.
    pub names: Vec<String>,
}

impl ChangedImage {
    /// Puts a change into words.
    pub fn of(change: &RiskChange) -> Self {
        let (before, after) = risks(change);
        let answer =
            |risk: Risk| Answer { at_risk: risk.risky, vulnerabilities: risk.vulnerabilities };
        let server = |it: &tallyman_store::changes::ServerOfImage| Server {
            uuid: it.server_uuid.to_string(),
            names: it.names.clone(),
        };
        ChangedImage {
            image_id: change.image.config_digest.to_string(),
            digest: change.image.manifest_digest.as_ref().map(ToString::to_string),
            change: match change.direction {
                Direction::Better => "better",
                Direction::Both => "both",
                Direction::Worse => "worse",
            },
            became_at_risk: before.risky != Some(true) && after.risky == Some(true),
            before: answer(before),
            after: answer(after),
            vulnerabilities: change.vulnerabilities.iter().map(ChangedVulnerability::of).collect(),
            left_out: change.left_out,
            servers: change.servers.iter().map(server).collect(),
            server_count: change.server_count,
            changed: tallyman_model::clock::format_utc(change.changed_at),
        }
    }
}

impl ChangedVulnerability {
    fn of(change: &VulnerabilityChange) -> Self {
        let record = change.record.as_ref();
        ChangedVulnerability {
            id: change.vulnerability.clone(),
            change: VulnerabilityFate::of(change),
            severity_before: change.before.map(|severity| severity.name()),
            severity_after: change.after.map(|severity| severity.name()),
            package: change.package.as_ref().map(|package| Package {
                ecosystem: package.ecosystem.name(),
                name: package.name.clone(),
                version: package.version.clone(),
            }),
            advisory: record.map(|record| record.advisory.clone()),
            feed: record.map(|record| record.feed.clone()),
            fixed_version: record.and_then(|record| record.fixed_version.clone()),
            cause: change.cause.as_ref().map(Cause::of),
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
