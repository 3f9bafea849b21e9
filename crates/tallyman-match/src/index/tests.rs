use std::sync::OnceLock;

use proptest::prelude::*;
use tallyman_model::advisory::{
    Advisory, Affected, FeedInfo, FixState, Naming, PackageKey, RangeEvent,
};
use tallyman_model::coverage::CoverageGap;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::package::Ecosystem;

use super::compile::{compile, depends_on};
use super::{
    AdvisoryIndex, HEADER_BYTES, IndexError, IndexedAdvisory, SECTIONS, Section, TABLE_AT,
};
use crate::record::{FeedContent, StoredRecord};

fn key(ecosystem: Ecosystem, release: Option<&str>, name: &str) -> PackageKey {
    let release = release.map(DistributionRelease::from_stored);
    PackageKey { ecosystem, release, name: name.to_owned() }
}

fn keys() -> Vec<PackageKey> {
    vec![
        key(Ecosystem::Deb, Some("debian:12"), "openssl"),
        key(Ecosystem::Deb, Some("debian:11"), "openssl"),
        key(Ecosystem::Npm, None, "@scope/größe"),
        key(Ecosystem::Cargo, None, "openssl"),
        key(Ecosystem::Cargo, None, "z"),
    ]
}

fn affected(key: PackageKey, urgency: Option<&str>) -> Affected {
    Affected {
        key,
        ranges: vec![
            vec![
                RangeEvent::Introduced("0".to_owned()),
                RangeEvent::Fixed("1.2".to_owned()),
                RangeEvent::Limit("*".to_owned()),
            ],
            vec![RangeEvent::Introduced("2".to_owned()), RangeEvent::LastAffected("3".to_owned())],
        ],
        versions: vec!["7".to_owned(), String::new()],
        cvss: vec!["vector".to_owned()],
        urgency: urgency.map(str::to_owned),
        fix_state: FixState::WillNotFix,
        modules: vec!["nodejs:16".to_owned()],
        architectures: vec!["x86_64".to_owned()],
        naming: Naming::Binary,
    }
}

fn advisory(id: &str, affected: Vec<Affected>) -> Advisory {
    Advisory {
        id: id.to_owned(),
        aliases: vec!["CVE-1".to_owned(), "CVE-2".to_owned()],
        upstream: vec!["CVE-3".to_owned()],
        published_ms: Some(0),
        modified_ms: Some(5),
        withdrawn_ms: None,
        cvss: vec!["other vector".to_owned()],
        affected,
    }
}

fn feed(name: &str, advisories: Vec<Advisory>) -> FeedContent {
    let records = advisories.into_iter();
    FeedContent {
        info: FeedInfo {
            name: name.to_owned(),
            attribution: "somebody".to_owned(),
            data_ms: Some(1),
            imported_ms: Some(2),
            advisories: 3,
            affected: 4,
            complete: Vec::new(),
        },
        records: records
            .map(|advisory| StoredRecord { scope: String::new(), advisory, facts: None })
            .collect(),
    }
}

fn feeds() -> Vec<FeedContent> {
    let all = keys().into_iter().map(|key| affected(key, Some("low"))).collect();
    let first = keys().into_iter().take(1).map(|key| affected(key, None)).collect();
    let mut withdrawn = advisory("W", keys().into_iter().map(|key| affected(key, None)).collect());
    withdrawn.withdrawn_ms = Some(1);
    vec![feed("b", vec![advisory("B", all), withdrawn]), feed("a", vec![advisory("A", first)])]
}

fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| compile(&mut feeds()).unwrap())
}

fn index() -> AdvisoryIndex {
    AdvisoryIndex::from_bytes(bytes().to_vec()).unwrap()
}

fn expected(feed: &str, advisory: &Advisory, affected: Affected) -> IndexedAdvisory {
    IndexedAdvisory {
        feed: feed.to_owned(),
        id: advisory.id.clone(),
        aliases: advisory.aliases.clone(),
        upstream: advisory.upstream.clone(),
        published_ms: advisory.published_ms,
        cvss: advisory.cvss.clone(),
        affected,
    }
}

