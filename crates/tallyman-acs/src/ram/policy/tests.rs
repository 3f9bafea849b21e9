use std::error::Error as _;

use super::{Actions, Effect, MAX_DOCUMENT_CHARS, Policy, PolicyError};

fn statement(fields: &str) -> String {
    format!(r#"{{"Version":"1","Statement":[{{{fields}}}]}}"#)
}

fn error(document: &str) -> PolicyError {
    Policy::parse(document).unwrap_err()
}

#[test]
fn single_values_and_lists_mean_the_same() {
    let one =
        r#"{"Version":"1","Statement":{"Effect":"Allow","Action":"oss:Get*","Resource":"*"}}"#;
    let many = statement(r#""Effect":"Allow","Action":["oss:Get*"],"Resource":["*"]"#);
    let policy = Policy::parse(one).unwrap();
    assert_eq!(policy, Policy::parse(&many).unwrap());
    assert_eq!(policy.statements[0].effect, Effect::Allow);
    assert_eq!(policy.statements[0].actions, Actions::Only(vec!["oss:get*".to_owned()]));
    assert!(policy.statements[0].conditions.is_empty());
}

#[test]
fn what_the_grammar_does_not_name_is_an_error_that_names_it() {
    for (document, expected) in [
        (
            statement(r#""Effect":"Allow","Action":"*","NotResource":"*""#),
            "unknown field NotResource in a statement",
        ),
        (
            statement(r#""Effect":"Allow","Action":"*","Resource":"*","Principal":{}"#),
            "unknown field Principal in a statement",
        ),
        (
            statement(r#""Effect":"allow","Action":"*","Resource":"*""#),
            r#"Effect of the policy cannot be "allow""#,
        ),
        (
            statement(r#""Effect":1,"Action":"*","Resource":"*""#),
            "Effect of the policy cannot be 1",
        ),
        (statement(r#""Action":"*","Resource":"*""#), "the policy lacks Effect"),
        (statement(r#""Effect":"Allow","Resource":"*""#), "the policy lacks Action"),
        (statement(r#""Effect":"Allow","Action":"*""#), "the policy lacks Resource"),
        (
            statement(r#""Effect":"Allow","Action":"*","NotAction":"*","Resource":"*""#),
            "NotAction of the policy must be absent where Action is given",
        ),
        (
            statement(r#""Effect":"Allow","Action":"DescribeX","Resource":"*""#),
            "Action of the policy cannot be DescribeX",
        ),
        (
            statement(r#""Effect":"Allow","Action":[],"Resource":"*""#),
            "Action of the policy must be a string or a list of strings",
        ),
        (
            statement(r#""Effect":"Allow","Action":"*","Resource":[1]"#),
            "Resource of the policy must be a string or a list of strings",
        ),
        (r#"{"Version":1,"Statement":[]}"#.to_owned(), "Version of the policy cannot be 1"),
        (r#"{"Version":"1","Statement":[]}"#.to_owned(), "Statement of the policy cannot be []"),
        (
            r#"{"Version":"1","Statement":[1]}"#.to_owned(),
            "Statement of the policy must be an object",
        ),
        (r#"{"Version":"1"}"#.to_owned(), "the policy lacks Statement"),
        (r#"{"Version":"1","Statement":[],"Id":"x"}"#.to_owned(), "unknown field Id in the policy"),
        ("[]".to_owned(), "the document of the policy must be an object"),
    ] {
        assert_eq!(error(&document).to_string(), expected, "{document}");
    }
}

#[test]
fn conditions_that_cannot_be_used_are_errors_that_name_them() {
    for (condition, expected) in [
        (r#"{"StringMatches":{"acs:SourceIp":"x"}}"#, "unknown condition operator StringMatches"),
        (
            r#"{"IpAddress":{"acs:SourceIp":"10.0.0.0/33"}}"#,
            "condition IpAddress of acs:SourceIp cannot compare with 10.0.0.0/33",
        ),
        (
            r#"{"NumericEquals":{"k":["1","x"]}}"#,
            "condition NumericEquals of k cannot compare with x",
        ),
        (
            r#"{"NumericEquals":{"k":"NaN"}}"#,
            "condition NumericEquals of k cannot compare with NaN",
        ),
        (
            r#"{"DateLessThan":{"acs:CurrentTime":"yesterday"}}"#,
            "condition DateLessThan of acs:CurrentTime cannot compare with yesterday",
        ),
        (
            r#"{"Bool":{"acs:SecureTransport":"1"}}"#,
            "condition Bool of acs:SecureTransport cannot compare with 1",
        ),
        (r#"{"StringEquals":{"k":[]}}"#, "condition StringEquals of k has no value"),
        (
            r#"{"StringEquals":{"k":null}}"#,
            "a condition value of the policy must be a string, a number or a boolean",
        ),
        (r#"{"StringEquals":"k"}"#, "a condition operator of the policy must be an object"),
        ("[]", "Condition of the policy must be an object"),
    ] {
        let fields =
            format!(r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{condition}"#);
        assert_eq!(error(&statement(&fields)).to_string(), expected, "{condition}");
    }
}

#[test]
fn a_key_that_occurs_twice_is_an_error_that_names_it() {
    for document in [
        statement(r#""Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*""#),
        statement(
            r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"Effect":"true","Effect":"false"}}"#,
        ),
    ] {
        let error = error(&document);
        assert!(matches!(error, PolicyError::Json(_)));
        let source = error.source().unwrap().to_string();
        assert!(source.starts_with("key Effect occurs twice"), "{source}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let long = statement(&format!(
        r#""Effect":"Allow","Action":"*","Resource":"{}""#,
        "中".repeat(MAX_DOCUMENT_CHARS)
    ));
    assert!(matches!(error(&long), PolicyError::TooLong { .. }));
    assert!(matches!(error(&"[".repeat(5_000)), PolicyError::Json(_)));
}
