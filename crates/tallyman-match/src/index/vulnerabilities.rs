//! The section on vulnerabilities: what is known of each whatever package it is in.
//!
//! It starts with the number of rows (`u32`), and a row of 16 bytes for each, sorted by year and
//! number: the CVE's year (`u16`), its number (`u32`), EPSS's probability and percentile (`u24`
//! each, in steps of 0.00001, all ones where there are none), and where its details are (`u32`,
//! 0 or position behind the rows + 1). Nearly all rows have no details, which is what keeps the
//! section small.
//!
//! Details are: CVSS vectors (list of strings), rating (varint, 0 or string + 1), weaknesses (list
//! of varints), exploitation (byte, 0 if nobody says), CISA's entry (byte: 0 none, 1, or 3 where
//! ransomware uses it; then the day it was added as a string, and the day it is due as 0 or
//! string + 1).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use tallyman_model::vulnerability::{
    CveId, Epss, Exploitation, Fraction, KnownExploited, VulnerabilityFacts,
};

use super::cursor::{self, Cursor};
use super::{AdvisoryIndex, IndexError, Section, partition, read_usize};
use crate::record::FeedContent;

const ROW_BYTES: usize = 16;
const COUNT_BYTES: usize = 4;
const NO_FRACTION: u32 = 0xff_ffff;

impl AdvisoryIndex {
    /// Returns what is known of a vulnerability, by its CVE id.
    ///
    /// # Errors
    /// When the index contradicts itself.
    pub fn vulnerability(&self, id: CveId) -> Result<Option<VulnerabilityFacts>, IndexError> {
        let rows = self.rows()?;
        let found = partition(rows.count, |at| Ok(row_id(rows.row(at)?).cmp(&id)))?;
        let Some(row) = found.map(|at| rows.row(at)).transpose()? else { return Ok(None) };
        let mut facts = self.read_details(&rows, row)?;
        let [_, _, _, _, _, _, p0, p1, p2, q0, q1, q2, ..] = *row;
        let fraction = |bytes: [u8; 3]| {
            let [a, b, c] = bytes;
            let steps = u32::from_le_bytes([a, b, c, 0]);
            if steps == NO_FRACTION { None } else { Fraction::from_steps(steps) }
        };
        facts.epss = match (fraction([p0, p1, p2]), fraction([q0, q1, q2])) {
            (Some(probability), Some(percentile)) => Some(Epss { probability, percentile }),
            _ => None,
        };
        Ok(Some(facts))
    }

    /// Returns what is known of the vulnerability that any of the names is the CVE id of: of
    /// several, the first is completed by the others.
    ///
    /// # Errors
    /// When the index contradicts itself.
    pub fn vulnerability_by_names<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<VulnerabilityFacts>, IndexError> {
        let mut all: Option<VulnerabilityFacts> = None;
        for id in names.into_iter().filter_map(|name| name.parse::<CveId>().ok()) {
            match (&mut all, self.vulnerability(id)?) {
                (_, None) => {}
                (Some(all), Some(facts)) => all.complete_with(&facts),
                (none @ None, facts @ Some(_)) => *none = facts,
            }
        }
        Ok(all)
    }

    /// Returns the number of vulnerabilities of which something is known.
    pub fn vulnerability_count(&self) -> usize {
        read_usize(self.section(Section::Vulnerabilities), 0).unwrap_or(0)
    }

