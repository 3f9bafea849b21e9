use std::sync::Arc;

use tallyman_engine::agent::protocol::{PutLayerRequest, ReportRequest};
use tallyman_engine::analysis::analyzer_fingerprint;
use tallyman_engine::changes::{ChangedImage, ChangedVulnerability};
use tallyman_engine::fleet::{put_layer, report_server};
use tallyman_engine::images::match_pending;
use tallyman_engine::installation::Installation;
use tallyman_engine::suppressions::{add_rule, import_vex, remove_rule, remove_vex};
use tallyman_match::vex;
use tallyman_model::clock::Clock;
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::limits::Limits;
use tallyman_model::vex::VexDocument;
use tallyman_store::changes::ChangeFilter;
use tallyman_testkit::layer::{Layer, digest};

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

/// A change: the servers, the counts before and after, and each vulnerability with its fate and who
/// is why.
type Told = (Vec<String>, [u64; 2], Vec<String>);

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
        self.report_images(server).await;
    }

    async fn report_images(&self, server: &str) {
        let mut request: ReportRequest = report(server, Some(vec![image(&[&self.bytes])]));
        request.fingerprint = analyzer_fingerprint(self.setting.installation.limits());
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

    /// Returns what changed since it was last asked, after letting a second pass.
    async fn told(&self) -> Vec<Told> {
        let filter =
            ChangeFilter { since: Some(self.setting.clock.now_ms()), ..Default::default() };
        self.setting.clock.advance(1_000);
        let store = self.setting.installation.store();
        let found = store.list_risk_changes(&filter, None, 100).await.expect("changes");
        let told = found.iter().map(|change| {
            let image = ChangedImage::of(change);
            let counts = [image.before, image.after].map(|it| it.vulnerabilities.expect("known"));
            let of_vulnerability = |it: &ChangedVulnerability| {
                let cause =
                    it.cause.as_ref().map(|it| format!("{} {} {}", it.kind, it.id, it.fate));
                let words = [format!("{} {:?}", it.id, it.change), cause.unwrap_or_default()];
                words.join(" ").trim_end().to_owned()
            };
            let servers = image.servers.into_iter().map(|it| it.uuid).collect();
            (servers, counts, image.vulnerabilities.iter().map(of_vulnerability).collect())
        });
        told.collect()
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

#[tokio::test]
async fn what_a_rule_or_a_document_changes_is_told_with_its_name_where_it_holds() {
    let fleet = Fleet::new().await;
    let installation = &fleet.setting.installation;
    fleet.told().await;
    let one = || vec!["one".to_owned()];
    let both = || vec!["one".to_owned(), "two".to_owned()];
    let words = |text: &str| vec![text.to_owned()];

    let server = Some(uuid("one"));
    add_rule(installation, IgnoreRule { server, ..on_vulnerability("TEST-1") })
        .await
        .expect("added");
    let told = fleet.told().await;
    assert_eq!(told, [(one(), [2, 1], words("TEST-1 Went rule TEST-1 suppresses"))]);

    let expires_ms = Some(fleet.setting.clock.now_ms() + HOUR_MS);
    let rule = IgnoreRule { expires_ms, ..on_vulnerability("TEST-2") };
    add_rule(installation, rule).await.expect("added");
    let mut told = fleet.told().await;
    told.sort();
    let suppresses = || words("TEST-2 Went rule TEST-2 suppresses");
    let two = || vec!["two".to_owned()];
    assert_eq!(told, [(one(), [1, 0], suppresses()), (two(), [2, 1], suppresses())]);

    // A change of what is suppressed on one server is one on the other.
    fleet.setting.affect("TEST-1", "quayside", "1.0", "2026-02-01T00:00:00Z").await;
    assert_eq!(fleet.told().await, [(two(), [1, 0], words("TEST-1 Went"))]);
    fleet.setting.affect("TEST-2", "quayside", "1.0", "2026-02-01T00:00:00Z").await;
    assert_eq!(fleet.told().await, []);
    fleet.setting.affect("TEST-2", "quayside", "1.6", "2026-03-01T00:00:00Z").await;
    assert_eq!(fleet.told().await, []);

    fleet.setting.clock.advance(HOUR_MS);
    match_pending(installation).await.expect("a match");
    assert_eq!(fleet.told().await, [(both(), [0, 1], words("TEST-2 Came rule TEST-2 expired"))]);

    fleet.setting.affect("TEST-1", "quayside", "1.5", "2026-04-01T00:00:00Z").await;
    assert_eq!(fleet.told().await, [(two(), [1, 2], words("TEST-1 Came"))]);
    import_vex(installation, vec![document("not_affected", DATE)]).await.expect("imported");
    let cause = format!("TEST-1 Went vex vex of {DATE} suppresses");
    assert_eq!(fleet.told().await, [(two(), [2, 1], words(&cause))]);
    remove_rule(installation, "TEST-1").await.expect("removed");
    assert_eq!(fleet.told().await, [], "the document still holds");
    remove_vex(installation, &format!("vex of {DATE}")).await.expect("removed");
    let cause = format!("TEST-1 Came vex vex of {DATE} removed");
    assert_eq!(fleet.told().await, [(both(), [1, 2], words(&cause))]);
    match_pending(installation).await.expect("a match");
    assert_eq!(fleet.told().await, []);
}

#[tokio::test]
async fn rules_survive_analyzers_that_look_at_every_layer_again() {
    let mut fleet = Fleet::new().await;
    add_rule(&fleet.setting.installation, on_vulnerability("TEST-1")).await.expect("added");
    fleet.told().await;
    // The limits are part of what a result is filed under, like the analyzers' versions.
    let limits =
        Limits { metadata_bytes: Limits::default().metadata_bytes - 1, ..Limits::default() };
    let (data, clock) = (fleet.setting.path("data"), fleet.setting.clock.clone());
    let other = Installation::open(&data, clock, limits).await.expect("an installation");
    fleet.setting.installation = Arc::new(other);
    for server in ["one", "two"] {
        let fingerprint = analyzer_fingerprint(fleet.setting.installation.limits());
        assert_ne!(fingerprint, analyzer_fingerprint(&Limits::default()));
        let request = PutLayerRequest {
            server_uuid: uuid(server),
            fingerprint,
            digest: digest(&fleet.bytes),
            inventory: honest(&fleet.bytes),
        };
        put_layer(&fleet.setting.installation, request).await.expect("stored");
        fleet.report_images(server).await;
    }
    assert_eq!(fleet.counts().await, [1, 1]);
    assert_eq!(fleet.told().await, [], "nothing changed for anybody");
    match_pending(&fleet.setting.installation).await.expect("a match");
    assert_eq!(fleet.counts().await, [1, 1]);
    remove_rule(&fleet.setting.installation, "TEST-1").await.expect("removed");
    assert_eq!(fleet.counts().await, [2, 2]);
    assert_eq!(fleet.told().await.len(), 1);
}
