//! Groups records by vulnerability: those that share a name, directly or through others, are one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Hit;
use crate::index::IndexedAdvisory;
use tallyman_model::advisory::RangeEvent;

/// The records on one vulnerability.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    /// The CVE with the lowest number, else the id of the record that decided.
    pub(super) name: String,
    /// All other names, sorted.
    pub(super) aliases: Vec<String>,
    /// The record whose words are used.
    pub(super) decided: &'a Hit<'a>,
    /// All records.
    pub(super) hits: Vec<&'a Hit<'a>>,
}

/// One vulnerability that a record was made for.
struct Node<'a> {
    hit: &'a Hit<'a>,
    names: Vec<&'a str>,
}

/// Groups the records; the order does not depend on that of the hits.
pub(super) fn group<'a>(hits: &'a [Hit<'a>]) -> Vec<Group<'a>> {
    let shared = shared_ids(hits);
    let nodes: Vec<Node<'a>> = hits.iter().flat_map(|hit| nodes(hit, &shared)).collect();
    let mut groups: Vec<usize> = (0..nodes.len()).collect();
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        for name in &node.names {
            let known = *by_name.entry(name).or_insert(i);
            join(&mut groups, known, i);
        }
    }
    let mut members: BTreeMap<usize, Vec<&Node<'a>>> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        members.entry(root(&groups, i)).or_default().push(node);
    }
    members.into_values().filter_map(|nodes| make_group(&nodes)).collect()
}

/// A record on several upstream vulnerabilities (`DSA-…`, `USN-…`) stands for each of them; its
/// own id joins nothing then.
fn nodes<'a>(hit: &'a Hit<'a>, shared: &BTreeSet<&str>) -> Vec<Node<'a>> {
    let advisory = hit.advisory;
    match advisory.upstream.as_slice() {
        [name] if shared.contains(advisory.id.as_str()) => {
            vec![Node { hit, names: vec![name.as_str()] }]
        }
        [] | [_] => vec![Node { hit, names: names(advisory).collect() }],
        several => several.iter().map(|name| Node { hit, names: vec![name.as_str()] }).collect(),
    }
}

/// Returns the ids under which there are records on different upstream vulnerabilities: of an
/// update, one record for each that it mends.
fn shared_ids<'a>(hits: &'a [Hit<'a>]) -> BTreeSet<&'a str> {
    let mut upstream: BTreeMap<&str, &[String]> = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for advisory in hits.iter().map(|hit| hit.advisory) {
        let known = *upstream.entry(&advisory.id).or_insert(&advisory.upstream);
        if known != advisory.upstream {
            shared.insert(advisory.id.as_str());
        }
    }
    shared
}

/// Returns all names of a record.
pub(super) fn names(advisory: &IndexedAdvisory) -> impl Iterator<Item = &str> {
    let others = advisory.aliases.iter().chain(&advisory.upstream).map(String::as_str);
    std::iter::once(advisory.id.as_str()).chain(others)
}

fn make_group<'a>(nodes: &[&Node<'a>]) -> Option<Group<'a>> {
    let decided = nodes.iter().map(|node| node.hit).min_by_key(|hit| rank(hit.advisory))?;
    let mut names: BTreeSet<&str> = nodes.iter().flat_map(|node| &node.names).copied().collect();
    let by_number = names.iter().copied().filter_map(|name| Some((cve_number(name)?, name)));
    let name = by_number.min().map_or(decided.advisory.id.as_str(), |(_, name)| name).to_owned();
    names.extend(nodes.iter().map(|node| node.hit.advisory.id.as_str()));
    names.remove(name.as_str());
    let mut hits: Vec<&Hit<'a>> = nodes.iter().map(|node| node.hit).collect();
    hits.sort_by_key(|hit| rank(hit.advisory));
    hits.dedup_by(|a, b| std::ptr::eq(*a, *b));
    let aliases = names.into_iter().map(str::to_owned).collect();
    Some(Group { name, aliases, decided, hits })
}

/// The record to be believed first: the security tracker, and changelogs last; then one that
/// knows a fix, one that has a vector, and the first by feed and id.
pub(super) fn rank(advisory: &IndexedAdvisory) -> impl Ord + use<'_> {
    let trust = trust(advisory);
    let is_fix = |event: &RangeEvent| matches!(event, RangeEvent::Fixed(_));
    let has_fix = advisory.affected.ranges.iter().flatten().any(is_fix);
    let has_vector = !advisory.cvss.is_empty() || !advisory.affected.cvss.is_empty();
    let ranges = advisory.affected.ranges.len();
    (trust, Reverse(has_fix), Reverse(has_vector), &advisory.feed, &advisory.id, Reverse(ranges))
}

/// How early a record's feed is to be believed; 0 is the first.
pub(super) fn trust(advisory: &IndexedAdvisory) -> u8 {
    match advisory.feed.as_str() {
        "debian" => 0,
        "debian-changelog" => 2,
        _ => 1,
    }
}

/// Returns year and number of a CVE.
fn cve_number(name: &str) -> Option<(u64, u64)> {
    let (year, number) = name.strip_prefix("CVE-")?.split_once('-')?;
    Some((year.parse().ok()?, number.parse().ok()?))
}

fn root(groups: &[usize], mut at: usize) -> usize {
    while let Some(parent) = groups.get(at).copied().filter(|parent| *parent != at) {
        at = parent;
    }
    at
}

fn join(groups: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(groups, a), root(groups, b));
    // The lower number stays the root, so that the groups come out in order.
    if let Some(parent) = groups.get_mut(a.max(b)) {
        *parent = a.min(b);
    }
}
