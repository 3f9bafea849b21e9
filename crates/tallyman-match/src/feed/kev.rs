//! CISA's catalogue of known exploited vulnerabilities
//! (<https://www.cisa.gov/known-exploited-vulnerabilities-catalog>), JSON. It is always published
//! as a whole.

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::vulnerability::{CveId, KnownExploited, VulnerabilityFacts};

use super::keys::Outline;
use super::normalize::parse_date;
use super::{Document, DocumentError, Extent, FactsRecord, Harvest, cwe};

/// The feed's name.
pub(crate) const FEED: &str = "kev";

/// Tells the catalogue by its head.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    (outline.has("catalogVersion") && outline.has("vulnerabilities")).then_some(Extent::Many)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalog<'a> {
    #[serde(default)]
    date_released: Option<String>,
    #[serde(default)]
    count: Option<u64>,
    #[serde(borrow)]
    vulnerabilities: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve_id: String,
    date_added: String,
    #[serde(default)]
    due_date: Option<String>,
    #[serde(default)]
    known_ransomware_campaign_use: Option<String>,
    #[serde(default)]
    cwes: Option<Vec<String>>,
}

/// Reads the catalogue; one that has fewer entries than it says is not whole.
pub(super) fn read(
    document: &Document<'_>,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let catalog: Catalog<'_> = serde_json::from_slice(document.bytes)?;
    let entries = u64::try_from(catalog.vulnerabilities.len()).unwrap_or(u64::MAX);
    if catalog.count.is_some_and(|count| count != entries) {
        return Err(DocumentError::Content("it has not as many entries as it says"));
    }
    if entries > limits.advisory_records {
        return Err(DocumentError::TooManyRecords(limits.advisory_records));
    }
    let released_ms = parse_date(catalog.date_released.as_deref()).or(document.modified_ms);
    for (at, raw) in catalog.vulnerabilities.iter().enumerate() {
        let name = || format!("{}, entry {}", document.name, at + 1);
        let size = u64::try_from(raw.get().len()).unwrap_or(u64::MAX);
        if size > limits.advisory_record_bytes {
            harvest.refuse(name(), "larger than a record may be (limit advisory-record-bytes)");
            continue;
        }
        match serde_json::from_str(raw.get()).map_err(|error| error.to_string()).and_then(record) {
            Ok(mut record) => {
                record.modified_ms = released_ms;
                harvest.add_facts(record);
            }
            Err(reason) => harvest.refuse(name(), reason),
        }
    }
    // Of an entry that was refused nobody knows what it was, so nothing is gone for certain.
    if harvest.refused.is_empty() {
        harvest.complete.insert((FEED.to_owned(), String::new()));
    }
    harvest.file_ms.extend(released_ms.map(|ms| (FEED.to_owned(), ms)));
    Ok(())
}

fn record(entry: Entry) -> Result<FactsRecord, String> {
    let id: CveId =
        entry.cve_id.parse().map_err(|error| format!("`{:.40}` is {error}", entry.cve_id))?;
    let added = day(&entry.date_added)
        .ok_or_else(|| format!("{id} was added on `{:.40}`", entry.date_added))?;
    let ransomware = entry.known_ransomware_campaign_use;
    let kev = KnownExploited {
        added,
        due: entry.due_date.as_deref().and_then(day),
        ransomware: ransomware.is_some_and(|word| word.trim().eq_ignore_ascii_case("known")),
    };
    let mut facts = VulnerabilityFacts { kev: Some(kev), ..VulnerabilityFacts::default() };
    facts.cwes = cwe::numbers(entry.cwes.iter().flatten().map(String::as_str));
    Ok(FactsRecord { feed: FEED, id, modified_ms: None, withdrawn_ms: None, facts })
}

/// Reads a day, if it is one.
fn day(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() == 10).then(|| parse_date(Some(&format!("{text}T00:00:00Z")))).flatten()?;
    Some(text.to_owned())
}
