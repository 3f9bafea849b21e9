use std::collections::{BTreeMap, BTreeSet, HashMap};

use tallyman_model::coverage::AnalysisState;
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::severity::Severity;

use super::{Suppressed, SuppressionCause, SuppressorFate, number_of};
use crate::changes::{ChangeCursor, ChangeFilter, Direction, RiskChange, Settled};
use crate::ids::ImageId;
use crate::images::SeverityCounts;
use crate::samples::{TemporaryStore, finding, uuid};
use crate::suppressions::SuppressionUpdate;
use crate::suppressions::sets::{
    SuppressedVulnerability, SuppressionSet, Suppressor, SuppressorKind,
};

const HIGH: Severity = Severity::High;
const LOW: Severity = Severity::Low;

fn rule(id: &str, expires_ms: Option<i64>) -> IgnoreRule {
    IgnoreRule {
        id: id.to_owned(),
        vulnerabilities: vec![id.to_owned()],
        reason: "a test".to_owned(),
        author: "Ada".to_owned(),
        expires_ms,
        ..IgnoreRule::default()
    }
}

/// What is suppressed on a server: for each image the vulnerabilities, each by the rule of its name.
type SuppressedThere<'a> = (u32, ImageId, &'a [(&'a str, Severity)]);

/// Stores what is suppressed as if it had been derived.
async fn derive(store: &TemporaryStore, suppressed: &[SuppressedThere<'_>], now_ms: i64) {
    let work = store.find_suppression_work(now_ms).await.unwrap().expect("something to derive");
    let mut update = SuppressionUpdate::default();
    for (server, image, vulnerabilities) in suppressed {
        let named = vulnerabilities.iter().map(|(name, severity)| {
            let by = Suppressor {
                kind: SuppressorKind::Rule,
                id: (*name).to_owned(),
                author: "Ada".to_owned(),
                reason: None,
            };
            ((*name).to_owned(), SuppressedVulnerability { severity: *severity, by })
        });
        let set = SuppressionSet::new(named.collect::<BTreeMap<_, _>>());
        let id = set.as_ref().map(|set| set.id().unwrap());
        update.sets.extend(id.zip(set));
        update.places.push((uuid(*server), *image, id));
    }
    assert!(store.set_suppressions(work.mark, update, now_ms).await.unwrap());
}

async fn list(store: &TemporaryStore, filter: ChangeFilter) -> Vec<RiskChange> {
    store.list_risk_changes(&filter, None, 100).await.unwrap()
}

async fn changes(store: &TemporaryStore) -> Vec<RiskChange> {
    let newest_first = list(store, ChangeFilter::default()).await;
    // What webhooks are told is the same in the other direction.
    let start = ChangeCursor { sequence: 0, image_id: ImageId(i64::MAX) };
    let mut in_order = store.list_risk_changes_between(start, i64::MAX, 100).await.unwrap();
    in_order.reverse();
    assert_eq!(newest_first, in_order);
    newest_first
}

fn counts(of: &[Severity]) -> SeverityCounts {
    let number = |severity| of.iter().filter(|it| **it == severity).count() as u64;
    SeverityCounts(Severity::ALL.map(number))
}

fn servers(change: &RiskChange) -> Vec<String> {
    assert_eq!(change.server_count, change.servers.len() as u64);
    change.servers.iter().map(|it| it.server_uuid.to_string()).collect()
}

/// A vulnerability: its name, severities, and the rule that is why with what became of it.
type Told<'a> = (&'a str, Option<Severity>, Option<Severity>, Option<(&'a str, SuppressorFate)>);

fn told(change: &RiskChange) -> Vec<Told<'_>> {
    let all = change.vulnerabilities.iter().map(|it| {
        let cause = it.cause.as_ref().map(|cause| (cause.by.id.as_str(), cause.fate));
        (it.vulnerability.as_str(), it.before, it.after, cause)
    });
    all.collect()
}

async fn rows_of(store: &TemporaryStore, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    store.read(|connection| Ok(connection.query_row(&sql, [], |row| row.get(0))?)).await.unwrap()
}

/// One image on so many servers, judged and without findings.
async fn on_servers(store: &TemporaryStore, servers: u32) -> ImageId {
    let image = store.image(1, &[1, 2]).await;
    for server in 1..=servers {
        store.report(server, &[(image, "a:1")], 1001).await;
    }
    store.matched("r1", &[]).await;
    image
}

#[tokio::test]
async fn what_is_suppressed_when_it_comes_and_when_it_goes_is_no_change() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 1).await;
    store.insert_ignore_rule(rule("CVE-1", None)).await.unwrap();
    derive(&store, &[], 1500).await;
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH)])]).await;
    derive(&store, &[(1, image, &[("CVE-1", HIGH)])], 2500).await;
    assert_eq!(store.settle_changes(3000).await.unwrap(), Settled::default());
    store.matched("r3", &[(1, &[finding("CVE-1", LOW)])]).await;
    derive(&store, &[(1, image, &[("CVE-1", LOW)])], 3500).await;
    assert_eq!(store.settle_changes(4000).await.unwrap().changes, 0, "rated anew");
    store.matched("r4", &[]).await;
    derive(&store, &[(1, image, &[])], 4500).await;
    assert_eq!(store.settle_changes(5000).await.unwrap().changes, 0);
    assert!(changes(&store).await.is_empty());
    assert_eq!(rows_of(&store, "suppression_set").await, 0, "sets without a place are forgotten");
    assert_eq!(rows_of(&store, "suppression_change").await, 0);
}