#[test]
fn what_was_compiled_is_found_again() {
    let index = index();
    let a = advisory("A", vec![]);
    let b = advisory("B", vec![]);
    for (i, key) in keys().into_iter().enumerate() {
        let mut wanted = vec![expected("b", &b, affected(key.clone(), Some("low")))];
        if i == 0 {
            wanted.insert(0, expected("a", &a, affected(key.clone(), None)));
        }
        assert_eq!(index.find(&key).unwrap(), wanted);
    }
    assert_eq!(index.key_count(), 5);
}

#[test]
fn each_fact_that_is_another_changes_its_key() {
    type Change = fn(&mut Advisory);
    let of = |change: Change| {
        let mut one = advisory("A", vec![affected(keys()[3].clone(), Some("low"))]);
        change(&mut one);
        AdvisoryIndex::from_bytes(compile(&mut [feed("a", vec![one])]).unwrap()).unwrap()
    };
    let plain = of(|_| {});
    let changes: [(&str, Change); 14] = [
        ("id", |it| it.id = "B".to_owned()),
        ("aliases", |it| it.aliases[1] = "CVE-9".to_owned()),
        ("upstream", |it| it.upstream[0] = "CVE-9".to_owned()),
        ("published", |it| it.published_ms = Some(86_400_000)),
        ("cvss of the advisory", |it| it.cvss[0] = "third vector".to_owned()),
        ("kind of an event", |it| {
            it.affected[0].ranges[1][1] = RangeEvent::Fixed("3".to_owned());
        }),
        ("version of an event", |it| {
            it.affected[0].ranges[1][1] = RangeEvent::LastAffected("4".to_owned());
        }),
        ("versions", |it| it.affected[0].versions[0] = "8".to_owned()),
        ("cvss", |it| it.affected[0].cvss[0] = "third vector".to_owned()),
        ("urgency", |it| it.affected[0].urgency = Some("high".to_owned())),
        ("fix state", |it| it.affected[0].fix_state = FixState::EndOfLife),
        ("modules", |it| it.affected[0].modules[0] = "nodejs:18".to_owned()),
        ("architectures", |it| it.affected[0].architectures[0] = "aarch64".to_owned()),
        ("naming", |it| it.affected[0].naming = Naming::Source),
    ];
    for (what, change) in changes {
        let other = of(change);
        assert_eq!(other.changed_keys(&plain).unwrap(), [keys()[3].clone()], "{what}");
        assert_eq!(plain.changed_keys(&other).unwrap(), [keys()[3].clone()], "{what}");
    }
    // When it was last modified is no part of an answer.
    let later = of(|it| it.modified_ms = Some(6));
    assert_eq!(later.changed_keys(&plain).unwrap(), []);
}

#[test]
fn lists_of_any_length_and_dates_of_any_kind_are_read_back() {
    let names = |count: usize| (0..count).map(|at| format!("NAME-{at}")).collect::<Vec<_>>();
    let lengths = [0, 1, 2, 3, 6, 7, 8, 20];
    // The last one is the end of what a date can be.
    let dates = [None, Some(0), Some(1), Some(86_400_000), Some(1_700_000_000_123), Some(i64::MAX)];
    let advisories = lengths.iter().flat_map(|length| dates.map(|date| (*length, date)));
    let advisories: Vec<Advisory> = advisories
        .enumerate()
        .map(|(at, (length, published_ms))| Advisory {
            aliases: names(length),
            upstream: names(length / 2),
            cvss: names(length / 3),
            published_ms,
            ..advisory(&format!("ID-{at:02}"), vec![Affected::new(keys()[0].clone())])
        })
        .collect();
    let feeds = &mut [feed("a", advisories.clone())];
    let found = AdvisoryIndex::from_bytes(compile(feeds).unwrap()).unwrap().find(&keys()[0]);
    let wanted = advisories.iter().map(|one| {
        let date = one.published_ms.filter(|ms| *ms != i64::MAX);
        let wanted = expected("a", one, Affected::new(keys()[0].clone()));
        IndexedAdvisory { published_ms: date, ..wanted }
    });
    assert_eq!(found.unwrap(), wanted.collect::<Vec<_>>());
}

