use std::collections::BTreeMap;

use super::{Condition, OPERATORS};
use crate::ram::evaluate::RequestContext;

/// 2026-11-24T02:30:00Z.
const NOW_MS: i64 = 1_795_487_400_000;

fn context() -> RequestContext<'static> {
    let keys = [("k", "Value"), ("n", "5"), ("acs:resourcetag/env", "prod"), ("umlaut", "Ä")];
    RequestContext {
        action: "yundun-sas:DescribeImageInfoList",
        resource: "acs:yundun-sas:*:1234:*",
        source_ip: "::ffff:10.1.2.3".parse().unwrap(),
        secure_transport: true,
        current_time_ms: NOW_MS,
        mfa_present: None,
        principal_arn: "acs:ram::1234:user/reader",
        other_keys: keys.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    }
}

fn holds(operator: &str, key: &str, values: &[&str]) -> bool {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    Condition::parse(operator, key, &values).unwrap().holds(&context())
}

#[test]
fn each_operator_compares_as_its_name_says() {
    for (operator, key, value, expected) in [
        ("StringEquals", "k", "Value", true),
        ("StringEquals", "k", "value", false),
        ("StringEquals", "k", "V*", false),
        ("StringNotEquals", "k", "Value", false),
        ("StringNotEquals", "k", "value", true),
        ("StringEqualsIgnoreCase", "k", "vALUE", true),
        ("StringEqualsIgnoreCase", "umlaut", "ä", true),
        ("StringNotEqualsIgnoreCase", "k", "vALUE", false),
        ("StringLike", "k", "V?l*", true),
        ("StringLike", "k", "v*", false),
        ("StringNotLike", "k", "V*", false),
        ("StringNotLike", "k", "W*", true),
        ("NumericEquals", "n", "5.0", true),
        ("NumericEquals", "n", "6", false),
        ("NumericNotEquals", "n", "6", true),
        ("NumericLessThan", "n", "5", false),
        ("NumericLessThan", "n", "10", true),
        ("NumericLessThanEquals", "n", "5", true),
        ("NumericGreaterThan", "n", "4.5", true),
        ("NumericGreaterThan", "n", "5", false),
        ("NumericGreaterThanEquals", "n", "5", true),
        ("DateEquals", "acs:CurrentTime", "2026-11-24T10:30:00+08:00", true),
        ("DateNotEquals", "acs:CurrentTime", "2026-11-24T02:30:01Z", true),
        ("DateLessThan", "acs:CurrentTime", "2026-11-24T10:30:01+08:00", true),
        ("DateLessThan", "acs:CurrentTime", "2026-11-24T02:30:00Z", false),
        ("DateLessThanEquals", "acs:CurrentTime", "2026-11-24T02:30:00Z", true),
        ("DateGreaterThan", "acs:CurrentTime", "2026-11-24T02:29:59Z", true),
        ("DateGreaterThanEquals", "acs:CurrentTime", "2026-11-24T02:30:01Z", false),
        ("Bool", "acs:SecureTransport", "true", true),
        ("Bool", "acs:SecureTransport", "False", false),
        ("IpAddress", "acs:SourceIp", "10.0.0.0/8", true),
        ("IpAddress", "acs:SourceIp", "10.1.2.3", true),
        ("IpAddress", "acs:SourceIp", "10.1.2.4", false),
        ("IpAddress", "acs:SourceIp", "2001:db8::/32", false),
        ("NotIpAddress", "acs:SourceIp", "10.0.0.0/8", false),
        ("NotIpAddress", "acs:SourceIp", "192.168.0.0/16", true),
    ] {
        assert_eq!(holds(operator, key, &[value]), expected, "{operator} {key} {value}");
    }
}

#[test]
fn one_of_the_values_is_enough_and_negated_none_may_match() {
    assert!(holds("StringEquals", "k", &["Other", "Value"]));
    assert!(!holds("StringNotEquals", "k", &["Other", "Value"]));
    assert!(holds("StringNotEquals", "k", &["Other", "Third"]));
    assert!(!holds("NotIpAddress", "acs:SourceIp", &["192.168.0.0/16", "10.0.0.0/8"]));
}

#[test]
fn names_of_keys_have_no_case() {
    assert!(holds("IpAddress", "ACS:sourceip", &["10.0.0.0/8"]));
    assert!(holds("StringEquals", "acs:ResourceTag/Env", &["prod"]));
    assert!(holds("StringLike", "acs:PrincipalARN", &["acs:ram::1234:user/*"]));
}

#[test]
fn a_missing_key_fails_plain_operators_and_satisfies_negated_ones() {
    for (operator, _, _) in OPERATORS {
        let value = match *operator {
            "Bool" => "false",
            "IpAddress" | "NotIpAddress" => "10.0.0.0/8",
            name if name.starts_with("Date") => "2026-11-24T02:30:00Z",
            _ => "1",
        };
        let is_negated = operator.contains("Not");
        assert_eq!(holds(operator, "missing", &[value]), is_negated, "{operator}");
        assert_eq!(holds(operator, "acs:MFAPresent", &[value]), is_negated, "{operator}");
    }
}

#[test]
fn a_value_of_another_type_is_like_a_missing_key() {
    assert!(!holds("NumericLessThan", "k", &["1"]));
    assert!(holds("NumericNotEquals", "k", &["1"]));
    assert!(!holds("DateLessThan", "k", &["2026-11-24T02:30:00Z"]));
    assert!(!holds("Bool", "k", &["false"]));
    assert!(holds("NotIpAddress", "k", &["10.0.0.0/8"]));
}

#[test]
fn other_keys_are_found_by_their_lower_case_names() {
    let context = RequestContext { other_keys: BTreeMap::new(), ..context() };
    assert_eq!(context.find("acs:resourcetag/env"), None);
    assert_eq!(context.find("acs:currenttime").as_deref(), Some("2026-11-24T02:30:00Z"));
    assert_eq!(context.find("acs:sourceip").as_deref(), Some("10.1.2.3"));
}
