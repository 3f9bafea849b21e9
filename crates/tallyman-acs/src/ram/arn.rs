//! Resource names: `acs:<service>:<region>:<account>:<relative-id>`.

/// Returns the resource that nearly every action of Security Center is about.
pub fn sas_resource(account_id: &str) -> String {
    format!("acs:yundun-sas:*:{account_id}:*")
}

/// Returns the name of a user.
pub fn user(account_id: &str, user_name: &str) -> String {
    format!("acs:ram::{account_id}:user/{user_name}")
}

/// Returns the name of a role.
pub fn role(account_id: &str, role_name: &str) -> String {
    format!("acs:ram::{account_id}:role/{role_name}")
}

/// Returns the name of a session of a role.
pub fn assumed_role(account_id: &str, role_name: &str, session_name: &str) -> String {
    format!("acs:ram::{account_id}:assumed-role/{role_name}/{session_name}")
}
