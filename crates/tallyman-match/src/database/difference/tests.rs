use tallyman_model::advisory::{Advisory, Affected, FixState, PackageKey, RangeEvent};
use tallyman_model::package::Ecosystem;

use super::{Aspect, ChangedRecord, FeedDifference, RecordChange};
use crate::record::StoredRecord;

fn affected(name: &str) -> Affected {
    let key = PackageKey { ecosystem: Ecosystem::Npm, release: None, name: name.to_owned() };
    let mut affected = Affected::new(key);
    affected.ranges = vec![vec![RangeEvent::Introduced("0".to_owned())]];
    affected
}

fn stored(id: &str) -> StoredRecord {
    let advisory = Advisory {
        id: id.to_owned(),
        aliases: Vec::new(),
        upstream: Vec::new(),
        published_ms: None,
        modified_ms: Some(1),
        withdrawn_ms: None,
        cvss: Vec::new(),
        affected: vec![affected("a")],
    };
    StoredRecord { scope: String::new(), advisory, facts: None }
}

fn between(old: &[StoredRecord], new: &[StoredRecord]) -> FeedDifference {
    FeedDifference::between(old, new, 10)
}

fn changed(id: &str, change: RecordChange, what: &[Aspect]) -> ChangedRecord {
    ChangedRecord { change, id: id.to_owned(), what: what.to_vec() }
}

#[test]
fn records_come_change_and_go() {
    let mut other = stored("B");
    other.advisory.cvss.push("CVSS:3.1/AV:N".to_owned());
    let old = [stored("A"), stored("B"), stored("C")];
    let new = [stored("A"), other, stored("D")];
    let expected = FeedDifference {
        added: 1,
        changed: 1,
        withdrawn: 1,
        records: vec![
            changed("D", RecordChange::Added, &[]),
            changed("B", RecordChange::Changed, &[Aspect::Severity]),
            changed("C", RecordChange::Withdrawn, &[]),
        ],
        left_out: 0,
    };
    assert_eq!(between(&old, &new), expected);
    assert!(between(&old, &old).is_empty());
}

#[test]
fn a_withdrawn_record_is_as_good_as_none() {
    let mut withdrawn = stored("A");
    withdrawn.advisory.withdrawn_ms = Some(2);
    let (live, withdrawn) = ([stored("A")], [withdrawn]);
    assert_eq!(between(&live, &withdrawn).records, [changed("A", RecordChange::Withdrawn, &[])]);
    assert_eq!(between(&withdrawn, &live).records, [changed("A", RecordChange::Added, &[])]);
    assert!(between(&[], &withdrawn).is_empty());
}

/// A change of a record.
type Change = fn(&mut Advisory);

#[test]
fn what_changed_of_a_record_is_named() {
    let cases: [(Change, &[Aspect]); 9] = [
        (|it| it.modified_ms = Some(9), &[Aspect::Dates]),
        (|it| it.aliases.push("CVE-1".to_owned()), &[Aspect::Names]),
        (|it| it.upstream.push("CVE-1".to_owned()), &[Aspect::Names]),
        (|it| it.affected[0].ranges.clear(), &[Aspect::Ranges]),
        (|it| it.affected[0].versions.push("1".to_owned()), &[Aspect::Ranges]),
        (|it| it.affected[0].urgency = Some("low".to_owned()), &[Aspect::Severity]),
        (|it| it.affected[0].fix_state = FixState::WillNotFix, &[Aspect::FixState]),
        (|it| it.affected.push(affected("b")), &[Aspect::Packages]),
        (
            |it| {
                it.affected[0].versions.push("1".to_owned());
                it.affected.push(affected("b"));
                it.modified_ms = Some(9);
            },
            &[Aspect::Packages, Aspect::Ranges],
        ),
    ];
    for (change, expected) in cases {
        let mut new = stored("A");
        change(&mut new.advisory);
        let difference = between(&[stored("A")], &[new]);
        assert_eq!(difference.records, [changed("A", RecordChange::Changed, expected)]);
    }
}

#[test]
fn a_record_in_several_parts_of_a_feed_counts_once() {
    let part = |scope: &str| StoredRecord { scope: scope.to_owned(), ..stored("A") };
    let both = [part("x"), part("y")];
    assert_eq!(between(&[], &both).records, [changed("A", RecordChange::Added, &[])]);
    // The other part says the same as before, so nothing but where it stands is different.
    let expected = [changed("A", RecordChange::Changed, &[Aspect::Dates])];
    assert_eq!(between(&both, &both[..1]).records, expected);
}

#[test]
fn more_records_than_are_named_are_counted() {
    let new = ["A", "B", "C"].map(stored);
    let difference = FeedDifference::between(&[], &new, 2);
    assert_eq!((difference.added, difference.records.len(), difference.left_out), (3, 2, 1));
}
