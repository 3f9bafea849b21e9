//! RAM: whether policies allow a request. Parsing is in [`policy`], the decision in [`evaluate`].
//!
//! Where the published documents leave the meaning open, `docs/decisions/0002-ram-semantics.md`
//! says what was chosen.

pub mod arn;
pub mod condition;
pub mod evaluate;
pub mod policy;
pub mod system;

mod wildcard;

/// Returns the name RAM knows an action by.
///
/// Three actions of the API belong to an older product and keep its code.
pub fn action_name(action: &str) -> String {
    let code = match action {
        "OperateVuls" | "ModifyStartVulScan" | "DescribeVulNumStatistics" => "yundun-aegis",
        _ => "yundun-sas",
    };
    format!("{code}:{action}")
}

#[cfg(test)]
mod tests;