    /// Returns the vulnerabilities that CVE records rate otherwise than in an older index.
    pub(super) fn changed_ratings(
        &self,
        older: &AdvisoryIndex,
    ) -> Result<BTreeSet<CveId>, IndexError> {
        let (mut left, mut right) = (self.ratings()?.peekable(), older.ratings()?.peekable());
        let mut changed = BTreeSet::new();
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Ok(changed),
                (Some(Ok((a, _))), Some(Ok((b, _)))) => a.cmp(b),
                // Errors come out below.
                (Some(_), _) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
            };
            let mine = if order.is_le() { left.next().transpose()? } else { None };
            let theirs = if order.is_ge() { right.next().transpose()? } else { None };
            if let Some((id, rating)) = &mine
                && theirs.as_ref().map(|(_, rating)| rating) != Some(rating)
            {
                changed.insert(*id);
            } else if let (None, Some((id, _))) = (mine, theirs) {
                changed.insert(id);
            }
        }
    }

    /// Returns the ids with vectors and word of the CVE records that have any, in order.
    fn ratings(
        &self,
    ) -> Result<impl Iterator<Item = Result<(CveId, Rated), IndexError>>, IndexError> {
        let rows = self.rows()?;
        let rating = move |at: usize| {
            let row = rows.row(at)?;
            let facts = self.read_details(&rows, row)?;
            Ok((row_id(row), Rated { cvss: facts.cvss, word: facts.rating }))
        };
        let is_rated = |rating: &Result<(CveId, Rated), IndexError>| match rating {
            Ok((_, rated)) => *rated != Rated::default(),
            Err(_) => true,
        };
        Ok((0..rows.count).map(rating).filter(is_rated))
    }

    fn rows(&self) -> Result<Rows<'_>, IndexError> {
        let section = self.section(Section::Vulnerabilities);
        let count = read_usize(section, 0)?;
        let rows = count.checked_mul(ROW_BYTES).and_then(|bytes| bytes.checked_add(COUNT_BYTES));
        let details_at = rows.filter(|end| *end <= section.len()).ok_or(cursor::SHORT)?;
        Ok(Rows { section, count, details_at })
    }

    fn read_details(
        &self,
        rows: &Rows<'_>,
        row: &[u8; ROW_BYTES],
    ) -> Result<VulnerabilityFacts, IndexError> {
        let Some(at) = read_usize(row, 12)?.checked_sub(1) else {
            return Ok(VulnerabilityFacts::default());
        };
        let start = rows.details_at.checked_add(at).ok_or(cursor::SHORT)?;
        let cursor = &mut Cursor::new(rows.section.get(start..).ok_or(cursor::SHORT)?);
        let cvss = cursor.list(|cursor| self.string(cursor))?;
        let rating = self.optional_string(cursor)?;
        let number = |n: u64| u32::try_from(n).map_err(|_| cursor::SHORT);
        let cwes = cursor.list(|cursor| number(cursor.number()?))?;
        let exploitation = match cursor.byte()? {
            0 => None,
            1 => Some(Exploitation::None),
            2 => Some(Exploitation::Poc),
            3 => Some(Exploitation::Active),
            _ => return Err(IndexError::Damaged("an exploitation of no known kind")),
        };
        let kev = match cursor.byte()? {
            0 => None,
            kind @ (1 | 3) => Some(KnownExploited {
                added: self.string(cursor)?,
                due: self.optional_string(cursor)?,
                ransomware: kind == 3,
            }),
            _ => return Err(IndexError::Damaged("an entry of no known kind")),
        };
        Ok(VulnerabilityFacts { cvss, rating, cwes, epss: None, kev, exploitation })
    }

    fn optional_string(&self, cursor: &mut Cursor<'_>) -> Result<Option<String>, IndexError> {
        cursor.size()?.checked_sub(1).map(|id| self.strings().get(id)).transpose()
    }
}

/// The parts of the section.
#[derive(Clone, Copy)]
struct Rows<'a> {
    section: &'a [u8],
    count: usize,
    details_at: usize,
}

impl<'a> Rows<'a> {
    fn row(&self, at: usize) -> Result<&'a [u8; ROW_BYTES], IndexError> {
        let start = at.checked_mul(ROW_BYTES).and_then(|start| start.checked_add(COUNT_BYTES));
        let start = start.ok_or(cursor::SHORT)?;
        let bytes = self.section.get(start..start.saturating_add(ROW_BYTES));
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(cursor::SHORT)
    }
}

/// How a CVE record rates a vulnerability.
#[derive(Default, PartialEq)]
struct Rated {
    cvss: Vec<String>,
    word: Option<String>,
}

