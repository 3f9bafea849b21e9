//! The decision: explicit denials win, then permissions, and what nobody allowed is denied.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::ram::policy::{Actions, Effect, Policy, Statement};
use crate::ram::wildcard;

/// Describes the request that policies are asked about.
#[derive(Debug, Clone)]
pub struct RequestContext<'a> {
    /// The action in RAM's spelling, see [`crate::ram::action_name`].
    pub action: &'a str,
    /// The resource, see [`crate::ram::arn`].
    pub resource: &'a str,
    /// The address of the client, `acs:SourceIp`.
    pub source_ip: IpAddr,
    /// Whether the request came over TLS, `acs:SecureTransport`.
    pub secure_transport: bool,
    /// The present time, `acs:CurrentTime`.
    pub current_time_ms: i64,
    /// Whether the caller gave a second factor, `acs:MFAPresent`; `None` where there is no such
    /// thing, as with access keys.
    pub mfa_present: Option<bool>,
    /// The caller, `acs:PrincipalARN`.
    pub principal_arn: &'a str,
    /// Other keys, such as `acs:ResourceTag/env`, by their names in lower case.
    pub other_keys: BTreeMap<String, String>,
}

/// Holds a policy and the name to report it under.
#[derive(Debug, Clone, Copy)]
pub struct NamedPolicy<'a> {
    /// The name.
    pub name: &'a str,
    /// The policy.
    pub policy: &'a Policy,
}

/// Points at the statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRef {
    /// The name of its policy.
    pub policy: String,
    /// Its place in the policy, from zero.
    pub statement: usize,
}

/// Says whether a request is allowed, and which statement decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it.
    Allow(StatementRef),
    /// It is denied.
    Deny(Denial),
}

/// Says why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A statement denies it; this is `ExplicitDeny` on the wire.
    Explicit {
        /// The layer of the statement, counted from zero.
        layer: usize,
        /// The statement.
        statement: StatementRef,
    },
    /// No statement of a layer allows it; this is `ImplicitDeny` on the wire.
    Implicit {
        /// The first layer that does not allow it, counted from zero.
        layer: usize,
    },
}

impl RequestContext<'_> {
    /// Returns the value of a key, whose name is given in lower case.
    pub(crate) fn find(&self, key: &str) -> Option<Cow<'_, str>> {
        match key {
            // An IPv4 client of an IPv6 socket is still the IPv4 address that policies name.
            "acs:sourceip" => Some(self.source_ip.to_canonical().to_string().into()),
            "acs:securetransport" => Some(self.secure_transport.to_string().into()),
            "acs:currenttime" => {
                let time = Timestamp::from_millisecond(self.current_time_ms).ok()?;
                Some(time.to_string().into())
            }
            "acs:mfapresent" => Some(self.mfa_present?.to_string().into()),
            "acs:principalarn" => Some(self.principal_arn.into()),
            other => self.other_keys.get(other).map(|value| value.as_str().into()),
        }
    }
}

/// Decides by the policies of one caller.
pub fn evaluate(policies: &[NamedPolicy<'_>], context: &RequestContext<'_>) -> Decision {
    evaluate_layers(&[policies], context)
}

/// Decides by layers of policies, all of which must allow, such as a session policy and the
/// policies of its role. An explicit denial in any of them wins; no layers allow nothing.
pub fn evaluate_layers(layers: &[&[NamedPolicy<'_>]], context: &RequestContext<'_>) -> Decision {
    let denial = layers.iter().enumerate().find_map(|(layer, policies)| {
        let statement = find_statement(policies, Effect::Deny, context)?;
        Some(Denial::Explicit { layer, statement })
    });
    if let Some(denial) = denial {
        return Decision::Deny(denial);
    }
    let mut allowed_by = None;
    for (layer, policies) in layers.iter().enumerate() {
        let Some(statement) = find_statement(policies, Effect::Allow, context) else {
            return Decision::Deny(Denial::Implicit { layer });
        };
        allowed_by = Some(statement);
    }
    allowed_by.map_or(Decision::Deny(Denial::Implicit { layer: 0 }), Decision::Allow)
}

fn find_statement(
    policies: &[NamedPolicy<'_>],
    effect: Effect,
    context: &RequestContext<'_>,
) -> Option<StatementRef> {
    policies.iter().find_map(|named| {
        let applies =
            |statement: &Statement| statement.effect == effect && statement.applies(context);
        let statement = named.policy.statements.iter().position(applies)?;
        Some(StatementRef { policy: named.name.to_owned(), statement })
    })
}

impl Statement {
    /// Returns whether action, resource and all conditions match.
    fn applies(&self, context: &RequestContext<'_>) -> bool {
        let action = context.action.to_ascii_lowercase();
        let is_named = |patterns: &[String]| {
            patterns.iter().any(|pattern| wildcard::matches(pattern, &action))
        };
        let is_about_action = match &self.actions {
            Actions::Only(patterns) => is_named(patterns),
            Actions::AllBut(patterns) => !is_named(patterns),
        };
        is_about_action
            && self.resources.iter().any(|pattern| wildcard::matches(pattern, context.resource))
            && self.conditions.iter().all(|condition| condition.holds(context))
    }
}

#[cfg(test)]
mod tests;
