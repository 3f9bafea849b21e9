use serde_json::json;

use super::{AnswerContext, AnswerError, Format, failure, success};
use crate::error::{AccessDeniedDetail, catalogue};
use crate::parameters::Parameters;

const REQUEST_ID: &str = "73C5A1B5-0A3C-5D2E-8D6B-0C7A3D1E2F40";

fn context(format: Format) -> AnswerContext<'static> {
    AnswerContext { format, request_id: REQUEST_ID, host_id: "127.0.0.1:8080" }
}

fn body(answer: &super::Answer) -> &str {
    str::from_utf8(&answer.body).unwrap()
}

#[test]
fn a_success_in_json_has_the_request_id() {
    let answer = success(&context(Format::Json), "DescribeX", &json!({"B": [1, null], "A": true}));
    let answer = answer.unwrap();
    assert_eq!(answer.http_status, 200);
    assert_eq!(
        answer.headers,
        [
            ("content-type", "application/json;charset=utf-8".to_owned()),
            ("x-acs-request-id", REQUEST_ID.to_owned())
        ]
    );
    assert_eq!(body(&answer), format!(r#"{{"A":true,"B":[1,null],"RequestId":"{REQUEST_ID}"}}"#));
}

#[test]
fn lists_in_xml_are_repeated_elements() {
    let value = json!({
        "Infos": [{"Tag": "a<b>&'\"", "Ids": [1, 2]}, {"Tag": null}],
        "Empty": [],
        "Odd": {"1 x:y": "\u{0}\r\n\u{fffe}é中"},
    });
    let answer = success(&context(Format::Xml), "DescribeX", &value).unwrap();
    assert_eq!(answer.headers[0], ("content-type", "text/xml;charset=utf-8".to_owned()));
    assert_eq!(
        body(&answer),
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><DescribeXResponse>\
             <Infos><Ids>1</Ids><Ids>2</Ids><Tag>a&lt;b&gt;&amp;&apos;&quot;</Tag></Infos><Infos></Infos>\
             <Odd><_1_x_y>\u{fffd}&#13;\n\u{fffd}é中</_1_x_y></Odd>\
             <RequestId>{REQUEST_ID}</RequestId></DescribeXResponse>"
        )
    );
}

#[test]
fn a_success_must_be_an_object() {
    let error = success(&context(Format::Json), "DescribeX", &[1]).unwrap_err();
    assert!(matches!(error, AnswerError::NotObject { action } if action == "DescribeX"));
}

#[test]
fn an_error_in_json_has_string_fields_and_a_recommendation() {
    let answer = failure(&context(Format::Json), &catalogue::throttled(250));
    assert_eq!(answer.http_status, 400);
    assert_eq!(answer.headers[2], ("x-acs-retry-after", "250".to_owned()));
    let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        value,
        json!({
            "RequestId": REQUEST_ID,
            "HostId": "127.0.0.1:8080",
            "Code": "Throttling.User",
            "Message": "Request was denied due to user flow control.",
            "Recommend": format!(
                "https://api.aliyun.com/troubleshoot?q=Throttling.User&product=Sas&requestId={REQUEST_ID}"
            ),
        })
    );
}

#[test]
fn a_denial_says_why() {
    let detail = AccessDeniedDetail {
        policy_type: "AccountLevelIdentityBasedPolicy".to_owned(),
        auth_principal_owner_id: "1".to_owned(),
        auth_principal_type: "SubUser".to_owned(),
        auth_principal_display_name: "reader".to_owned(),
        no_permission_type: "ImplicitDeny".to_owned(),
        auth_action: "yundun-sas:DescribeImageInfoList".to_owned(),
        encoded_diagnostic_message: "x".to_owned(),
    };
    let error = catalogue::no_permission(detail);
    let answer = failure(&context(Format::Json), &error);
    let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.http_status, &value["Code"]), (403, &json!("NoPermission")));
    assert_eq!(value["Message"], "caller has no permission");
    assert_eq!(
        value["AccessDeniedDetail"],
        json!({
            "PolicyType": "AccountLevelIdentityBasedPolicy",
            "AuthPrincipalOwnerId": "1",
            "AuthPrincipalType": "SubUser",
            "AuthPrincipalDisplayName": "reader",
            "NoPermissionType": "ImplicitDeny",
            "AuthAction": "yundun-sas:DescribeImageInfoList",
            "EncodedDiagnosticMessage": "x",
        })
    );
    assert!(body(&failure(&context(Format::Xml), &error)).contains("<AuthPrincipalType>SubUser<"));
}

#[test]
fn an_error_in_xml_is_an_error_element() {
    let answer = failure(&context(Format::Xml), &catalogue::missing_parameter("Uuids"));
    assert_eq!(answer.headers[0], ("content-type", "text/xml;charset=utf-8".to_owned()));
    assert_eq!(
        body(&answer),
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>{REQUEST_ID}</RequestId>\
             <HostId>127.0.0.1:8080</HostId><Code>MissingUuids</Code>\
             <Message>Uuids is mandatory for this action.</Message>\
             <Recommend><![CDATA[https://api.aliyun.com/\
             troubleshoot?q=MissingUuids&product=Sas&requestId={REQUEST_ID}]]></Recommend></Error>"
        )
    );
}

#[test]
fn formats_are_read_without_case_and_none_is_json() {
    let of = |query: &str| Format::of(&Parameters::parse(query, b"").unwrap(), Format::Xml);
    assert_eq!(of(""), Ok(Format::Xml));
    assert_eq!(of("Format="), Ok(Format::Xml));
    assert_eq!(of("Format=Json"), Ok(Format::Json));
    assert_eq!(of("Format=None"), Ok(Format::Json));
    assert_eq!(of("Format=XML"), Ok(Format::Xml));
    assert_eq!(of("Format=yaml").unwrap_err().code, "InvalidFormat");
}