fn row_id(row: &[u8; ROW_BYTES]) -> CveId {
    let [y0, y1, n0, n1, n2, n3, ..] = *row;
    CveId { year: u16::from_le_bytes([y0, y1]), number: u32::from_le_bytes([n0, n1, n2, n3]) }
}

/// Joins what the feeds say, by vulnerability; of two that say the same kind of thing the feed that
/// comes first in order decides.
pub(super) fn join(feeds: &[FeedContent]) -> BTreeMap<CveId, VulnerabilityFacts> {
    let mut joined: BTreeMap<CveId, VulnerabilityFacts> = BTreeMap::new();
    for record in feeds.iter().flat_map(|feed| &feed.records) {
        let Some(facts) = record.facts.as_deref().filter(|facts| !facts.is_empty()) else {
            continue;
        };
        if record.advisory.withdrawn_ms.is_some() {
            continue;
        }
        if let Ok(id) = record.advisory.id.parse::<CveId>() {
            joined.entry(id).or_default().complete_with(facts);
        }
    }
    joined
}

/// Returns the strings of what is known of a vulnerability.
pub(super) fn strings(facts: &VulnerabilityFacts) -> impl Iterator<Item = &str> {
    let days = facts.kev.iter().flat_map(|kev| std::iter::once(&kev.added).chain(&kev.due));
    facts.cvss.iter().chain(&facts.rating).chain(days).map(String::as_str)
}

/// Writes the section; `string` gives the number of a string.
pub(super) fn write(
    joined: &BTreeMap<CveId, VulnerabilityFacts>,
    string: impl Fn(&str) -> usize,
) -> Result<Vec<u8>, IndexError> {
    let mut bytes = Vec::with_capacity(COUNT_BYTES + joined.len() * ROW_BYTES);
    bytes.extend_from_slice(&super::compile::to_u32(joined.len())?.to_le_bytes());
    let mut details = Vec::new();
    for (id, facts) in joined {
        bytes.extend_from_slice(&id.year.to_le_bytes());
        bytes.extend_from_slice(&id.number.to_le_bytes());
        let steps = |fraction: Option<Fraction>| fraction.map_or(NO_FRACTION, Fraction::steps);
        let epss = facts.epss;
        for steps in [steps(epss.map(|it| it.probability)), steps(epss.map(|it| it.percentile))] {
            let [a, b, c, _] = steps.to_le_bytes();
            bytes.extend_from_slice(&[a, b, c]);
        }
        let has_details = VulnerabilityFacts { epss: None, ..facts.clone() };
        let at = match has_details.is_empty() {
            true => 0,
            false => super::compile::to_u32(details.len())?.saturating_add(1),
        };
        bytes.extend_from_slice(&at.to_le_bytes());
        if at > 0 {
            write_details(&mut details, facts, &string);
        }
    }
    bytes.append(&mut details);
    Ok(bytes)
}

fn write_details(out: &mut Vec<u8>, facts: &VulnerabilityFacts, string: &impl Fn(&str) -> usize) {
    use super::compile::{put_number, put_size};
    put_size(out, facts.cvss.len());
    facts.cvss.iter().for_each(|vector| put_size(out, string(vector)));
    put_size(out, facts.rating.as_deref().map_or(0, |word| string(word) + 1));
    put_size(out, facts.cwes.len());
    facts.cwes.iter().for_each(|cwe| put_number(out, u64::from(*cwe)));
    out.push(match facts.exploitation {
        None => 0,
        Some(Exploitation::None) => 1,
        Some(Exploitation::Poc) => 2,
        Some(Exploitation::Active) => 3,
    });
    match &facts.kev {
        None => out.push(0),
        Some(kev) => {
            out.push(if kev.ransomware { 3 } else { 1 });
            put_size(out, string(&kev.added));
            put_size(out, kev.due.as_deref().map_or(0, |due| string(due) + 1));
        }
    }
}
