//! The policies that are there without anybody writing them.

use crate::ram::policy::Policy;

/// Describes a policy that comes with the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemPolicy {
    /// The name, as in the official service.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The document.
    pub document: &'static str,
}

/// All system policies.
pub const SYSTEM_POLICIES: &[SystemPolicy] = &[
    SystemPolicy {
        name: "AdministratorAccess",
        description: "Everything.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunYundunSASFullAccess",
        description: "Everything in Security Center.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["yundun-sas:*","yundun-aegis:*","threatdetection:*"],"Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunYundunSASReadOnlyAccess",
        description: "Reading in Security Center.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["yundun-sas:Describe*","yundun-sas:Get*","yundun-sas:List*","yundun-sas:Query*","yundun-sas:Check*","yundun-sas:Page*","yundun-aegis:Describe*","yundun-aegis:Get*","yundun-aegis:List*","yundun-aegis:Query*","yundun-aegis:Check*","yundun-aegis:Page*","threatdetection:Describe*","threatdetection:Get*","threatdetection:List*","threatdetection:Query*","threatdetection:Check*","threatdetection:Page*"],"Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunSTSAssumeRoleAccess",
        description: "Taking on roles.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#,
    },
];

impl SystemPolicy {
    /// Finds a system policy by its name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SYSTEM_POLICIES.iter().find(|policy| policy.name == name)
    }

    /// Returns the parsed policy.
    pub fn policy(&self) -> Policy {
        Policy::parse(self.document).expect("the documents of system policies are valid")
    }
}

#[cfg(test)]
mod tests;
