//! The npm records of the Node.js Security Working Group's old database
//! (<https://github.com/nodejs/security-wg>, `vuln/npm`), whose ranges are npm's.

mod npm_range;

use serde::Deserialize;
use tallyman_model::advisory::{Advisory, Affected, FixState, Naming, PackageKey};
use tallyman_model::limits::Limits;
use tallyman_model::package::Ecosystem;

use super::keys::Outline;
use super::normalize::{normalize, parse_date};
use super::{Document, DocumentError, Extent, FeedRecord, Harvest, SkipReason};
use npm_range::affected_events;

const FEED: &str = "nodejs-wg";

/// Tells a record by its fields.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    (outline.has("module_name") && outline.has("vulnerable_versions")).then_some(Extent::One)
}

#[derive(Deserialize)]
struct Record {
    id: u64,
    module_name: String,
    #[serde(default)]
    vulnerable_versions: Option<String>,
    #[serde(default)]
    patched_versions: Option<String>,
    #[serde(default)]
    cves: Option<Vec<String>>,
    #[serde(default)]
    cvss_vector: Option<String>,
    #[serde(default)]
    publish_date: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
}

/// Reads one record.
pub(super) fn read(
    document: &Document<'_>,
    _limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let record: Record = serde_json::from_slice(document.bytes)?;
    let vulnerable = record.vulnerable_versions.as_deref().unwrap_or("*");
    let patched = record.patched_versions.as_deref();
    let Some(ranges) = affected_events(vulnerable, patched) else {
        harvest.refuse(document.name, format!("`{vulnerable}` is not a range of versions"));
        return Ok(());
    };
    let affected = Affected {
        key: PackageKey { ecosystem: Ecosystem::Npm, release: None, name: record.module_name },
        ranges,
        versions: Vec::new(),
        cvss: Vec::new(),
        urgency: None,
        fix_state: FixState::Open,
        modules: Vec::new(),
        architectures: Vec::new(),
        naming: Naming::Usual,
    };
    let advisory = normalize(Advisory {
        id: format!("NSWG-ECO-{}", record.id),
        aliases: record.cves.unwrap_or_default(),
        upstream: Vec::new(),
        published_ms: parse_day(record.publish_date.as_deref()),
        modified_ms: parse_day(record.updated_at.as_deref()),
        withdrawn_ms: None,
        cvss: record.cvss_vector.into_iter().collect(),
        affected: spellings(affected),
    });
    if advisory.affected.is_empty() {
        harvest.skip(FEED, SkipReason::CannotMatch);
        return Ok(());
    }
    harvest.add(document, FeedRecord { feed: FEED.to_owned(), scope: String::new(), advisory });
    Ok(())
}

/// The records write `jQuery` and mean `jquery`: names with capitals are older than npm's rule
/// against them, and the package that has the same name in small letters is the one in use.
fn spellings(affected: Affected) -> Vec<Affected> {
    let small = affected.key.name.to_lowercase();
    if small == affected.key.name {
        return vec![affected];
    }
    let key = PackageKey { name: small, ..affected.key.clone() };
    vec![Affected { key, ..affected.clone() }, affected]
}

fn parse_day(day: Option<&str>) -> Option<i64> {
    parse_date(Some(&format!("{}T00:00:00Z", day?)))
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::super::{Document, Harvest};

    #[test]
    fn a_name_with_capitals_means_the_one_in_small_letters_as_well() {
        let bytes = br#"{"id": 1, "module_name": "jQuery", "vulnerable_versions": "<3.4.0"}"#;
        let mut harvest = Harvest::default();
        let document = Document { name: "1.json", bytes, modified_ms: None };
        super::read(&document, &Limits::default(), &mut harvest).expect("a record");
        let names = harvest.records.iter().flat_map(|record| &record.advisory.affected);
        let names: Vec<&str> = names.map(|affected| affected.key.name.as_str()).collect();
        assert_eq!(names, ["jQuery", "jquery"]);
    }
}
