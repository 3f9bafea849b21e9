use serde_json::{Value, json};
use tallyman_acs::parameters::Parameters;
use tallyman_model::coverage::AnalysisState;
use tallyman_model::digest::Digest;
use tallyman_store::ids::ImageId;
use tallyman_store::images::{ImageSummary, SeverityCounts};
use tallyman_store::servers::ServerImageRow;

use super::{image_info, parse_uuids};

const CONFIG: [u8; 32] = [0xbb; 32];
const MANIFEST: [u8; 32] = [0xa3; 32];

fn row(name: &str, state: AnalysisState, vul_count: u64, alarm_count: u64) -> ServerImageRow {
    ServerImageRow {
        server_uuid: "ff9ca084-7faa-4ab2-8728-690247550000".parse().expect("a uuid"),
        name: name.to_owned(),
        names: vec![name.to_owned()],
        engine: "docker".to_owned(),
        registry: None,
        first_seen_at: 1_636_974_116_000,
        image: ImageSummary {
            image_id: ImageId(1),
            config_digest: Digest::from_sha256(&CONFIG),
            manifest_digest: Some(Digest::from_sha256(&MANIFEST)),
            platform: "linux/amd64".parse().expect("a platform"),
            created_ms: Some(1_636_962_328_000),
            size_bytes: 157_408_623,
            state,
            vul_count,
            vul_by_severity: SeverityCounts::default(),
            alarm_count,
            row_version: 1,
            analyzed_at: 0,
            matched_revision: Some("r".to_owned()),
        },
    }
}

fn answer(row: &ServerImageRow) -> Value {
    serde_json::to_value(image_info(row, "local")).expect("an answer")
}

fn unsupported() -> AnalysisState {
    AnalysisState::Unsupported { reason: "no feed".to_owned() }
}

#[test]
fn every_fact_of_a_registry_image_is_answered_in_the_documented_form() {
    let name = "registry.cn-hangzhou.aliyuncs.com/libssh2/opa-test:v1";
    let mut row = row(name, AnalysisState::Analyzed, 1, 10);
    row.registry = Some(json!({"public": true}));
    assert_eq!(
        answer(&row),
        json!({
            "Status": "NORMAL",
            "Endpoints": "registry.cn-hangzhou.aliyuncs.com",
            "RiskStatus": "YES",
            "VulStatus": "YES",
            "ImageCreate": 1_636_962_328_000_i64,
            "AlarmStatus": "YES",
            "Digest": "a3".repeat(32),
            "RegistryType": "acr",
            "ImageUpdate": 1_636_974_116_000_i64,
            "Tag": "v1",
            "InstanceId": "ff9ca084-7faa-4ab2-8728-690247550000",
            "RepoType": "PUBLIC",
            "RegionId": "cn-hangzhou",
            "Uuid": "ff9ca084-7faa-4ab2-8728-690247550000",
            "ImageSize": 157_408_623,
            "RepoId": answer(&row)["RepoId"],
            "VulCount": 1,
            "AlarmCount": 10,
            "ImageId": "bb".repeat(32),
            "RepoName": "opa-test",
            "RepoNamespace": "libssh2",
        })
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    let mut row = row("<none>:<none>", AnalysisState::Analyzed, 0, 0);
    row.image.manifest_digest = None;
    row.image.created_ms = None;
    let answer = answer(&row);
    let mut names: Vec<&str> =
        answer.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "AlarmCount",
            "AlarmStatus",
            "ImageId",
            "ImageSize",
            "ImageUpdate",
            "InstanceId",
            "RegionId",
            "RiskStatus",
            "Status",
            "Uuid",
            "VulCount",
            "VulStatus",
        ]
    );
    assert_eq!(answer["RegionId"], "local");
}

#[test]
fn a_failed_image_is_never_called_clean() {
    let risk = |state, vulnerabilities, alarms| {
        let answer = answer(&row("a/b:c", state, vulnerabilities, alarms));
        ["Status", "VulStatus", "AlarmStatus", "RiskStatus", "VulCount", "AlarmCount"]
            .map(|name| answer.get(name).map_or("-".to_owned(), |value| value.to_string()))
            .join(" ")
            .replace('"', "")
    };
    let failed = AnalysisState::Failed { reason: "truncated".to_owned() };
    assert_eq!(risk(failed, 0, 0), "SCAN_FAILED - - - - -");
    assert_eq!(risk(unsupported(), 0, 0), "SCAN_UNSUPPORTED - NO - - 0");
    assert_eq!(risk(unsupported(), 3, 0), "SCAN_UNSUPPORTED YES NO YES 3 0");
    assert_eq!(risk(unsupported(), 0, 1), "SCAN_UNSUPPORTED - YES YES - 1");
    assert_eq!(risk(AnalysisState::Analyzed, 0, 0), "NORMAL NO NO NO 0 0");
    assert_eq!(risk(AnalysisState::Analyzed, 0, 2), "NORMAL NO YES YES 0 2");
}

#[test]
fn an_image_that_is_not_matched_yet_has_no_count() {
    let mut row = row("a/b:c", AnalysisState::Analyzed, 0, 0);
    row.image.matched_revision = None;
    let answer = answer(&row);
    assert_eq!((answer.get("VulCount"), answer.get("RiskStatus")), (None, None));
}

#[test]
fn what_an_engine_says_goes_before_what_the_layers_say() {
    let mut row = row("a/b:c", AnalysisState::Analyzed, 0, 0);
    let digest = Digest::from_sha256(&[1; 32]);
    row.registry = Some(json!({"manifest_digest": digest, "size_bytes": 7}));
    let answer = answer(&row);
    assert_eq!((&answer["Digest"], &answer["ImageSize"]), (&json!("01".repeat(32)), &json!(7)));
}

#[test]
fn uuids_are_read_once_each_and_refused_by_name() {
    let parse = |text: &str| {
        let pairs = [("Uuids".to_owned(), text.to_owned())];
        let parameters = Parameters::from_pairs(pairs).expect("parameters");
        parse_uuids(&parameters)
            .map(|uuids| uuids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .unwrap_or_else(|error| format!("{} {}", error.http_status, error.code))
    };
    assert_eq!(parse("b, a,,b"), "a b");
    assert_eq!(parse(" , "), "400 MissingUuids");
    assert_eq!(parse(""), "400 MissingUuids");
    assert_eq!(parse("a,b c"), "400 InvalidUuids");
    let many = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>().join(",");
    assert_eq!(parse(&many(1_000)).split(' ').count(), 1_000);
    assert_eq!(parse(&many(1_001)), "400 InvalidUuids");
    assert_eq!(parse(&format!("{},u0,u1", many(1_000))).split(' ').count(), 1_000);
}
