use tallyman_engine::agent::protocol::{
    MissingLayersRequest, PutLayerRequest, ReportAnswer, ReportRequest, ReportedImage,
};
use tallyman_engine::analysis::analyzer_fingerprint;
use tallyman_engine::archives::import_archives;
use tallyman_engine::fleet::{find_missing_layers, put_layer, report_server};
use tallyman_engine::images::{MatchOutcome, match_pending};
use tallyman_model::host::{HostFacts, ServerUuid};
use tallyman_model::image::{Compression, LayerDescriptor, ResolvedImage};
use tallyman_model::inventory::LayerInventory;
use tallyman_model::limits::Limits;
use tallyman_scan::budget::Budget;
use tallyman_scan::layer::{LayerInput, analyze_layer};
use tallyman_store::servers::ServerImageRow;
use tallyman_testkit::layer::{Layer, digest};

use crate::setting::Setting;

pub(crate) fn uuid(name: &str) -> ServerUuid {
    name.parse().expect("a uuid")
}

pub(crate) fn image(layers: &[&[u8]]) -> ResolvedImage {
    let descriptor = |bytes: &&[u8]| LayerDescriptor {
        digest: digest(bytes),
        size_bytes: bytes.len() as u64,
        compression: Some(Compression::Gzip),
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        urls: Vec::new(),
    };
    ResolvedImage {
        name: "a/b:1".to_owned(),
        manifest_digest: Some(digest(b"manifest")),
        config_digest: digest(b"config"),
        platform: "linux/amd64".parse().expect("a platform"),
        created_ms: None,
        layers: layers.iter().map(descriptor).collect(),
    }
}

pub(crate) fn report(server: &str, images: Option<Vec<ResolvedImage>>) -> ReportRequest {
    let reported = |image: ResolvedImage| ReportedImage {
        engine: "docker".to_owned(),
        names: vec![image.name.clone()],
        image,
        engine_size_bytes: None,
        public: None,
        failure: None,
    };
    ReportRequest {
        server_uuid: uuid(server),
        facts: HostFacts { hostname: server.to_owned(), ..HostFacts::default() },
        agent_version: "0".to_owned(),
        fingerprint: analyzer_fingerprint(&Limits::default()),
        images: images.map(|images| images.into_iter().map(reported).collect()),
    }
}

pub(crate) fn honest(bytes: &[u8]) -> LayerInventory {
    let mut reader = bytes;
    let input = LayerInput {
        reader: &mut reader,
        compression: Compression::Gzip,
        expected: None,
        size_bytes: None,
    };
    analyze_layer(input, &Budget::default(), &|_| {}).expect("an inventory").inventory
}

pub(crate) async fn bring(
    setting: &Setting,
    server: &str,
    bytes: &[u8],
    inventory: LayerInventory,
) {
    let request = PutLayerRequest {
        server_uuid: uuid(server),
        fingerprint: analyzer_fingerprint(&Limits::default()),
        digest: digest(bytes),
        inventory,
    };
    put_layer(&setting.installation, request).await.expect("stored");
}

pub(crate) async fn images(setting: &Setting, servers: &[&str]) -> Vec<ServerImageRow> {
    let uuids: Vec<ServerUuid> = servers.iter().map(|name| uuid(name)).collect();
    setting.installation.store().list_server_images(&uuids).await.expect("rows")
}

