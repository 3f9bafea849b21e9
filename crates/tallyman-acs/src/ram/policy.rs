//! Policy documents: their grammar (RAM documentation, "Policy structure and syntax").
//!
//! What the grammar does not name is an error: a clause that is not understood must not be
//! dropped, or a policy would allow more than its author wrote.

mod json;

use serde_json::{Map, Value};

use crate::ram::condition::{Condition, ConditionError};

/// The longest document, in characters; RAM's quota for a custom policy.
pub const MAX_DOCUMENT_CHARS: usize = 6_144;

/// Holds a parsed policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) statements: Vec<Statement>,
}

/// Holds one statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    pub(crate) effect: Effect,
    pub(crate) actions: Actions,
    pub(crate) resources: Vec<String>,
    pub(crate) conditions: Vec<Condition>,
}

/// Says what a matching statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// Holds patterns of actions in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Actions {
    /// The statement is about these.
    Only(Vec<String>),
    /// The statement is about all but these.
    AllBut(Vec<String>),
}

/// Says why a document is not a policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The document is longer than [`MAX_DOCUMENT_CHARS`].
    #[error("the policy has {chars} characters, more than {MAX_DOCUMENT_CHARS}")]
    TooLong {
        /// How many it has.
        chars: usize,
    },
    /// The document is not JSON, or an object in it has the same key twice.
    #[error("the policy is not valid JSON")]
    Json(#[source] serde_json::Error),
    /// A field has the wrong type.
    #[error("{field} of the policy must be {expected}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A field is missing.
    #[error("the policy lacks {field}")]
    MissingField {
        /// The field.
        field: &'static str,
    },
    /// A field is none of the grammar.
    #[error("unknown field {field} in {place}")]
    UnknownField {
        /// The field as written.
        field: String,
        /// Where it was found.
        place: &'static str,
    },
    /// A field has a value outside the grammar.
    #[error("{field} of the policy cannot be {value}")]
    InvalidValue {
        /// The field.
        field: &'static str,
        /// The value as written.
        value: String,
    },
    /// A condition cannot be used.
    #[error(transparent)]
    Condition(#[from] ConditionError),
}

impl Policy {
    /// Parses a policy document.
    pub fn parse(document: &str) -> Result<Self, PolicyError> {
        let chars = document.chars().count();
        if chars > MAX_DOCUMENT_CHARS {
            return Err(PolicyError::TooLong { chars });
        }
        let value = json::parse(document).map_err(PolicyError::Json)?;
        let object = as_object(&value, "the document")?;
        refuse_unknown(object, &["Version", "Statement"], "the policy")?;
        match require(object, "Version")? {
            Value::String(version) if version == "1" => {}
            other => return Err(invalid("Version", other)),
        }
        let statements = match require(object, "Statement")? {
            Value::Array(statements) if !statements.is_empty() => {
                statements.iter().map(Statement::parse).collect::<Result<_, _>>()?
            }
            one @ Value::Object(_) => vec![Statement::parse(one)?],
            other => return Err(invalid("Statement", other)),
        };
        Ok(Self { statements })
    }
}

impl Statement {
    fn parse(value: &Value) -> Result<Self, PolicyError> {
        let object = as_object(value, "Statement")?;
        let fields = ["Effect", "Action", "NotAction", "Resource", "Condition"];
        refuse_unknown(object, &fields, "a statement")?;
        let effect = match require(object, "Effect")?.as_str() {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            Some(_) | None => return Err(invalid("Effect", &object["Effect"])),
        };
        let actions = match (object.get("Action"), object.get("NotAction")) {
            (Some(actions), None) => Actions::Only(parse_actions(actions, "Action")?),
            (None, Some(actions)) => Actions::AllBut(parse_actions(actions, "NotAction")?),
            (None, None) => return Err(PolicyError::MissingField { field: "Action" }),
            (Some(_), Some(_)) => {
                let expected = "absent where Action is given";
                return Err(PolicyError::WrongType { field: "NotAction", expected });
            }
        };
        Ok(Self {
            effect,
            actions,
            resources: parse_strings(require(object, "Resource")?, "Resource")?,
            conditions: object.get("Condition").map_or(Ok(Vec::new()), parse_conditions)?,
        })
    }
}

/// Actions have no case ("in most cases", says the documentation), so patterns are lowered here
/// and names where they are matched.
fn parse_actions(value: &Value, field: &'static str) -> Result<Vec<String>, PolicyError> {
    let actions = parse_strings(value, field)?;
    if let Some(action) = actions.iter().find(|action| *action != "*" && !action.contains(':')) {
        return Err(PolicyError::InvalidValue { field, value: action.clone() });
    }
    Ok(actions.iter().map(|action| action.to_ascii_lowercase()).collect())
}

fn parse_strings(value: &Value, field: &'static str) -> Result<Vec<String>, PolicyError> {
    let members = one_or_many(value);
    let strings: Option<Vec<String>> =
        members.iter().map(|member| member.as_str().map(str::to_owned)).collect();
    strings
        .filter(|strings| !strings.is_empty())
        .ok_or(PolicyError::WrongType { field, expected: "a string or a list of strings" })
}

fn parse_conditions(value: &Value) -> Result<Vec<Condition>, PolicyError> {
    let mut conditions = Vec::new();
    for (operator, keys) in as_object(value, "Condition")? {
        for (key, values) in as_object(keys, "a condition operator")? {
            let values: Vec<String> =
                one_or_many(values).iter().map(condition_value).collect::<Result<_, _>>()?;
            conditions.push(Condition::parse(operator, key, &values)?);
        }
    }
    Ok(conditions)
}

/// Returns a value as text; numbers and booleans may be written with or without quotes.
fn condition_value(value: &Value) -> Result<String, PolicyError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(PolicyError::WrongType {
            field: "a condition value",
            expected: "a string, a number or a boolean",
        }),
    }
}

/// The grammar allows one value wherever it allows a list.
fn one_or_many(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn as_object<'a>(
    value: &'a Value,
    field: &'static str,
) -> Result<&'a Map<String, Value>, PolicyError> {
    value.as_object().ok_or(PolicyError::WrongType { field, expected: "an object" })
}

fn require<'a>(
    object: &'a Map<String, Value>,
    field: &'static str,
) -> Result<&'a Value, PolicyError> {
    object.get(field).ok_or(PolicyError::MissingField { field })
}

fn refuse_unknown(
    object: &Map<String, Value>,
    known: &[&str],
    place: &'static str,
) -> Result<(), PolicyError> {
    match object.keys().find(|field| !known.contains(&field.as_str())) {
        Some(field) => Err(PolicyError::UnknownField { field: field.clone(), place }),
        None => Ok(()),
    }
}

fn invalid(field: &'static str, value: &Value) -> PolicyError {
    PolicyError::InvalidValue { field, value: value.to_string() }
}

#[cfg(test)]
mod tests;
