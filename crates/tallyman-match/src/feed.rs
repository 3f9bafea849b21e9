//! Feeds: files of advisories in, [`Advisory`] records out.
//!
//! Each format is a file in `feed/` and one line in [`FORMATS`]. A format is told by its content,
//! never by a file's name. `container.rs` opens folders, archives and compressed files.

mod alpine_secdb;
pub(crate) mod csaf;
mod cve_record;
mod cwe;
mod debian_changelog;
mod debian_tracker;
mod epss;
mod friendsofphp;
mod kev;
mod keys;
mod metered;
mod nevra;
mod node_wg;
pub(crate) mod normalize;
mod osv;
mod oval;
mod ruby_advisory;
mod statement;
mod updateinfo;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use tallyman_model::advisory::Advisory;
use tallyman_model::coverage::CoverageGap;
use tallyman_model::limits::Limits;
use tallyman_model::vulnerability::{CveId, VulnerabilityFacts};

use keys::Outline;

/// Longer ids and names than this are none.
const ID_BYTES: usize = 256;

/// Where a running import stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What was just read.
    pub name: String,
    /// The records that were read up to now.
    pub records: u64,
}

/// One document of a feed, whole in memory.
pub(crate) struct Document<'a> {
    /// Where it was found, for messages.
    pub(crate) name: &'a str,
    pub(crate) bytes: &'a [u8],
    /// The date of the file, for records that carry none.
    pub(crate) modified_ms: Option<i64>,
}

/// A record as a feed's file keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FeedRecord {
    /// The feed's name, such as `osv/PyPI`.
    pub(crate) feed: String,
    /// The part of the feed that is always published as a whole; empty where records come singly.
    pub(crate) scope: String,
    pub(crate) advisory: Advisory,
}

/// What a feed about vulnerabilities says of one of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FactsRecord {
    pub(crate) feed: &'static str,
    pub(crate) id: CveId,
    /// When it was said, milliseconds since the epoch.
    pub(crate) modified_ms: Option<i64>,
    /// When it was taken back: the record was rejected.
    pub(crate) withdrawn_ms: Option<i64>,
    pub(crate) facts: VulnerabilityFacts,
}

/// Why a record or a part of one was left out without being wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// A document in an archive or a folder that is no feed.
    UnknownFormat,
    /// An affected package of an ecosystem that is not known here.
    UnknownEcosystem,
    /// An affected package of a distribution that does not say of which release.
    NoRelease,
    /// An affected entry that names no package.
    NoPackage,
    /// Ranges of commits.
    GitRange,
    /// A range with an event that the schema does not know, or with none.
    MalformedRange,
    /// A range with a version that has no place in the ecosystem's order.
    InvalidVersion,
    /// An update that mends no vulnerability.
    NotSecurity,
    /// Nothing in it could ever match.
    CannotMatch,
    /// An affected package of an ecosystem whose packages are not recognised in images.
    NoInventory,
    /// A document of a vendor whose products are no packages here.
    UnknownVendor,
    /// A product of a known vendor that no image gets by default, or that is no package.
    OtherProduct,
    /// A package of a module whose stream is not named.
    NoModule,
    /// A criterion whose test is of no known kind, or missing.
    UnknownTest,
}

/// A record that was refused, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The record: its file, and its place in it.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What the reading of documents brought.
#[derive(Debug, Default)]
pub(crate) struct Harvest {
    pub(crate) records: Vec<FeedRecord>,
    pub(crate) facts: Vec<FactsRecord>,
    /// Parts of feeds that were read as a whole: what they no longer say is no longer so.
    pub(crate) complete: BTreeSet<(String, String)>,
    /// The ecosystems and releases of which a feed said all that it says.
    pub(crate) covers: BTreeSet<(String, CoverageGap)>,
    /// Left out, by feed (empty where none could be told).
    pub(crate) skipped: BTreeMap<(String, SkipReason), u64>,
    pub(crate) refused: Vec<Refusal>,
    /// The date of the newest file with a record that carries none itself, by feed.
    pub(crate) file_ms: BTreeMap<String, i64>,
}

impl Format {
    /// Tells whether documents of the format are read as streams.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.read, Reading::Stream(_))
    }
}

impl Harvest {
    /// Takes a record.
    pub(crate) fn add(&mut self, document: &Document<'_>, record: FeedRecord) {
        let advisory = &record.advisory;
        let is_dated = advisory.modified_ms.is_some() || advisory.published_ms.is_some();
        if let Some(modified_ms) = document.modified_ms.filter(|_| !is_dated) {
            let newest = self.file_ms.entry(record.feed.clone()).or_insert(modified_ms);
            *newest = (*newest).max(modified_ms);
        }
        self.records.push(record);
    }

    /// Takes what is said of a vulnerability.
    pub(crate) fn add_facts(&mut self, record: FactsRecord) {
        self.facts.push(record);
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.records.len() + self.facts.len()
    }

    /// Counts what is left out.
    pub(crate) fn skip(&mut self, feed: &str, reason: SkipReason) {
        *self.skipped.entry((feed.to_owned(), reason)).or_default() += 1;
    }

    /// Refuses a record.
    pub(crate) fn refuse(&mut self, name: impl Into<String>, reason: impl ToString) {
        self.refused.push(Refusal { name: name.into(), reason: reason.to_string() });
    }

    /// Adds another harvest.
    pub(crate) fn merge(&mut self, other: Harvest) {
        self.records.extend(other.records);
        self.facts.extend(other.facts);
        self.complete.extend(other.complete);
        self.covers.extend(other.covers);
        for (key, count) in other.skipped {
            *self.skipped.entry(key).or_default() += count;
        }
        self.refused.extend(other.refused);
        for (feed, ms) in other.file_ms {
            let newest = self.file_ms.entry(feed).or_insert(ms);
            *newest = (*newest).max(ms);
        }
    }
}