#[tokio::test]
async fn an_agent_that_lies_lies_about_its_own_server_only() {
    let setting = Setting::new().await;
    setting.affect("TEST-1", "quayside", "1.5", "2026-01-01T00:00:00Z").await;
    let bytes = Layer::default().python("quayside", "1.4").gzip();
    let harmless = honest(&Layer::default().python("quayside", "1.5").gzip());

    bring(&setting, "liar", &bytes, harmless).await;
    // What the liar brought is no answer for anybody else.
    let question = |server: &str| MissingLayersRequest {
        server_uuid: uuid(server),
        fingerprint: analyzer_fingerprint(&Limits::default()),
        digests: vec![digest(&bytes)],
    };
    let missing = |server| find_missing_layers(&setting.installation, question(server));
    assert_eq!(missing("liar").await.expect("an answer").missing, []);
    assert_eq!(missing("honest").await.expect("an answer").missing, [digest(&bytes)]);

    bring(&setting, "honest", &bytes, honest(&bytes)).await;
    for server in ["liar", "honest"] {
        let answer =
            report_server(&setting.installation, report(server, Some(vec![image(&[&bytes])])))
                .await
                .expect("an answer");
        assert_eq!(answer, ReportAnswer::Stored { images: 1 });
    }
    let rows = images(&setting, &["honest", "liar"]).await;
    let counts: Vec<u64> = rows.iter().map(|row| row.image.vul_count).collect();
    assert_eq!(counts, [1, 0]);
    assert_ne!(rows[0].image.image_id, rows[1].image.image_id);
}

#[tokio::test]
async fn new_advisories_match_only_the_packages_that_they_speak_of() {
    let setting = Setting::new().await;
    let outcome = |matched, changed_versions, changed_images| MatchOutcome {
        matched,
        changed_versions,
        changed_images,
    };
    for (server, name) in [("one", "quayside"), ("two", "bollard")] {
        let bytes = Layer::default().python(name, "1.4").gzip();
        bring(&setting, server, &bytes, honest(&bytes)).await;
        let report = report(server, Some(vec![image(&[&bytes])]));
        report_server(&setting.installation, report).await.expect("an answer");
    }
    let date = "2026-01-01T00:00:00Z";
    assert_eq!(setting.affect("TEST-1", "quayside", "1.5", date).await, outcome(1, 1, 1));
    assert_eq!(setting.affect("TEST-2", "fender", "1.5", date).await, outcome(0, 0, 0));
    assert_eq!(setting.affect("TEST-2", "fender", "1.5", date).await, outcome(0, 0, 0));
    assert_eq!(setting.affect("TEST-3", "bollard", "1.3", date).await, outcome(1, 0, 0));
    let rows = images(&setting, &["one", "two"]).await;
    assert_eq!(rows.iter().map(|row| row.image.vul_count).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(match_pending(&setting.installation).await.expect("a match"), outcome(0, 0, 0));
}

#[tokio::test]
async fn what_agents_bring_together_is_measured_by_the_servers_limits() {
    let layers = [
        Layer::default().python("quayside", "1.4").gzip(),
        Layer::default().python("bollard", "2.0").gzip(),
    ];
    for image_packages in [1, 2] {
        let setting = Setting::within(Limits { image_packages, ..Limits::default() }).await;
        for bytes in &layers {
            bring(&setting, "one", bytes, honest(bytes)).await;
        }
        let twice = image(&[&layers[0], &layers[1], &layers[0]]);
        let request = report("one", Some(vec![twice]));
        report_server(&setting.installation, request).await.expect("an answer");
        let state = format!("{:?}", images(&setting, &["one"]).await[0].image.state);
        let is_over = state.contains("over the limit image-packages of 1 ");
        assert_eq!(is_over, image_packages == 1, "{state}");
        assert_eq!(state.starts_with("Failed"), is_over, "{state}");
    }
}

#[tokio::test]
async fn what_a_distributions_package_brought_is_not_counted_again() {
    let setting = Setting::new().await;
    setting.affect("TEST-1", "quayside", "1.5", "2026-01-01T00:00:00Z").await;
    let list = "/usr/lib/python3/dist-packages/quayside-1.4.dist-info/METADATA\n";
    let layer =
        || Layer::default().debian(&[("python3-quayside", "1.4-1")]).python("quayside", "1.4");
    let owned = layer().file("var/lib/dpkg/info/python3-quayside.list", list.as_bytes()).gzip();
    for (server, bytes, expected) in [("bare", layer().gzip(), 1), ("owned", owned, 0)] {
        bring(&setting, server, &bytes, honest(&bytes)).await;
        let request = report(server, Some(vec![image(&[&bytes])]));
        report_server(&setting.installation, request).await.expect("an answer");
        assert_eq!(images(&setting, &[server]).await[0].image.vul_count, expected, "{server}");
    }
}

#[tokio::test]
async fn servers_that_found_the_same_share_a_row() {
    let setting = Setting::new().await;
    let bytes = Layer::default().python("quayside", "1.4").gzip();
    for server in ["one", "two"] {
        bring(&setting, server, &bytes, honest(&bytes)).await;
        let request = report(server, Some(vec![image(&[&bytes])]));
        report_server(&setting.installation, request).await.expect("an answer");
    }
    let rows = images(&setting, &["one", "two"]).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].image.image_id, rows[1].image.image_id);
}