#[test]
fn what_is_said_of_several_packages_stands_there_once() {
    let name = |at: usize| key(Ecosystem::Rpm, Some("almalinux:9"), &format!("package-{at:03}"));
    let one = |names: usize| {
        let all = (0..names).map(|at| affected(name(at), None)).collect();
        let bytes = compile(&mut [feed("a", vec![advisory("A", all)])]).unwrap();
        AdvisoryIndex::from_bytes(bytes).unwrap()
    };
    let lists = |index: &AdvisoryIndex| {
        index.section(Section::Lists).len() + index.section(Section::Statements).len()
    };
    let (few, many) = (one(2), one(20));
    assert_eq!(lists(&few), lists(&many));
    assert_eq!(many.find(&name(19)).unwrap()[0].affected, affected(name(19), None));
}

#[test]
fn what_was_not_compiled_is_not_found() {
    let index = index();
    for key in [
        key(Ecosystem::Deb, None, "openssl"),
        key(Ecosystem::Deb, Some("debian:13"), "openssl"),
        key(Ecosystem::Npm, None, "openssl"),
        key(Ecosystem::Cargo, None, "openss"),
        key(Ecosystem::Cargo, None, ""),
        key(Ecosystem::Cargo, None, "CVE-1"),
    ] {
        assert_eq!(index.find(&key).unwrap(), [], "{key:?}");
    }
}

#[test]
fn coverage_is_by_ecosystem_and_release() {
    let index = index();
    let covers = |ecosystem, release: Option<&str>| {
        index.covers(&CoverageGap::of(&key(ecosystem, release, "")))
    };
    assert!(covers(Ecosystem::Deb, Some("debian:12")));
    assert!(covers(Ecosystem::Deb, Some("debian:bookworm")));
    assert!(covers(Ecosystem::Npm, None));
    assert!(!covers(Ecosystem::Deb, Some("debian:13")));
    assert!(!covers(Ecosystem::Deb, None));
    assert!(!covers(Ecosystem::Go, None));
}

#[test]
fn the_revision_depends_on_the_facts_alone() {
    let mut reversed = feeds();
    reversed.reverse();
    reversed.iter_mut().for_each(|feed| feed.info.imported_ms = Some(99));
    assert_eq!(compile(&mut reversed).unwrap(), bytes());
    assert_eq!(index().revision().len(), 64);
    let mut fewer = feeds();
    fewer.pop();
    let other = AdvisoryIndex::from_bytes(compile(&mut fewer).unwrap()).unwrap();
    assert_ne!(other.revision(), index().revision());
    assert_eq!(index().feeds()[0].name, "a");
}

#[test]
fn the_keys_that_changed_between_two_indexes_are_known() {
    let old = index();
    let mut feeds = feeds();
    let [a, b] = feeds.as_mut_slice() else { panic!("two feeds") };
    // One package is fixed elsewhere, one is no longer spoken of, one is new.
    a.records[0].advisory.affected.retain(|affected| affected.key != keys()[4]);
    a.records[0].advisory.affected[2].versions.push("8".to_owned());
    let new_key = key(Ecosystem::Go, None, "stdlib");
    b.records[0].advisory.affected.push(affected(new_key.clone(), None));
    let new = AdvisoryIndex::from_bytes(compile(&mut feeds).unwrap()).unwrap();
    assert_eq!(new.changed_keys(&old).unwrap(), [keys()[2].clone(), new_key, keys()[4].clone()]);
    assert_eq!(old.changed_keys(&old).unwrap(), []);
    let all = old.keys().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(all.len(), 5);
    assert!(keys().iter().all(|key| all.contains(key)));
}

#[test]
fn an_index_of_nothing_is_an_index() {
    let index = AdvisoryIndex::from_bytes(compile(&mut []).unwrap()).unwrap();
    assert_eq!((index.key_count(), index.feeds()), (0, vec![]));
    assert_eq!(index.find(&keys()[0]).unwrap(), []);
}

#[test]
fn a_flipped_bit_anywhere_is_an_error() {
    for at in 0..bytes().len() {
        for bit in [0x01, 0x80] {
            let mut damaged = bytes().to_vec();
            damaged[at] ^= bit;
            assert!(AdvisoryIndex::from_bytes(damaged).is_err(), "byte {at}");
        }
    }
}

