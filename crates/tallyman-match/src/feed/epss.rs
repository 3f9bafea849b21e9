//! FIRST's estimates of how likely vulnerabilities are to be exploited
//! (<https://www.first.org/epss/data_stats>), CSV: a comment with the model and the date, the names
//! of the columns, a row for each CVE. It is always published as a whole.
//!
//! Excerpts without the comment and the names, such as mirrors keep by year, are taken for what
//! they are: rows that replace those of the same CVEs.

use tallyman_model::limits::Limits;
use tallyman_model::vulnerability::{CveId, Epss, Fraction, VulnerabilityFacts};

use super::keys::Outline;
use super::normalize::parse_date;
use super::{Document, DocumentError, Extent, FactsRecord, Harvest};

/// The feed's name.
pub(crate) const FEED: &str = "epss";

/// With more malformed rows than this a file is no such table.
const MALFORMED_ROWS: usize = 1_000;

/// Tells the table by its first line.
pub(super) fn recognize(outline: &Outline) -> Option<Extent> {
    let line = outline.first_line.trim_end();
    let is_table = line.starts_with("#model_version:") || is_names(line) || row(line).is_ok();
    is_table.then_some(Extent::Many)
}

/// Reads the table line by line.
pub(super) fn read(
    document: &Document<'_>,
    limits: &Limits,
    harvest: &mut Harvest,
) -> Result<(), DocumentError> {
    let bytes = document.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document.bytes);
    let mut is_whole = false;
    let mut date_ms = document.modified_ms;
    let mut rows = 0_u64;
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).unwrap_or("\u{fffd}");
        if let Some(comment) = text.strip_prefix('#') {
            date_ms = score_date(comment).or(date_ms);
        } else if at <= 1 && is_names(text) {
            is_whole = true;
        } else if !text.is_empty() {
            rows += 1;
            if rows > limits.advisory_records {
                return Err(DocumentError::TooManyRecords(limits.advisory_records));
            }
            match row(text) {
                Ok((id, epss)) => harvest.add_facts(FactsRecord {
                    feed: FEED,
                    id,
                    modified_ms: date_ms,
                    withdrawn_ms: None,
                    facts: VulnerabilityFacts { epss: Some(epss), ..VulnerabilityFacts::default() },
                }),
                Err(reason) => {
                    harvest.refuse(format!("{}, line {}", document.name, at + 1), reason);
                }
            }
            if harvest.refused.len() > MALFORMED_ROWS {
                return Err(DocumentError::Content("more than a thousand rows are malformed"));
            }
        }
    }
    if !bytes.ends_with(b"\n") {
        return Err(DocumentError::Content("it ends in the middle of a row"));
    }
    if rows == 0 {
        return Err(DocumentError::Content("it has no rows"));
    }
    // Of a row that was refused nobody knows what it was, so nothing is gone for certain.
    if is_whole && harvest.refused.is_empty() {
        harvest.complete.insert((FEED.to_owned(), String::new()));
    }
    harvest.file_ms.extend(date_ms.map(|ms| (FEED.to_owned(), ms)));
    Ok(())
}

fn is_names(line: &str) -> bool {
    matches!(line, "cve,epss,percentile" | "cve;epss;percentile")
}

/// The zone of `score_date:2026-08-16T00:00:00+0000` is always the same; the day is what counts.
fn score_date(comment: &str) -> Option<i64> {
    let date = comment.split(',').find_map(|part| part.trim().strip_prefix("score_date:"))?;
    parse_date(Some(&format!("{}T00:00:00Z", date.get(..10)?)))
}

fn row(line: &str) -> Result<(CveId, Epss), String> {
    let mut fields = line.split([',', ';']);
    let (Some(id), Some(probability), Some(percentile), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err("it has not three fields".to_owned());
    };
    let id = id.parse().map_err(|error| format!("`{id:.40}` is {error}"))?;
    let fraction = |text: &str| {
        Fraction::parse(text).ok_or_else(|| format!("{id}: `{text:.40}` is no number from 0 to 1"))
    };
    let epss = Epss { probability: fraction(probability)?, percentile: fraction(percentile)? };
    Ok((id, epss))
}
