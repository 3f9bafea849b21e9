//! `Criteria` and `LogicalExp`: which servers are wanted.

use serde::Deserialize;
use tallyman_acs::error::{ApiError, catalogue};
use tallyman_acs::parameters::Parameters;
use tallyman_store::servers::ServerRow;

use super::{Addresses, flag, is_online};

/// The conditions of a request.
#[derive(Debug, Default)]
pub(super) struct Criteria {
    conditions: Vec<(Condition, LogicalExp)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LogicalExp {
    And,
    #[default]
    Or,
}

#[derive(Debug)]
struct Condition {
    subject: Subject,
    value: String,
}

/// What can be asked for. Names are case-sensitive, as documented.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Uuid,
    InstanceId,
    Hostname,
    Ip,
    InternetIp,
    IntranetIp,
    Os,
    Distribution,
    Kernel,
    ClientStatus,
    RiskStatus,
    VulStatus,
    AlarmStatus,
}

const NAMES: &[(&str, Subject)] = &[
    ("uuid", Subject::Uuid),
    ("instanceId", Subject::InstanceId),
    ("instanceName", Subject::Hostname),
    ("ip", Subject::Ip),
    ("internetIp", Subject::InternetIp),
    ("intranetIp", Subject::IntranetIp),
    ("os", Subject::Os),
    ("osName", Subject::Distribution),
    ("kernel", Subject::Kernel),
    ("clientStatus", Subject::ClientStatus),
    ("riskStatus", Subject::RiskStatus),
    ("vulStatus", Subject::VulStatus),
    ("alarmStatus", Subject::AlarmStatus),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCondition {
    name: String,
    #[serde(default)]
    value: serde_json::Value,
    #[serde(default)]
    logical_exp: Option<String>,
}

impl Criteria {
    /// Reads `Criteria` and `LogicalExp`. `LogicalExp` holds between all conditions; without it,
    /// each condition's own `logicalExp` says how it is joined to those before it.
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, ApiError> {
        let common = logical_exp(parameters.find_string("LogicalExp"), "LogicalExp")?;
        let wire: Vec<WireCondition> = parameters.find_json("Criteria")?.unwrap_or_default();
        let conditions = wire.into_iter().map(|condition| {
            let name = NAMES.iter().find(|(name, _)| *name == condition.name);
            let (_, subject) = name.ok_or_else(|| unknown_name(&condition.name))?;
            let own = logical_exp(condition.logical_exp.as_deref(), "Criteria")?;
            let value = match condition.value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            let joined = common.or(own).unwrap_or_default();
            Ok((Condition { subject: *subject, value }, joined))
        });
        Ok(Criteria { conditions: conditions.collect::<Result<_, ApiError>>()? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Tells whether a server is wanted.
    pub(super) fn meets(&self, row: &ServerRow, now_ms: i64) -> bool {
        let mut conditions = self.conditions.iter();
        let Some((first, _)) = conditions.next() else { return true };
        conditions.fold(first.meets(row, now_ms), |met, (condition, joined)| match joined {
            LogicalExp::And => met && condition.meets(row, now_ms),
            LogicalExp::Or => met || condition.meets(row, now_ms),
        })
    }
}

fn logical_exp(text: Option<&str>, parameter: &str) -> Result<Option<LogicalExp>, ApiError> {
    match text {
        None | Some("") => Ok(None),
        Some("AND") => Ok(Some(LogicalExp::And)),
        Some("OR") => Ok(Some(LogicalExp::Or)),
        Some(_) => Err(catalogue::invalid_parameter(parameter)),
    }
}

fn unknown_name(name: &str) -> ApiError {
    let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    let message = format!(
        "Specified parameter Criteria is not valid: there is no condition {name}; known are {}.",
        known.join(", ")
    );
    ApiError::new(400, "InvalidCriteria", message)
}

impl Condition {
    fn meets(&self, row: &ServerRow, now_ms: i64) -> bool {
        let facts = &row.facts;
        let wanted = self.value.as_str();
        let contains = |text: &str| text.to_lowercase().contains(&wanted.to_lowercase());
        let is = |text: Option<&str>| text == Some(wanted);
        match self.subject {
            Subject::Uuid | Subject::InstanceId => row.server_uuid.as_str() == wanted,
            Subject::Hostname => contains(&facts.hostname),
            Subject::Ip => facts.ip_addresses.iter().any(|address| address == wanted),
            Subject::InternetIp => is(Addresses::of(&facts.ip_addresses).public.as_deref()),
            Subject::IntranetIp => is(Addresses::of(&facts.ip_addresses).private.as_deref()),
            Subject::Os => facts.os.eq_ignore_ascii_case(wanted),
            Subject::Distribution => facts.os_name.as_deref().is_some_and(contains),
            Subject::Kernel => facts.kernel.as_deref().is_some_and(contains),
            Subject::ClientStatus => {
                wanted == if is_online(row, now_ms) { "online" } else { "offline" }
            }
            Subject::RiskStatus => {
                is(flag(row.vul_count.saturating_add(row.alarm_count), row.unjudged_count == 0))
            }
            Subject::VulStatus => is(flag(row.vul_count, row.unjudged_count == 0)),
            Subject::AlarmStatus => is(flag(row.alarm_count, row.unjudged_count == 0)),
        }
    }
}