#[test]
fn a_truncated_index_is_an_error() {
    for length in 0..bytes().len() {
        assert!(AdvisoryIndex::from_bytes(bytes()[..length].to_vec()).is_err());
    }
    let mut longer = bytes().to_vec();
    longer.push(0);
    assert!(matches!(AdvisoryIndex::from_bytes(longer), Err(IndexError::Damaged(_))));
}

#[test]
fn an_index_of_another_layout_says_so() {
    let mut other = bytes().to_vec();
    other[8] = 9;
    assert!(matches!(AdvisoryIndex::from_bytes(other), Err(IndexError::OtherLayout(9))));
}

#[test]
fn a_mapped_index_answers_like_one_in_memory_and_finds_damage_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tix");
    std::fs::write(&path, bytes()).unwrap();
    let mapped = AdvisoryIndex::open(&path).unwrap();
    mapped.verify().unwrap();
    assert_eq!(mapped.revision(), index().revision());
    for key in keys() {
        assert_eq!(mapped.find(&key).unwrap(), index().find(&key).unwrap());
    }
    let other = folder.path().join("y.tix");
    let mut damaged = bytes().to_vec();
    damaged[HEADER_BYTES + 9] ^= 1;
    std::fs::write(&other, &damaged).unwrap();
    assert!(AdvisoryIndex::open(&other).unwrap().verify().is_err());
    for length in [0, 1, HEADER_BYTES - 1, bytes().len() - 1] {
        std::fs::write(&other, &bytes()[..length]).unwrap();
        assert!(AdvisoryIndex::open(&other).is_err(), "{length} bytes");
    }
    // Whoever has it open keeps it.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(mapped.find(&keys()[0]).unwrap().len(), 2);
}

/// Makes the hash right again, as a forger would.
fn forge(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = ring::digest::digest(&ring::digest::SHA256, &bytes[TABLE_AT..]);
    bytes[super::HASH_AT..TABLE_AT].copy_from_slice(hash.as_ref());
    bytes
}

fn use_all(bytes: Vec<u8>) {
    let Ok(index) = AdvisoryIndex::from_bytes(bytes) else { return };
    drop(index.changed_keys(&AdvisoryIndex::from_bytes(compile(&mut []).unwrap()).unwrap()));
    for key in keys() {
        drop(index.find(&key));
        index.covers(&CoverageGap::of(&key));
    }
}

#[test]
fn forged_offsets_do_not_panic() {
    for at in (TABLE_AT..HEADER_BYTES).step_by(4) {
        for value in [0, 1, 47, 1 << 20, u32::MAX - 1, u32::MAX] {
            let mut forged = bytes().to_vec();
            forged[at..at + 4].copy_from_slice(&value.to_le_bytes());
            use_all(forge(forged));
        }
    }
    assert_eq!(Section::Meta as usize + 1, SECTIONS);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn forged_bytes_do_not_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut forged = bytes().to_vec();
        for (at, value) in changes {
            let at = TABLE_AT + at.index(forged.len() - TABLE_AT);
            forged[at] = value;
        }
        use_all(forge(forged));
    }
}