#[tokio::test]
async fn what_is_suppressed_on_one_server_is_told_of_the_others() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 3).await;
    store.insert_ignore_rule(rule("CVE-1", None)).await.unwrap();
    derive(&store, &[], 1500).await;
    let found = [finding("CVE-1", HIGH), finding("CVE-2", LOW)];
    store.matched("r2", &[(1, &found)]).await;
    derive(&store, &[(2, image, &[("CVE-1", HIGH)])], 2500).await;
    assert_eq!(store.settle_changes(3000).await.unwrap().changes, 2);
    let mut found = changes(&store).await;
    found.sort_by_key(|change| change.server_count);
    let [of_one, of_two] = &found[..] else { panic!("{found:?}") };
    assert_eq!(servers(of_one), ["server-00002"]);
    assert_eq!(told(of_one), [("CVE-2", None, Some(LOW), None)]);
    assert_eq!(
        (of_one.before.vul_by_severity, of_one.after.vul_by_severity),
        (counts(&[]), counts(&[LOW]))
    );
    assert_eq!(servers(of_two), ["server-00001", "server-00003"]);
    assert_eq!(told(of_two), [("CVE-1", None, Some(HIGH), None), ("CVE-2", None, Some(LOW), None)]);
    assert_eq!(of_two.after.vul_by_severity, counts(&[HIGH, LOW]));
    assert_eq!(rows_of(&store, "risk_change_place").await, 2, "only the fewer are named");
    for (server, expected) in [(1, 2), (2, 1), (9, 0)] {
        let filter = ChangeFilter { servers: Some(vec![uuid(server)]), ..Default::default() };
        let of_server = list(&store, filter).await;
        let names: usize = of_server.iter().map(|it| it.vulnerabilities.len()).sum();
        assert_eq!(names, expected, "server {server}");
    }
    store
        .write(|connection| Ok(connection.execute("UPDATE risk_change SET changed_at = 5", [])?))
        .await
        .unwrap();
    store.matched("r3", &[]).await;
    derive(&store, &[(2, image, &[])], 2600).await;
    let later = 2000 + crate::changes::settle::KEPT_MS;
    assert_eq!(store.settle_changes(later).await.unwrap().changes, 2);
    let places = "risk_change_place WHERE sequence <= 2";
    assert_eq!(rows_of(&store, places).await, 0, "they are forgotten with their changes");
}

