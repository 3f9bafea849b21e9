use std::collections::BTreeMap;

use super::{SYSTEM_POLICIES, SystemPolicy};
use crate::ram::action_name;
use crate::ram::evaluate::{Decision, NamedPolicy, RequestContext, evaluate};

fn allows(name: &str, action: &str) -> bool {
    let policy = SystemPolicy::find(name).unwrap().policy();
    let context = RequestContext {
        action,
        resource: "acs:yundun-sas:*:1234:*",
        source_ip: "::1".parse().unwrap(),
        secure_transport: false,
        current_time_ms: 0,
        mfa_present: None,
        principal_arn: "acs:ram::1234:user/u",
        other_keys: BTreeMap::new(),
    };
    matches!(evaluate(&[NamedPolicy { name, policy: &policy }], &context), Decision::Allow(_))
}

#[test]
fn all_documents_are_valid_and_have_one_name() {
    for policy in SYSTEM_POLICIES {
        assert_eq!(SystemPolicy::find(policy.name), Some(policy));
        let _ = policy.policy();
    }
    assert_eq!(SystemPolicy::find("Other"), None);
}

#[test]
fn each_policy_allows_what_it_is_for() {
    let read = action_name("DescribeImageInfoList");
    let page = action_name("PageImageRegistry");
    let old = action_name("DescribeVulNumStatistics");
    let write = action_name("DeleteImageVulWhitelist");
    for (name, expected) in [
        ("AdministratorAccess", [true, true, true, true, true]),
        ("AliyunYundunSASFullAccess", [true, true, true, true, false]),
        ("AliyunYundunSASReadOnlyAccess", [true, true, true, false, false]),
        ("AliyunSTSAssumeRoleAccess", [false, false, false, false, true]),
    ] {
        let actions = [&read, &page, &old, &write, "sts:AssumeRole"];
        assert_eq!(actions.map(|action| allows(name, action)), expected, "{name}");
    }
}