#[tokio::test]
async fn a_report_is_stored_as_a_whole_or_not_at_all() {
    let setting = Setting::new().await;
    let (known, unknown) =
        (Layer::default().python("a", "1").gzip(), Layer::default().python("b", "1").gzip());
    bring(&setting, "one", &known, honest(&known)).await;
    let request = report("one", Some(vec![image(&[&known]), image(&[&known, &unknown])]));
    let answer = report_server(&setting.installation, request).await.expect("an answer");
    assert_eq!(answer, ReportAnswer::LayersMissing { missing: vec![digest(&unknown)] });
    assert_eq!(images(&setting, &["one"]).await, []);
}

#[tokio::test]
async fn images_that_are_not_named_any_more_are_gone_and_unlisted_ones_stay() {
    let setting = Setting::new().await;
    let bytes = Layer::default().python("a", "1").gzip();
    bring(&setting, "one", &bytes, honest(&bytes)).await;
    let say = async |images| {
        report_server(&setting.installation, report("one", images)).await.expect("an answer");
    };
    say(Some(vec![image(&[&bytes])])).await;
    say(None).await;
    assert_eq!(images(&setting, &["one"]).await.len(), 1);
    say(Some(Vec::new())).await;
    assert_eq!(images(&setting, &["one"]).await.len(), 0);
}

#[tokio::test]
async fn an_advisory_that_comes_later_reaches_the_images_that_are_there() {
    let setting = Setting::new().await;
    let bytes = Layer::default().python("quayside", "1.4").gzip();
    bring(&setting, "one", &bytes, honest(&bytes)).await;
    let request = report("one", Some(vec![image(&[&bytes])]));
    report_server(&setting.installation, request).await.expect("an answer");
    let count = async || images(&setting, &["one"]).await[0].image.vul_count;
    assert_eq!(count().await, 0);
    setting.affect("TEST-1", "quayside", "1.5", "2026-01-01T00:00:00Z").await;
    assert_eq!(count().await, 1);
    setting.affect("TEST-1", "quayside", "1.3", "2026-01-02T00:00:00Z").await;
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn an_index_of_archives_that_comes_later_reaches_the_images_that_are_reported_again() {
    let setting = Setting::new().await;
    // An archive of nothing, as its end alone says.
    let jar = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    let bytes = Layer::default().file("opt/renamed.jar", &jar).gzip();
    bring(&setting, "one", &bytes, honest(&bytes)).await;
    let packages = async || {
        let request = report("one", Some(vec![image(&[&bytes])]));
        report_server(&setting.installation, request).await.expect("an answer");
        let id = images(&setting, &["one"]).await[0].image.image_id;
        let found = setting.installation.store().find_image_packages(id).await.expect("packages");
        let found = found.expect("an image").into_iter().map(|it| it.version.package);
        found.map(|package| format!("{}@{}", package.name, package.version)).collect::<Vec<_>>()
    };
    assert_eq!(packages().await, <[String; 0]>::default());
    for version in ["1", "2"] {
        let index = format!("b04f3ee8f5e43fa3b162981b50bb72fe1acabb33\tg:a:{version}\n");
        let reader = std::io::Cursor::new(index);
        import_archives(&setting.installation, reader, |_| {}).await.expect("an import");
        assert_eq!(packages().await, [format!("g:a@{version}")]);
    }
}
