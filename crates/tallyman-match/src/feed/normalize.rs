//! Brings records into the one form that is stored: sorted, without what can never match.

use tallyman_model::advisory::{Advisory, Affected, RangeEvent};
use tallyman_model::package::Ecosystem;

use crate::range::{locate, version_of};
use crate::version::is_rankable;

/// CVSS vectors are short; anything longer is none.
const VECTOR_BYTES: usize = 512;

/// Milliseconds of 1990-01-01: dates before it stand for "not known" (Go writes the year 1).
const FIRST_DATE_MS: i64 = 631_152_000_000;

/// Sorts names, drops what the ranges say already, and leaves out affected packages that nothing
/// can match. The order of what is left does not depend on the order in the feed.
pub(crate) fn normalize(mut advisory: Advisory) -> Advisory {
    let id = advisory.id.clone();
    for name in advisory.aliases.iter_mut().chain(&mut advisory.upstream) {
        spell(name);
    }
    for names in [&mut advisory.aliases, &mut advisory.upstream] {
        // Some records have spaces around a name, by which no other record would know it.
        for name in names.iter_mut().filter(|name| name.trim().len() < name.len()) {
            *name = name.trim().to_owned();
        }
        names.retain(|name| !name.is_empty() && *name != id);
        names.sort();
        names.dedup();
    }
    keep_vectors(&mut advisory.cvss);
    for affected in &mut advisory.affected {
        drop_covered_versions(affected);
        keep_vectors(&mut affected.cvss);
        if affected.cvss == advisory.cvss {
            affected.cvss.clear();
        }
    }
    advisory
        .affected
        .retain(|affected| !affected.ranges.is_empty() || !affected.versions.is_empty());
    advisory.affected.sort_by(|a, b| a.key.cmp(&b.key));
    advisory.affected.dedup();
    shrink(&mut advisory);
    advisory
}

/// Gives back what lists have room for and do not hold: most lists have one element, and room for
/// four.
pub(crate) fn shrink(advisory: &mut Advisory) {
    for texts in [&mut advisory.aliases, &mut advisory.upstream, &mut advisory.cvss] {
        texts.shrink_to_fit();
    }
    for affected in &mut advisory.affected {
        affected.ranges.iter_mut().for_each(Vec::shrink_to_fit);
        affected.ranges.shrink_to_fit();
        let Affected { versions, cvss, modules, architectures, .. } = affected;
        for texts in [versions, cvss, modules, architectures] {
            texts.shrink_to_fit();
        }
    }
    advisory.affected.shrink_to_fit();
}

/// Spells names of vulnerabilities as those who gave them do: `CVE-2024-1`, and GitHub's with small
/// letters after the prefix. Some feeds write all letters small.
fn spell(name: &mut String) {
    let prefix = name.get(..5).unwrap_or("");
    if prefix.eq_ignore_ascii_case("GHSA-") {
        name.make_ascii_lowercase();
        name.replace_range(..5, "GHSA-");
    } else if name.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("CVE-")) {
        name.make_ascii_uppercase();
    }
}

/// Reads a date, if it is one.
pub(crate) fn parse_date(text: Option<&str>) -> Option<i64> {
    tallyman_model::clock::parse_rfc3339(text?).filter(|ms| *ms >= FIRST_DATE_MS)
}

/// Reads a date that may lack its time, its seconds or its time zone (`2011-09-27 22:46`), which
/// then is UTC.
pub(crate) fn parse_loose_date(text: Option<&str>) -> Option<i64> {
    let text = text?.trim();
    parse_date(Some(text)).or_else(|| {
        let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
        let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
        parse_date(Some(&format!("{date}T{time}Z")))
    })
}

/// Tells whether every version of a range has its place in the ecosystem's order.
pub(crate) fn is_ordered(ecosystem: Ecosystem, events: &[RangeEvent]) -> bool {
    events.iter().all(|event| {
        let version = version_of(event);
        let is_word = match event {
            RangeEvent::Introduced(_) | RangeEvent::Fixed(_) => version == "0",
            RangeEvent::Limit(_) => version == "*",
            RangeEvent::LastAffected(_) => false,
        };
        is_word || is_rankable(ecosystem, version)
    })
}

/// Sorts vectors and leaves out what cannot be one.
pub(crate) fn keep_vectors(vectors: &mut Vec<String>) {
    vectors.retain(|vector| !vector.is_empty() && vector.len() <= VECTOR_BYTES);
    vectors.sort();
    vectors.dedup();
}

fn drop_covered_versions(affected: &mut Affected) {
    let ecosystem = affected.key.ecosystem;
    let ranges = &affected.ranges;
    affected.versions.retain(|version| {
        let is_covered = is_rankable(ecosystem, version)
            && ranges
                .iter()
                .any(|events| matches!(locate(ecosystem, version, events), Ok(Some(_))));
        !version.is_empty() && !is_covered
    });
    affected.versions.sort();
    affected.versions.dedup();
}