#[tokio::test]
async fn a_rule_that_comes_expires_or_is_removed_is_told_with_its_name() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 2).await;
    let found = [finding("CVE-1", HIGH), finding("CVE-2", LOW)];
    store.matched("r2", &[(1, &found)]).await;
    store.settle_changes(3000).await.unwrap();
    let settle = async |now_ms: i64| {
        let before = changes(&store).await.len();
        let settled = store.settle_changes(now_ms).await.unwrap();
        let mut all = changes(&store).await;
        all.truncate(all.len() - before);
        assert_eq!((settled.changes, all.len()), (1, 1));
        all.remove(0)
    };
    let both = |of: &'static [(&'static str, Severity)]| [(1, image, of), (2, image, of)];

    store.insert_ignore_rule(rule("CVE-1", Some(6000))).await.unwrap();
    derive(&store, &both(&[("CVE-1", HIGH)]), 3500).await;
    let change = settle(4000).await;
    let cause = Some(("CVE-1", SuppressorFate::Suppresses));
    assert_eq!(told(&change), [("CVE-1", Some(HIGH), None, cause)]);
    assert_eq!(change.direction, Direction::Better);
    assert_eq!(change.before.vul_by_severity, counts(&[HIGH, LOW]));
    assert_eq!(change.after.vul_by_severity, counts(&[LOW]));
    assert_eq!((change.revision.as_deref(), change.changed_at), (Some("r2"), 4000));
    assert_eq!(change.vulnerabilities[0].cause.as_ref().unwrap().by.author, "Ada");
    assert_eq!(rows_of(&store, "risk_change_place").await, 0, "it is everywhere");

    store.insert_ignore_rule(rule("CVE-2", None)).await.unwrap();
    derive(&store, &both(&[("CVE-1", HIGH), ("CVE-2", LOW)]), 5000).await;
    assert_eq!(settle(5500).await.after.vul_by_severity, counts(&[]));

    derive(&store, &both(&[("CVE-2", LOW)]), 6000).await;
    let change = settle(6000).await;
    let cause = Some(("CVE-1", SuppressorFate::Expired));
    assert_eq!(told(&change), [("CVE-1", None, Some(HIGH), cause)]);
    assert_eq!(change.direction, Direction::Worse);
    assert_eq!(change.before.vul_by_severity, counts(&[]));

    store.delete_ignore_rule("CVE-2").await.unwrap();
    derive(&store, &both(&[]), 7000).await;
    let cause = Some(("CVE-2", SuppressorFate::Removed));
    assert_eq!(told(&settle(7000).await), [("CVE-2", None, Some(LOW), cause)]);

    let of_revision = |is_by_advisories| ChangeFilter {
        after_revision: Some(2),
        is_by_advisories,
        ..Default::default()
    };
    assert_eq!(list(&store, of_revision(false)).await.len(), 4, "they came after the revision");
    assert_eq!(list(&store, of_revision(true)).await, []);
    let first =
        ChangeFilter { after_revision: Some(1), is_by_advisories: true, ..of_revision(true) };
    assert_eq!(list(&store, first).await.len(), 1);
}

#[tokio::test]
async fn a_rule_that_is_there_and_no_longer_holds_is_why_unless_an_advisory_is() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 1).await;
    store.insert_ignore_rule(rule("CVE-1", None)).await.unwrap();
    store.matched("r2", &[(1, &[finding("CVE-1", LOW)])]).await;
    derive(&store, &[(1, image, &[("CVE-1", LOW)])], 2500).await;
    store.settle_changes(2600).await.unwrap();
    // Another package has it too, which the rule does not name: the list has it as before.
    let found = finding("CVE-1", LOW);
    store
        .matched("r3", &[(1, std::slice::from_ref(&found)), (2, std::slice::from_ref(&found))])
        .await;
    derive(&store, &[(1, image, &[])], 3500).await;
    assert_eq!(store.settle_changes(4000).await.unwrap().changes, 1);
    let cause = Some(("CVE-1", SuppressorFate::Changed));
    assert_eq!(told(&changes(&store).await[0]), [("CVE-1", None, Some(LOW), cause)]);
    derive_again_and_rate_anew(&store, image).await;
    assert_eq!(told(&changes(&store).await[0]), [("CVE-1", None, Some(HIGH), None)]);
}

/// Suppresses the vulnerability, then lets go of it together with a record that rates it anew.
async fn derive_again_and_rate_anew(store: &TemporaryStore, image: ImageId) {
    store.insert_ignore_rule(rule("other", None)).await.unwrap();
    derive(store, &[(1, image, &[("CVE-1", LOW)])], 5000).await;
    assert_eq!(store.settle_changes(5000).await.unwrap().changes, 1);
    store.matched("r4", &[(1, &[finding("CVE-1", HIGH)])]).await;
    derive(store, &[(1, image, &[])], 6000).await;
    assert_eq!(store.settle_changes(6000).await.unwrap().changes, 1);
}

#[tokio::test]
async fn the_first_answer_of_a_place_is_no_change_of_it() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 1).await;
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH)])]).await;
    store.settle_changes(2500).await.unwrap();
    store.insert_ignore_rule(rule("CVE-1", None)).await.unwrap();
    derive(&store, &[(1, image, &[("CVE-1", HIGH)])], 3000).await;
    assert_eq!(store.settle_changes(3001).await.unwrap().changes, 1);
    store.report(2, &[(image, "a:1")], 3500).await;
    derive(&store, &[(2, image, &[("CVE-1", HIGH)])], 3501).await;
    assert_eq!(store.settle_changes(4000).await.unwrap(), Settled::default());
    store.delete_ignore_rule("CVE-1").await.unwrap();
    derive(&store, &[(1, image, &[]), (2, image, &[])], 5000).await;
    assert_eq!(store.settle_changes(5000).await.unwrap().changes, 1);
    let found = changes(&store).await;
    assert_eq!(servers(&found[0]), ["server-00001", "server-00002"]);
}

