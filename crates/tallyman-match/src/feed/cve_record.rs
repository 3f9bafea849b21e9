//! Records of the CVE Program (<https://github.com/CVEProject/cve-schema>, JSON 5), as they are in
//! its list and, with what CISA adds, in CISA's *vulnrichment*: one a file.
//!
//! Taken are CVSS vectors, ratings in a word, weaknesses, and whether exploits are known (CISA's
//! SSVC decision). What a record says of products and versions is not: its names are no package's.

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::limits::Limits;
use tallyman_model::severity::Severity;
use tallyman_model::vulnerability::{CveId, Exploitation, VulnerabilityFacts};

use super::keys::Outline;
use super::normalize::{keep_vectors, parse_date};
use super::{Document, DocumentError, Extent, FactsRecord, Harvest, SkipReason, cwe};
use crate::rating::{rate_vectors, rate_word};

/// The feed's name.
pub(crate) const FEED: &str = "cve";

/// More vectors than this are not one vulnerability's.
const VECTORS: usize = 64;

/// Tells a record by its first keys.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    let is_record = outline.has("cveMetadata") || outline.has("dataType");
    (is_record && outline.has("containers") && !outline.is_list).then_some(Extent::One)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    cve_metadata: Metadata,
    #[serde(borrow)]
    containers: Containers<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    state: String,
    #[serde(default)]
    date_updated: Option<String>,
    #[serde(default)]
    date_published: Option<String>,
    #[serde(default)]
    date_rejected: Option<String>,
}

#[derive(Deserialize)]
struct Containers<'a> {
    /// What the numbering authority says.
    #[serde(borrow, default)]
    cna: Container<'a>,
    /// What others add.
    #[serde(borrow, default)]
    adp: Vec<Container<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    #[serde(default)]
    provider_metadata: Option<Provider>,
    #[serde(borrow, default)]
    metrics: Vec<Metric<'a>>,
    #[serde(default)]
    problem_types: Vec<ProblemType>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    #[serde(default)]
    date_updated: Option<String>,
}

#[derive(Deserialize)]
struct Metric<'a> {
    #[serde(rename = "cvssV2_0")]
    v2: Option<Cvss>,
    #[serde(rename = "cvssV3_0")]
    v3_0: Option<Cvss>,
    #[serde(rename = "cvssV3_1")]
    v3_1: Option<Cvss>,
    #[serde(rename = "cvssV4_0")]
    v4: Option<Cvss>,
    #[serde(borrow)]
    other: Option<Other<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cvss {
    #[serde(default)]
    vector_string: Option<String>,
}

#[derive(Deserialize)]
struct Other<'a> {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct ProblemType {
    #[serde(default)]
    descriptions: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    #[serde(default)]
    cwe_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// Reads one record.
pub(super) fn read(
    document: &Document<'_>,
    _limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let record: Record<'_> = serde_json::from_slice(document.bytes)?;
    let metadata = &record.cve_metadata;
    let Ok(id) = metadata.cve_id.parse::<CveId>() else {
        harvest.refuse(document.name, format!("`{:.40}` is not a CVE id", metadata.cve_id));
        return Ok(());
    };
    let date = |text: &Option<String>| parse_date(text.as_deref());
    let all = || std::iter::once(&record.containers.cna).chain(&record.containers.adp);
    let of_containers = all().filter_map(|it| it.provider_metadata.as_ref());
    let modified_ms = of_containers
        .map(|provider| &provider.date_updated)
        .chain([&metadata.date_updated, &metadata.date_published])
        .filter_map(date)
        .max();
    let withdrawn_ms = match metadata.state.as_str() {
        "PUBLISHED" => None,
        "REJECTED" => date(&metadata.date_rejected).or(modified_ms).or(Some(0)),
        _ => {
            harvest.skip(FEED, SkipReason::CannotMatch);
            return Ok(());
        }
    };
    let facts = match withdrawn_ms {
        Some(_) => VulnerabilityFacts::default(),
        None => facts(&record.containers),
    };
    harvest.add_facts(FactsRecord { feed: FEED, id, modified_ms, withdrawn_ms, facts });
    Ok(())
}

fn facts(containers: &Containers<'_>) -> VulnerabilityFacts {
    let Containers { cna, adp } = containers;
    let all = || std::iter::once(cna).chain(adp);
    let own = vectors([cna].into_iter());
    let cvss = match rate_vectors(own.iter()) {
        Some(_) => own,
        None => vectors(adp.iter()),
    };
    let problems =
        || all().flat_map(|it| &it.problem_types).flat_map(|problem| &problem.descriptions);
    // The number is in its own field, or stands before the description.
    let texts = problems().flat_map(|it| it.cwe_id.iter().chain(&it.description));
    let others = || all().flat_map(|it| &it.metrics).filter_map(|metric| metric.other.as_ref());
    VulnerabilityFacts {
        cvss,
        rating: cna.metrics.iter().filter_map(|metric| metric.other.as_ref()).find_map(word),
        cwes: cwe::numbers(texts.map(String::as_str)),
        epss: None,
        kev: None,
        exploitation: others().filter_map(exploitation).max(),
    }
}

fn vectors<'a>(containers: impl Iterator<Item = &'a Container<'a>>) -> Vec<String> {
    let metrics = containers.flat_map(|container| &container.metrics);
    let all = metrics.flat_map(|it| [&it.v2, &it.v3_0, &it.v3_1, &it.v4]).flatten();
    let mut vectors: Vec<String> =
        all.filter_map(|cvss| cvss.vector_string.clone()).take(VECTORS).collect();
    keep_vectors(&mut vectors);
    vectors
}

/// Ratings such as `{"text": "moderate"}` or `{"value": "Moderate"}`.
fn word(other: &Other<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Content {
        #[serde(default, alias = "value")]
        text: Option<String>,
    }
    let content: Content = serde_json::from_str(other.content.get()).ok()?;
    let word = content.text?.trim().to_ascii_lowercase();
    (rate_word(&word) != Severity::Unknown).then_some(word)
}

fn exploitation(other: &Other<'_>) -> Option<Exploitation> {
    #[derive(Deserialize)]
    struct Content {
        options: Vec<Choice>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Choice {
        #[serde(default)]
        exploitation: Option<String>,
    }
    match other.kind.as_str() {
        // CISA's entry in its catalogue, which the catalogue itself need not be loaded for.
        "kev" => Some(Exploitation::Active),
        "ssvc" => {
            let content: Content = serde_json::from_str(other.content.get()).ok()?;
            let word = content.options.into_iter().find_map(|choice| choice.exploitation)?;
            match word.to_ascii_lowercase().as_str() {
                "none" => Some(Exploitation::None),
                "poc" | "public poc" => Some(Exploitation::Poc),
                "active" => Some(Exploitation::Active),
                _ => None,
            }
        }
        _ => None,
    }
}
