use std::collections::BTreeMap;

use super::{
    Decision, Denial, NamedPolicy, RequestContext, StatementRef, evaluate, evaluate_layers,
};
use crate::ram::policy::Policy;

fn context<'a>(action: &'a str, source_ip: &str) -> RequestContext<'a> {
    RequestContext {
        action,
        resource: "acs:yundun-sas:*:1234:*",
        source_ip: source_ip.parse().unwrap(),
        secure_transport: false,
        current_time_ms: 1_565_596_800_000,
        mfa_present: Some(true),
        principal_arn: "acs:ram::1234:user/reader",
        other_keys: BTreeMap::new(),
    }
}

fn policy(statements: &str) -> Policy {
    Policy::parse(&format!(r#"{{"Version":"1","Statement":[{statements}]}}"#)).unwrap()
}

fn decide(policies: &[&Policy], action: &str, source_ip: &str) -> Decision {
    let named: Vec<NamedPolicy<'_>> =
        policies.iter().map(|policy| NamedPolicy { name: "p", policy }).collect();
    evaluate(&named, &context(action, source_ip))
}

fn at(policy: &str, statement: usize) -> StatementRef {
    StatementRef { policy: policy.to_owned(), statement }
}

fn allowed(statement: usize) -> Decision {
    Decision::Allow(at("p", statement))
}

fn explicit(statement: usize) -> Decision {
    Decision::Deny(Denial::Explicit { layer: 0, statement: at("p", statement) })
}

const IMPLICIT: Decision = Decision::Deny(Denial::Implicit { layer: 0 });

const ALLOW_DESCRIBE: &str =
    r#"{"Effect":"Allow","Action":"yundun-sas:Describe*","Resource":"acs:yundun-sas:*:1234:*"}"#;

#[test]
fn what_nobody_allows_is_denied() {
    assert_eq!(decide(&[], "yundun-sas:DescribeX", "10.0.0.1"), IMPLICIT);
    let policy = policy(ALLOW_DESCRIBE);
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "10.0.0.1"), allowed(0));
    assert_eq!(decide(&[&policy], "yundun-sas:DeleteX", "10.0.0.1"), IMPLICIT);
    assert_eq!(decide(&[&policy], "yundun-aegis:DescribeX", "10.0.0.1"), IMPLICIT);
}

#[test]
fn another_account_is_another_resource() {
    let policy = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":["acs:yundun-sas:*:5678:*","acs:oss:*:*:*"]}"#,
    );
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "10.0.0.1"), IMPLICIT);
}

#[test]
fn an_explicit_denial_wins_wherever_it_stands() {
    let deny = r#"{"Effect":"Deny","Action":"yundun-sas:DescribeSecret*","Resource":"*"}"#;
    let both = policy(&format!("{ALLOW_DESCRIBE},{deny}"));
    assert_eq!(decide(&[&both], "yundun-sas:DescribeSecrets", "10.0.0.1"), explicit(1));
    assert_eq!(decide(&[&both], "yundun-sas:DescribeX", "10.0.0.1"), allowed(0));
    let (allow, deny) = (policy(ALLOW_DESCRIBE), policy(deny));
    assert_eq!(decide(&[&allow, &deny], "yundun-sas:DescribeSecrets", "10.0.0.1"), explicit(0));
    assert_eq!(decide(&[&deny, &allow], "yundun-sas:DescribeSecrets", "10.0.0.1"), explicit(0));
}

#[test]
fn actions_have_no_case() {
    let policy = policy(r#"{"Effect":"Deny","Action":"YUNDUN-SAS:deletex","Resource":"*"}"#);
    assert_eq!(decide(&[&policy], "yundun-sas:DeleteX", "10.0.0.1"), explicit(0));
}

/// The example of NotAction in the documentation of policy elements.
#[test]
fn not_action_is_about_everything_else() {
    let policy = policy(r#"{"Effect":"Allow","NotAction":"ram:*","Resource":"*"}"#);
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "10.0.0.1"), allowed(0));
    assert_eq!(decide(&[&policy], "ram:CreateUser", "10.0.0.1"), IMPLICIT);
}

/// Conditions as in the documentation of policy elements: a network and a point in time.
#[test]
fn all_operators_and_keys_must_hold() {
    let policy = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
            "IpAddress":{"acs:SourceIp":["203.0.113.2","42.120.66.0/24"]},
            "DateLessThan":{"acs:CurrentTime":"2019-08-12T17:00:00+08:00"},
            "Bool":{"acs:MFAPresent":"true","acs:SecureTransport":["false"]}}}"#,
    );
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "42.120.66.9"), allowed(0));
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "203.0.113.2"), allowed(0));
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "42.120.67.9"), IMPLICIT);
    let named = [NamedPolicy { name: "p", policy: &policy }];
    let base = context("yundun-sas:DescribeX", "42.120.66.9");
    let late = RequestContext { current_time_ms: 1_565_600_400_000, ..base.clone() };
    assert_eq!(evaluate(&named, &late), IMPLICIT);
    let without_mfa = RequestContext { mfa_present: Some(false), ..base };
    assert_eq!(evaluate(&named, &without_mfa), IMPLICIT);
}

#[test]
fn a_denial_with_a_condition_that_fails_denies_nothing() {
    let policy = policy(&format!(
        r#"{ALLOW_DESCRIBE},{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{"NotIpAddress":{{"acs:SourceIp":["10.0.0.0/8","fd00::/8"]}}}}}}"#
    ));
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "10.0.0.1"), allowed(0));
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "::ffff:10.0.0.1"), allowed(0));
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "fd00::1"), allowed(0));
    assert_eq!(decide(&[&policy], "yundun-sas:DescribeX", "192.0.2.1"), explicit(1));
}

#[test]
fn every_layer_must_allow() {
    let all = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    let describe = policy(ALLOW_DESCRIBE);
    let deny = policy(r#"{"Effect":"Deny","Action":"*:DeleteX","Resource":"*"}"#);
    let session = [NamedPolicy { name: "session", policy: &describe }];
    let role =
        [NamedPolicy { name: "all", policy: &all }, NamedPolicy { name: "deny", policy: &deny }];
    let decide = |action: &str| evaluate_layers(&[&session, &role], &context(action, "10.0.0.1"));
    assert_eq!(decide("yundun-sas:DescribeX"), Decision::Allow(at("all", 0)));
    assert_eq!(decide("yundun-sas:ModifyX"), Decision::Deny(Denial::Implicit { layer: 0 }));
    let denial = Denial::Explicit { layer: 1, statement: at("deny", 0) };
    assert_eq!(decide("yundun-sas:DeleteX"), Decision::Deny(denial));
    let without_role = evaluate_layers(&[&session, &[]], &context("yundun-sas:DescribeX", "::1"));
    assert_eq!(without_role, Decision::Deny(Denial::Implicit { layer: 1 }));
    assert_eq!(evaluate_layers(&[], &context("a:b", "::1")), IMPLICIT);
}