#[tokio::test]
async fn what_was_not_derived_from_the_findings_waits() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 1).await;
    store.insert_ignore_rule(rule("CVE-1", Some(9000))).await.unwrap();
    derive(&store, &[], 1500).await;
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH)])]).await;
    assert_eq!(store.settle_changes(2000).await.unwrap(), Settled::default());
    assert!(changes(&store).await.is_empty(), "it would be told and taken back");
    derive(&store, &[(1, image, &[("CVE-1", HIGH)])], 2500).await;
    assert_eq!(store.settle_changes(3000).await.unwrap().changes, 0);
    store.matched("r3", &[(1, &[finding("CVE-1", HIGH), finding("CVE-2", LOW)])]).await;
    derive(&store, &[], 3500).await;
    assert_eq!(store.settle_changes(9000).await.unwrap().changes, 0, "a rule expired meanwhile");
    derive(&store, &[(1, image, &[])], 9000).await;
    assert_eq!(store.settle_changes(9000).await.unwrap().changes, 1);
    let cause = Some(("CVE-1", SuppressorFate::Expired));
    let found = changes(&store).await;
    assert_eq!(
        told(&found[0]),
        [("CVE-1", None, Some(HIGH), cause), ("CVE-2", None, Some(LOW), None)]
    );
    let filter = ChangeFilter { is_by_advisories: true, ..Default::default() };
    assert_eq!(list(&store, filter).await, found, "an advisory has a part in it");
}

#[tokio::test]
async fn another_rule_for_the_same_is_no_change_and_no_row() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 1).await;
    store.insert_ignore_rule(rule("CVE-1", None)).await.unwrap();
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH), finding("CVE-2", LOW)])]).await;
    derive(&store, &[(1, image, &[("CVE-1", HIGH)])], 2500).await;
    store.settle_changes(2600).await.unwrap();
    let version = store.list_server_versions(&[uuid(1)]).await.unwrap();
    let work = store.find_suppression_work(3000).await.unwrap();
    assert_eq!(work, None);
    store.insert_ignore_rule(rule("twin", None)).await.unwrap();
    let work = store.find_suppression_work(3000).await.unwrap().unwrap();
    let by = Suppressor {
        kind: SuppressorKind::Rule,
        id: "twin".to_owned(),
        author: "Grace".to_owned(),
        reason: None,
    };
    let suppressed = SuppressedVulnerability { severity: HIGH, by };
    let set = SuppressionSet::new(BTreeMap::from([("CVE-1".to_owned(), suppressed)])).unwrap();
    let id = set.id().unwrap();
    let update = SuppressionUpdate {
        sets: BTreeMap::from([(id, set)]),
        places: vec![(uuid(1), image, Some(id))],
    };
    assert!(store.set_suppressions(work.mark, update, 3000).await.unwrap());
    assert_eq!(store.settle_changes(3100).await.unwrap().changes, 0);
    assert_eq!(rows_of(&store, "suppression_set").await, 1);
    let after = store.list_server_versions(&[uuid(1)]).await.unwrap();
    assert_eq!(after, version, "what clients see is the same");
    // The name of who suppresses it now is the one that is told when that ends.
    store.delete_ignore_rule("twin").await.unwrap();
    derive(&store, &[(1, image, &[])], 4000).await;
    store.settle_changes(4000).await.unwrap();
    let found = changes(&store).await;
    let cause = Some(("twin", SuppressorFate::Removed));
    assert_eq!(told(&found[0]), [("CVE-1", None, Some(HIGH), cause)]);
}

#[tokio::test]
async fn the_counters_beside_a_state_leave_out_what_is_suppressed() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 3).await;
    store.insert_ignore_rule(rule("CVE-1", None)).await.unwrap();
    store.matched("r2", &[(1, &[finding("CVE-1", HIGH), finding("CVE-2", LOW)])]).await;
    derive(&store, &[(3, image, &[("CVE-1", HIGH)])], 2500).await;
    store.settle_changes(2600).await.unwrap();
    let unsupported = AnalysisState::Unsupported { reason: "no feed".to_owned() };
    store.set_image_states(vec![(image, unsupported.clone())]).await.unwrap();
    if store.find_suppression_work(3000).await.unwrap().is_some() {
        derive(&store, &[], 3000).await;
    }
    assert_eq!(store.settle_changes(3000).await.unwrap().changes, 2);
    let mut found: Vec<RiskChange> = changes(&store).await;
    found.retain(|change| change.before.state != change.after.state);
    found.sort_by_key(|change| change.server_count);
    let [of_one, of_two] = &found[..] else { panic!("{found:?}") };
    assert_eq!(servers(of_one), ["server-00003"]);
    assert_eq!(of_one.after.vul_by_severity, counts(&[LOW]));
    assert_eq!(of_one.before.vul_by_severity, counts(&[LOW]));
    assert_eq!(told(of_one), [], "no vulnerability came or went");
    assert_eq!(servers(of_two), ["server-00001", "server-00002"]);
    assert_eq!(of_two.after.vul_by_severity, counts(&[HIGH, LOW]));
    assert_eq!(of_two.before.vul_by_severity, counts(&[HIGH, LOW]));
}