/// Why a document as a whole says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("malformed JSON")]
    Json(#[from] serde_json::Error),
    #[error("malformed YAML: {0}")]
    Yaml(String),
    #[error("malformed XML")]
    Xml(#[from] quick_xml::Error),
    #[error("{0}")]
    Content(&'static str),
    #[error("more than {0} records (limit advisory-records)")]
    TooManyRecords(u64),
}

/// How many records a document of a format holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// One; the limit on a record holds for the whole document.
    One,
    /// Many.
    Many,
}

/// A format of advisories.
pub(crate) struct Format {
    recognize: fn(&Outline) -> Option<Extent>,
    read: Reading,
}

/// How the documents of a format are read.
enum Reading {
    /// Whole in memory.
    Whole(fn(&Document<'_>, &Limits, &mut Harvest) -> Result<(), DocumentError>),
    /// As a stream, which bounds itself; the document's bytes are empty.
    Stream(fn(&Document<'_>, &mut dyn Read, &Limits, &mut Harvest) -> Result<(), DocumentError>),
}

/// All formats. A new one is a line here and a file.
const FORMATS: [Format; 13] = [
    Format { recognize: osv::recognize, read: Reading::Whole(osv::read) },
    Format { recognize: csaf::recognize, read: Reading::Whole(csaf::read) },
    Format { recognize: debian_tracker::recognize, read: Reading::Stream(debian_tracker::read) },
    Format { recognize: debian_changelog::recognize, read: Reading::Whole(debian_changelog::read) },
    Format { recognize: alpine_secdb::recognize, read: Reading::Whole(alpine_secdb::read) },
    Format { recognize: node_wg::recognize, read: Reading::Whole(node_wg::read) },
    Format { recognize: oval::recognize, read: Reading::Stream(oval::read) },
    Format { recognize: updateinfo::recognize, read: Reading::Stream(updateinfo::read) },
    Format { recognize: friendsofphp::recognize, read: Reading::Whole(friendsofphp::read) },
    Format { recognize: ruby_advisory::recognize, read: Reading::Whole(ruby_advisory::read) },
    Format { recognize: kev::recognize, read: Reading::Whole(kev::read) },
    Format { recognize: epss::recognize, read: Reading::Whole(epss::read) },
    Format { recognize: cve_record::recognize, read: Reading::Whole(cve_record::read) },
];

/// Finds the format of a document by its beginning.
pub(crate) fn find_format(head: &[u8]) -> Option<(&'static Format, Extent)> {
    let outline = Outline::of(head);
    FORMATS.iter().find_map(|format| Some((format, (format.recognize)(&outline)?)))
}

/// Reads a document; nothing of one that fails is kept.
pub(crate) fn read_document(
    format: &Format,
    document: &Document<'_>,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let mut own = Harvest::default();
    match format.read {
        Reading::Whole(read) => read(document, limits, &mut own)?,
        Reading::Stream(read) => read(document, &mut { document.bytes }, limits, &mut own)?,
    }
    harvest.merge(own);
    Ok(())
}

/// Reads a document as a stream, if its format can be read so; nothing of one that fails is kept.
pub(crate) fn read_stream(
    format: &Format,
    document: &Document<'_>,
    stream: &mut dyn Read,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let Reading::Stream(read) = format.read else {
        return Err(DocumentError::Content("its format is not read as a stream"));
    };
    let mut own = Harvest::default();
    read(document, stream, limits, &mut own)?;
    harvest.merge(own);
    Ok(())
}

/// Returns a document's own name without its folders and its ending.
fn stem(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Reads a document as one of a format, whatever it looks like; returns how many records it holds.
pub(crate) fn read_as(format: &str, bytes: &[u8], limits: &Limits) -> usize {
    let mut harvest = Harvest::default();
    let document = Document { name: format, bytes, modified_ms: None };
    let result = match format {
        "csaf" => csaf::read(&document, limits, &mut harvest),
        "oval" => oval::read(&document, &mut { bytes }, limits, &mut harvest),
        "kev" => kev::read(&document, limits, &mut harvest),
        "epss" => epss::read(&document, limits, &mut harvest),
        "cve" => cve_record::read(&document, limits, &mut harvest),
        _ => updateinfo::read(&document, &mut { bytes }, limits, &mut harvest),
    };
    result.map_or(0, |()| harvest.len())
}

/// Returns how many bytes a document may have that is read as a stream.
fn stream_limit(limits: &Limits) -> u64 {
    limits.advisory_record_bytes.saturating_mul(crate::container::RECORDS_PER_DOCUMENT)
}

/// Finds the CVEs that a text names.
fn cves_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("CVE-").filter_map(|(start, _)| {
        let rest = text.get(start..)?;
        let end = rest.get(4..)?.find(|c: char| !c.is_ascii_digit() && c != '-');
        let name = rest.get(..end.map_or(rest.len(), |end| end + 4))?.trim_end_matches('-');
        let (year, number) = name.get(4..)?.split_once('-')?;
        let is_name = year.len() == 4 && (4..=19).contains(&number.len()) && !number.contains('-');
        is_name.then_some(name)
    })
}

/// Reads a YAML document; its parser's own budget bounds depth and aliases.
fn read_yaml<'de, T: serde::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DocumentError> {
    serde_saphyr::from_slice(bytes).map_err(|error| {
        // Only the first line: the rest is an excerpt of the document.
        let text = error.to_string();
        DocumentError::Yaml(text.lines().next().unwrap_or_default().to_owned())
    })
}

#[cfg(test)]
mod tests;