proptest! {
    #[test]
    fn strings_are_found_by_their_numbers_and_numbers_by_their_strings(
        texts in prop::collection::btree_set("[a-c]{0,40}|[a-cß]{0,4}", 0..120),
        other in "[a-cß]{0,4}",
    ) {
        let sorted: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (blocks, bytes) = super::strings::write(&sorted).unwrap();
        let table = super::strings::StringTable::new(&blocks, &bytes);
        for (id, text) in sorted.iter().enumerate() {
            prop_assert_eq!(&table.get(id).unwrap(), text);
            prop_assert_eq!(table.find(text).unwrap(), Some(id));
        }
        prop_assert!(table.get(sorted.len()).is_err());
        prop_assert_eq!(table.find(&other).unwrap().is_some(), texts.contains(&other));
    }

    #[test]
    fn two_tables_number_their_strings_in_one_order(
        left in prop::collection::btree_set("[a-c]{0,3}", 0..60),
        right in prop::collection::btree_set("[a-c]{0,3}", 0..60),
    ) {
        let all: Vec<&String> = left.union(&right).collect();
        let sections = [&left, &right].map(|texts| {
            super::strings::write(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
        });
        let [a, b] = sections.each_ref().map(|(blocks, bytes)| {
            super::strings::StringTable::new(blocks, bytes)
        });
        let (of_left, of_right) = super::strings::common_numbers(a, b).unwrap();
        for (texts, numbers) in [(&left, of_left), (&right, of_right)] {
            prop_assert_eq!(texts.len(), numbers.len());
            for (text, number) in texts.iter().zip(numbers) {
                prop_assert_eq!(text, all[number as usize]);
            }
        }
    }
}

/// Small feeds of which many have something in common.
fn some_feeds() -> impl Strategy<Value = Vec<FeedContent>> {
    let statement = (0..5_usize, 0..3_u8, any::<bool>()).prop_map(|(at, version, is_urgent)| {
        let mut one = affected(keys().swap_remove(at), is_urgent.then_some("low"));
        one.versions = vec![version.to_string()];
        one
    });
    let statements = prop::collection::vec(statement, 0..4);
    let record = (0..4_u8, statements, any::<bool>(), 0..3_u8);
    let record = record.prop_map(|(id, affected, is_withdrawn, aliases)| Advisory {
        withdrawn_ms: is_withdrawn.then_some(1),
        aliases: (0..aliases).map(|alias| format!("ALIAS-{alias}")).collect(),
        published_ms: Some(i64::from(id) - 1),
        ..advisory(&format!("ID-{id}"), affected)
    });
    let names = ["debian", "debian-changelog", "osv/npm", "osv/Go"];
    let feeds = names.map(|name| {
        let all = prop::collection::vec(record.clone(), 0..5);
        let feed = all.prop_map(move |advisories| feed(name, advisories));
        prop::option::weighted(0.8, feed)
    });
    feeds.prop_map(|feeds| feeds.into_iter().flatten().collect())
}

fn compiled(feeds: &[FeedContent]) -> Vec<u8> {
    compile(&mut feeds.to_vec()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_changed_keys_are_those_of_which_something_else_is_found(
        old in some_feeds(), new in some_feeds(),
    ) {
        let old = AdvisoryIndex::from_bytes(compiled(&old)).unwrap();
        let new = AdvisoryIndex::from_bytes(compiled(&new)).unwrap();
        let mut wanted = keys();
        wanted.sort();
        wanted.retain(|key| new.find(key).unwrap() != old.find(key).unwrap());
        prop_assert_eq!(new.changed_keys(&old).unwrap(), wanted.clone());
        prop_assert_eq!(old.changed_keys(&new).unwrap(), wanted);
    }

    #[test]
    fn an_index_made_of_the_one_before_and_the_changed_feeds_has_the_same_bytes(
        old in some_feeds(), new in some_feeds(), changed in prop::collection::vec(any::<bool>(), 4),
    ) {
        // Some feeds stay as they are.
        let mut now = new;
        for feed in &mut now {
            let at = ["debian", "debian-changelog", "osv/npm", "osv/Go"]
                .iter()
                .position(|name| *name == feed.info.name)
                .unwrap();
            if let Some(before) = old.iter().find(|before| before.info.name == feed.info.name)
                && !changed[at]
            {
                *feed = before.clone();
            }
        }
        let mut known = AdvisoryIndex::from_bytes(compiled(&old)).unwrap().records().unwrap();
        let find = |feeds: &[FeedContent], name: &str| {
            feeds.iter().find(|feed| feed.info.name == name).cloned()
        };
        let mut taken = now.clone();
        for feed in &mut taken {
            let name = feed.info.name.clone();
            let is_current = |name: &str| find(&old, name) == find(&now, name);
            let others = ["debian", "debian-changelog", "osv/npm", "osv/Go"];
            let depends = others.iter().any(|it| depends_on(&name, it) && !is_current(it));
            if is_current(&name) && !depends {
                feed.records = known.remove(&name).unwrap();
            }
        }
        prop_assert_eq!(compiled(&taken), compiled(&now));
    }
}
