use serde_json::json;
use tallyman_acs::parameters::Parameters;
use tallyman_model::host::HostFacts;
use tallyman_store::servers::ServerRow;

use super::criteria::Criteria;
use super::{Addresses, Describe, Language, ONLINE_WINDOW_MS, read_token, write_token};

fn row() -> ServerRow {
    ServerRow {
        server_uuid: "server-1".parse().expect("a uuid"),
        facts: HostFacts {
            hostname: "Quay-7".to_owned(),
            os: "linux".to_owned(),
            os_name: Some("Debian GNU/Linux 12".to_owned()),
            ip_addresses: vec!["10.0.0.7".to_owned(), "203.0.113.9".to_owned()],
            ..HostFacts::default()
        },
        agent_version: None,
        first_seen_at: 0,
        last_seen_at: 1_000,
        images_reported_at: Some(1_000),
        image_count: 1,
        vul_count: 0,
        alarm_count: 0,
        unjudged_count: 0,
        row_version: 1,
    }
}

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Parameters::from_pairs(pairs).expect("parameters")
}

fn meets(criteria: &serde_json::Value, logical_exp: &str) -> Result<bool, String> {
    let text = criteria.to_string();
    let parameters = parameters(&[("Criteria", &text), ("LogicalExp", logical_exp)]);
    let criteria = Criteria::parse(&parameters).map_err(|error| error.code)?;
    Ok(criteria.meets(&row(), 1_000))
}

#[test]
fn conditions_are_joined_as_the_request_says() {
    let named = json!({"name": "instanceName", "value": "quay"});
    let other = json!({"name": "ip", "value": "10.0.0.8"});
    let joined = json!({"name": "ip", "value": "10.0.0.8", "logicalExp": "AND"});
    assert_eq!(meets(&json!([]), ""), Ok(true));
    assert_eq!(meets(&json!([named, other]), ""), Ok(true));
    assert_eq!(meets(&json!([named, other]), "AND"), Ok(false));
    assert_eq!(meets(&json!([named, joined]), ""), Ok(false));
    assert_eq!(meets(&json!([named, joined]), "OR"), Ok(true));
}

#[test]
fn a_condition_that_is_not_known_is_refused() {
    let name = |name: &str| json!([{"name": name, "value": "x"}]);
    assert_eq!(meets(&name("instancename"), ""), Err("InvalidCriteria".to_owned()));
    assert_eq!(meets(&name("uuid"), "XOR"), Err("InvalidLogicalExp".to_owned()));
    assert_eq!(meets(&json!("x"), ""), Err("InvalidCriteria".to_owned()));
}

#[test]
fn each_condition_looks_at_its_fact() {
    for (name, value, expect) in [
        ("uuid", "server-1", true),
        ("uuid", "server-", false),
        ("ip", "203.0.113.9", true),
        ("internetIp", "10.0.0.7", false),
        ("intranetIp", "10.0.0.7", true),
        ("osName", "debian", true),
        ("kernel", "6", false),
        ("clientStatus", "online", true),
        ("riskStatus", "NO", true),
        ("vulStatus", "YES", false),
    ] {
        let criteria = json!([{"name": name, "value": value}]);
        assert_eq!(meets(&criteria, ""), Ok(expect), "{name} {value}");
    }
}

#[test]
fn a_server_is_clean_only_when_all_its_images_were_judged() {
    let describe = Describe { region: "local", language: Language::English, now_ms: 1_000 };
    let mut server = row();
    let risk = |server: &ServerRow| describe.instance(server, &[]).risk_status;
    assert_eq!(risk(&server), Some("NO"));
    server.unjudged_count = 1;
    assert_eq!(risk(&server), None);
    server.vul_count = 2;
    assert_eq!(risk(&server), Some("YES"));
    server = ServerRow { images_reported_at: None, ..row() };
    assert_eq!(risk(&server), None);
}

#[test]
fn a_silent_server_is_offline_and_may_still_run() {
    let at = |now_ms| Describe { region: "local", language: Language::Chinese, now_ms };
    let online = at(1_000 + ONLINE_WINDOW_MS).instance(&row(), &[]);
    assert_eq!((online.client_status, online.status), ("online", Some("Running")));
    let offline = at(1_001 + ONLINE_WINDOW_MS).instance(&row(), &[]);
    assert_eq!((offline.client_status, offline.status), ("offline", None));
}

#[test]
fn addresses_are_told_apart() {
    let all = ["fd00::2", "2001:db8::1", "192.168.0.2", "8.8.4.4"].map(str::to_owned);
    let addresses = Addresses::of(&all);
    assert_eq!(addresses.private.as_deref(), Some("192.168.0.2"));
    assert_eq!(addresses.public.as_deref(), Some("8.8.4.4"));
    assert_eq!(Addresses::of(&[]), Addresses::default());
}

#[test]
fn a_token_of_a_page_is_read_back_and_a_foreign_one_refused() {
    let uuid = "server-1".parse().expect("a uuid");
    assert_eq!(read_token(&write_token(&uuid)), Ok(uuid));
    assert_eq!(
        read_token("page-2").map_err(|error| error.code),
        Err("InvalidNextToken".to_owned())
    );
}
