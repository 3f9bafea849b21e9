//! The ranges of Go's database that are not Go's (`custom_ranges`): versions by the tags of projects
//! whose module paths do not allow them (<https://go.dev/doc/security/vuln/database#schema>).
//!
//! For such a project the range proper says that all versions are affected, or all from one on,
//! since the module proxy knows none of the tags. Programs bear the tags nonetheless: as their own
//! version, or with `+incompatible`.

use tallyman_model::advisory::RangeEvent;

use crate::range::version_of;

/// Unites the ranges proper with those by tags, which say where what is open in the former ends.
/// Versions without a tag stay affected unless the ranges by tags speak of such.
pub(super) fn unite(
    proper: Vec<Vec<RangeEvent>>,
    by_tags: Vec<Vec<RangeEvent>>,
) -> Vec<Vec<RangeEvent>> {
    if by_tags.is_empty() {
        return proper;
    }
    let mut ranges = Vec::new();
    let mut open_from = None;
    for mut events in proper {
        if let Some(RangeEvent::Introduced(from)) = events.last() {
            open_from = Some(from.clone());
            events.pop();
        }
        if !events.is_empty() {
            ranges.push(events);
        }
    }
    let speaks_of_commits =
        by_tags.iter().flatten().any(|event| version_of(event).starts_with("0.0.0-"));
    if open_from.as_deref() == Some("0") && !speaks_of_commits {
        let before_tags = RangeEvent::Limit("0.0.0".to_owned());
        ranges.push(vec![RangeEvent::Introduced("0".to_owned()), before_tags]);
    }
    for mut events in by_tags {
        // Where the range proper ends everything, last beginnings are its own, by other names.
        while open_from.is_none() && matches!(events.last(), Some(RangeEvent::Introduced(_))) {
            events.pop();
        }
        if events.is_empty() {
            continue;
        }
        if let Some(from) = &open_from
            && let Some(RangeEvent::Introduced(first)) = events.first_mut()
            && first == "0"
        {
            first.clone_from(from);
        }
        ranges.push(events);
    }
    ranges
}

#[cfg(test)]
mod tests {
    use tallyman_model::advisory::RangeEvent;
    use tallyman_model::package::Ecosystem;

    use super::unite;
    use crate::range::locate;

    fn range(text: &str) -> Vec<RangeEvent> {
        let event = |word: &str| match word.split_at(1) {
            (">", version) => RangeEvent::Introduced(version.to_owned()),
            (_, version) => RangeEvent::Fixed(version.to_owned()),
        };
        text.split_whitespace().map(event).collect()
    }

    fn affects(proper: &str, by_tags: &str, version: &str) -> bool {
        let ranges = unite(vec![range(proper)], vec![range(by_tags)]);
        ranges.iter().any(|events| locate(Ecosystem::Go, version, events).unwrap().is_some())
    }

    #[test]
    fn tags_say_where_all_versions_end() {
        let vikunja = |version| affects(">0", ">1.0.0-rc0 <2.2.0", version);
        assert!(vikunja("v2.1.0"));
        assert!(vikunja("v2.1.0+incompatible"));
        assert!(!vikunja("v2.2.0"));
        assert!(!vikunja("v0.24.0"));
        // Of this only Go's own range speaks.
        assert!(vikunja("v0.0.0-20260101000000-0123456789ab"));
    }

    #[test]
    fn ranges_by_tags_that_speak_of_commits_are_believed() {
        let lxd = |version| {
            affects(
                ">0",
                ">0.0.0-20220401034332-1e1349e3cbf3 <0.0.0-20250827065555-0494f5d47e41 >5.0.0 <5.0.5",
                version,
            )
        };
        assert!(lxd("v0.0.0-20240101000000-0123456789ab"));
        assert!(!lxd("v0.0.0-20260101000000-0123456789ab"));
        assert!(!lxd("v0.0.0-20200101000000-0123456789ab"));
        assert!(lxd("v5.0.4"));
        assert!(!lxd("v5.0.5"));
    }

    #[test]
    fn what_is_open_from_a_version_on_ends_too_and_what_is_closed_stays() {
        assert!(!affects(">5.0.0", ">0 <8.5.14", "v4.9.0"));
        assert!(affects(">5.0.0", ">0 <8.5.14", "v8.5.13"));
        assert!(!affects(">5.0.0", ">0 <8.5.14", "v8.5.14"));
        assert!(affects(">0 <1.2.0 >3.0.0", ">2.0.0 <2.1.0", "v1.1.0"));
        assert!(affects(">0 <1.2.0", ">2.0.0 <2.1.0", "v2.0.5"));
        assert!(!affects(">0 <1.2.0", ">2.0.0 <2.1.0", "v2.1.0"));
        assert!(affects(">0 <2.9.2", ">2.0.0", "v2.9.1"));
        assert!(!affects(">0 <2.9.2", ">2.0.0", "v2.9.2"));
        assert!(!affects(">0 <2.9.2", ">1.0.0 >2.0.0", "v2.9.2"));
    }
}