#[tokio::test]
async fn what_stays_suppressed_is_not_told_with_what_comes() {
    let store = TemporaryStore::new();
    let image = on_servers(&store, 2).await;
    let found = [finding("CVE-1", HIGH), finding("CVE-2", LOW)];
    store.insert_ignore_rule(rule("CVE-1", None)).await.unwrap();
    store.matched("r2", &[(1, &found[..1])]).await;
    derive(&store, &[(1, image, &[("CVE-1", HIGH)])], 2500).await;
    store.settle_changes(2600).await.unwrap();
    let before = changes(&store).await.len();
    store.matched("r3", &[(1, &found)]).await;
    derive(&store, &[], 3500).await;
    assert_eq!(store.settle_changes(4000).await.unwrap().changes, 2);
    let mut newest = changes(&store).await;
    newest.truncate(newest.len() - before);
    let counted = |change: &RiskChange| {
        assert_eq!(told(change), [("CVE-2", None, Some(LOW), None)]);
        (servers(change).remove(0), change.before.vul_by_severity)
    };
    let mut found: Vec<_> = newest.iter().map(counted).collect();
    found.sort();
    let expected =
        [("server-00001".to_owned(), counts(&[])), ("server-00002".to_owned(), counts(&[HIGH]))];
    assert_eq!(found, expected);
}

#[test]
fn whether_a_suppressor_is_there_is_looked_up_by_its_kind() {
    let suppressed = Suppressed {
        before: HashMap::new(),
        lists: BTreeSet::new(),
        is_any: true,
        rules: [("rule".to_owned(), None), ("old".to_owned(), Some(5))].into(),
        documents: ["document".to_owned()].into(),
        now_ms: 5,
    };
    for (kind, id, expected) in [
        (SuppressorKind::Rule, "rule", SuppressorFate::Changed),
        (SuppressorKind::Rule, "old", SuppressorFate::Expired),
        (SuppressorKind::Rule, "document", SuppressorFate::Removed),
        (SuppressorKind::Vex, "document", SuppressorFate::Changed),
        (SuppressorKind::Vex, "rule", SuppressorFate::Removed),
    ] {
        let (id, author) = (id.to_owned(), "Ada".to_owned());
        let by = Suppressor { kind, id, author, reason: None };
        assert_eq!(suppressed.fate(&by), expected, "{by:?}");
    }
}

#[test]
fn a_cause_of_several_vulnerabilities_is_kept_once() {
    let cause = |fate| {
        let (id, author) = ("a".to_owned(), "Ada".to_owned());
        let by = Suppressor { kind: SuppressorKind::Rule, id, author, reason: None };
        SuppressionCause { fate, by }
    };
    let mut causes = Vec::new();
    let fates = [SuppressorFate::Removed, SuppressorFate::Changed, SuppressorFate::Removed];
    let numbers = fates.map(|fate| number_of(&mut causes, cause(fate)));
    assert_eq!((numbers, causes.len()), ([-1, -2, -1], 2));
}

#[test]
fn a_set_is_named_by_all_that_it_says() {
    let by = |id: &str| {
        let (id, author) = (id.to_owned(), "Ada".to_owned());
        Suppressor { kind: SuppressorKind::Rule, id, author, reason: None }
    };
    let set = |of: [(&str, &str); 2]| {
        let all = of.map(|(name, id)| {
            let suppressed = SuppressedVulnerability { severity: LOW, by: by(id) };
            (name.to_owned(), suppressed)
        });
        SuppressionSet::new(all.into()).unwrap().id().unwrap()
    };
    let ids = [
        set([("CVE-1", "a"), ("CVE-2", "b")]),
        set([("CVE-1", "b"), ("CVE-2", "a")]),
        set([("CVE-1", "a"), ("CVE-2", "a")]),
    ];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert_eq!(SuppressionSet::new(BTreeMap::new()), None);
}
