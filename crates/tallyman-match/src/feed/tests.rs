//! Tests of the formats, each on a small document cut from a real one.

mod alpine_secdb;
mod csaf;
mod debian;
mod osv;
mod oval;
mod real;
mod updateinfo;
mod vulnerabilities;

use tallyman_model::advisory::{Affected, Naming, RangeEvent};
use tallyman_model::limits::Limits;

use super::{Document, DocumentError, Harvest, find_format, read_document};

const DAY_MS: i64 = 86_400_000;

/// Reads a document as a file of that name.
fn read(name: &str, text: &str) -> Result<Harvest, DocumentError> {
    let (format, _) = find_format(text.as_bytes()).expect("the format is recognised");
    let mut harvest = Harvest::default();
    let document = Document { name, bytes: text.as_bytes(), modified_ms: Some(DAY_MS) };
    read_document(format, &document, &Limits::default(), &mut harvest)?;
    Ok(harvest)
}

/// Writes the records one a line: feed, scope, id, aliases, and each affected package.
fn show(harvest: &Harvest) -> String {
    let mut text = String::new();
    for record in &harvest.records {
        let advisory = &record.advisory;
        text +=
            &format!("{} {:?} {} {:?}", record.feed, record.scope, advisory.id, advisory.aliases);
        if !advisory.upstream.is_empty() {
            text += &format!(" upstream {:?}", advisory.upstream);
        }
        if advisory.withdrawn_ms.is_some() {
            text += " withdrawn";
        }
        text += &format!(" {:?}\n", advisory.cvss);
        advisory.affected.iter().for_each(|affected| text += &show_affected(affected));
    }
    for ((feed, reason), count) in &harvest.skipped {
        text += &format!("skipped {feed:?} {reason:?} {count}\n");
    }
    for refusal in &harvest.refused {
        text += &format!("refused {}: {}\n", refusal.name, refusal.reason);
    }
    text
}

fn show_affected(affected: &Affected) -> String {
    let key = &affected.key;
    let release = key.release.as_ref().map_or("-", |release| release.as_str());
    let ranges = affected.ranges.iter().map(|events| {
        let events = events.iter().map(|event| match event {
            RangeEvent::Introduced(version) => format!(">={version}"),
            RangeEvent::Fixed(version) => format!("<{version}"),
            RangeEvent::LastAffected(version) => format!("<={version}"),
            RangeEvent::Limit(version) => format!("|{version}"),
        });
        events.collect::<Vec<_>>().join(" ")
    });
    let ranges: Vec<String> = ranges.collect();
    let mut text = format!(
        "  {} {release} {}: {ranges:?} {:?} {:?} {:?} {:?}",
        key.ecosystem,
        key.name,
        affected.versions,
        affected.cvss,
        affected.urgency,
        affected.fix_state
    );
    if affected.naming != Naming::Usual {
        text += &format!(" {:?}", affected.naming);
    }
    if !affected.modules.is_empty() {
        text += &format!(" modules {:?}", affected.modules);
    }
    if !affected.architectures.is_empty() {
        text += &format!(" for {:?}", affected.architectures);
    }
    text + "\n"
}
