use tallyman_engine::agent::protocol::ReportRequest;
use tallyman_engine::analysis::analyzer_fingerprint;
use tallyman_engine::fleet::report_server;
use tallyman_engine::images::match_pending;
use tallyman_engine::suppressions::{add_rule, import_vex, remove_rule, remove_vex};
use tallyman_match::vex;
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::limits::Limits;
use tallyman_model::vex::VexDocument;
use tallyman_testkit::layer::Layer;

use crate::fleet::{bring, honest, image, images, report, uuid};
use crate::setting::{NOW_MS, Setting};

const DATE: &str = "2026-01-01T00:00:00Z";
const HOUR_MS: i64 = 3_600_000;

fn rule(id: &str) -> IgnoreRule {
    IgnoreRule {
        id: id.to_owned(),
        reason: "a test".to_owned(),
        author: "Ada".to_owned(),
        ..IgnoreRule::default()
    }
}

fn on_vulnerability(id: &str) -> IgnoreRule {
    IgnoreRule { vulnerabilities: vec![id.to_owned()], ..rule(id) }
}

fn document(status: &str, date: &str) -> VexDocument {
    let text = serde_json::json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": format!("vex of {date}"),
        "author": "Ada", "timestamp": date,
        "statements": [{
            "vulnerability": {"name": "TEST-1"}, "status": status,
            "products": [{"@id": "pkg:pypi/quayside@1.4"}], "impact_statement": "never called",
        }],
    });
    vex::read(text.to_string().as_bytes(), &Limits::default()).expect("a document")
}

/// Two servers with one image that has two vulnerabilities, under a name on each.
struct Fleet {
    setting: Setting,
    bytes: Vec<u8>,
}

impl Fleet {
    async fn new() -> Self {
        let setting = Setting::new().await;
        setting.affect("TEST-1", "quayside", "1.5", DATE).await;
        setting.affect("TEST-2", "quayside", "1.6", DATE).await;
        let fleet = Fleet { setting, bytes: Layer::default().python("quayside", "1.4").gzip() };
        for server in ["one", "two"] {
            fleet.report(server).await;
        }
        fleet
    }

    async fn report(&self, server: &str) {
        bring(&self.setting, server, &self.bytes, honest(&self.bytes)).await;
        let mut request: ReportRequest = report(server, Some(vec![image(&[&self.bytes])]));
        assert_eq!(request.fingerprint, analyzer_fingerprint(&Limits::default()));
        for reported in request.images.iter_mut().flatten() {
            reported.names = vec![format!("registry.example/{server}/app:1")];
        }
        report_server(&self.setting.installation, request).await.expect("an answer");
    }

    /// Returns what each server's image counts, after checking it against the server's own sum.
    async fn counts(&self) -> [u64; 2] {
        let mut counts = [0; 2];
        for (count, server) in counts.iter_mut().zip(["one", "two"]) {
            *count = images(&self.setting, &[server]).await[0].image.vul_count;
            let store = self.setting.installation.store();
            let row = store.find_server(&uuid(server)).await.expect("a read").expect("a server");
            assert_eq!(row.vul_count, *count, "the sum of {server}");
        }
        counts
    }

    async fn versions(&self) -> Vec<i64> {
        let store = self.setting.installation.store();
        let uuids = [uuid("one"), uuid("two")];
        store.list_server_versions(&uuids).await.expect("versions").into_values().collect()
    }
}

#[tokio::test]
async fn rules_survive_another_analysis_and_other_advisories() {
    let fleet = Fleet::new().await;
    assert_eq!(fleet.counts().await, [2, 2]);
    let installation = &fleet.setting.installation;
    assert!(add_rule(installation, on_vulnerability("TEST-1")).await.expect("added"));
    assert!(!add_rule(installation, on_vulnerability("TEST-1")).await.expect("it is there"));
    assert_eq!(fleet.counts().await, [1, 1]);
    for server in ["one", "two"] {
        fleet.report(server).await;
    }
    assert_eq!(fleet.counts().await, [1, 1]);
    fleet.setting.affect("TEST-1", "quayside", "1.7", "2026-02-01T00:00:00Z").await;
    fleet.setting.affect("TEST-3", "quayside", "1.7", "2026-02-01T00:00:00Z").await;
    assert_eq!(fleet.counts().await, [2, 2], "what is new counts");
    fleet.setting.affect("TEST-1", "quayside", "1.0", "2026-03-01T00:00:00Z").await;
    assert_eq!(fleet.counts().await, [2, 2], "what is gone is not taken off");
    assert!(remove_rule(installation, "TEST-1").await.expect("removed"));
    assert_eq!(fleet.counts().await, [2, 2]);
}

#[tokio::test]
async fn a_rule_that_has_expired_no_longer_holds() {
    let fleet = Fleet::new().await;
    let installation = &fleet.setting.installation;
    let expires_ms = Some(NOW_MS + HOUR_MS);
    let rule = IgnoreRule { expires_ms, ..on_vulnerability("TEST-1") };
    add_rule(installation, rule).await.expect("added");
    assert_eq!(fleet.counts().await, [1, 1]);
    let job = installation.store().find_job_by_key("match-packages", "rule TEST-1 expires").await;
    assert!(job.expect("a read").is_some(), "a server finds work to do at that time");
    fleet.setting.clock.advance(HOUR_MS - 1);
    match_pending(installation).await.expect("a match");
    assert_eq!(fleet.counts().await, [1, 1]);
    fleet.setting.clock.advance(1);
    match_pending(installation).await.expect("a match");
    assert_eq!(fleet.counts().await, [2, 2]);
}

#[tokio::test]
async fn a_rule_for_a_server_or_a_name_changes_only_the_rows_of_that_server() {
    let fleet = Fleet::new().await;
    let installation = &fleet.setting.installation;
    let before = fleet.versions().await;
    let server = IgnoreRule { server: Some(uuid("one")), ..on_vulnerability("TEST-1") };
    add_rule(installation, server).await.expect("added");
    assert_eq!(fleet.counts().await, [1, 2]);
    let after = fleet.versions().await;
    assert!(after[0] > before[0] && after[1] == before[1], "{before:?} {after:?}");
    let image = Some("registry.example/two/*".to_owned());
    add_rule(installation, IgnoreRule { image, ..rule("two") }).await.expect("added");
    assert_eq!(fleet.counts().await, [1, 0]);
    let written = fleet.versions().await;
    match_pending(installation).await.expect("a match");
    assert_eq!(fleet.versions().await, written, "nothing changed, so nothing is written");
    remove_rule(installation, "TEST-1").await.expect("removed");
    remove_rule(installation, "two").await.expect("removed");
    assert_eq!(fleet.counts().await, [2, 2]);
}

#[tokio::test]
async fn the_newest_statement_decides_until_it_is_removed() {
    let fleet = Fleet::new().await;
    let installation = &fleet.setting.installation;
    import_vex(installation, vec![document("not_affected", DATE)]).await.expect("imported");
    assert_eq!(fleet.counts().await, [1, 1]);
    let newer = "2026-02-01T00:00:00Z";
    import_vex(installation, vec![document("affected", newer)]).await.expect("imported");
    assert_eq!(fleet.counts().await, [2, 2]);
    assert!(remove_vex(installation, &format!("vex of {newer}")).await.expect("removed"));
    assert_eq!(fleet.counts().await, [1, 1]);
    assert!(remove_vex(installation, &format!("vex of {DATE}")).await.expect("removed"));
    assert_eq!(fleet.counts().await, [2, 2]);
}
