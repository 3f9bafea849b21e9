//! The Condition of a statement: which operators there are and when one holds.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::ram::evaluate::RequestContext;
use crate::ram::wildcard;

/// All operators. A negated one holds exactly when the one it negates does not.
const OPERATORS: &[(&str, Kind, Negation)] = &[
    ("StringEquals", Kind::String(StringMatch::Equals), Negation::No),
    ("StringNotEquals", Kind::String(StringMatch::Equals), Negation::Yes),
    ("StringEqualsIgnoreCase", Kind::String(StringMatch::EqualsIgnoreCase), Negation::No),
    ("StringNotEqualsIgnoreCase", Kind::String(StringMatch::EqualsIgnoreCase), Negation::Yes),
    ("StringLike", Kind::String(StringMatch::Like), Negation::No),
    ("StringNotLike", Kind::String(StringMatch::Like), Negation::Yes),
    ("NumericEquals", Kind::Number(Comparison::Equals), Negation::No),
    ("NumericNotEquals", Kind::Number(Comparison::Equals), Negation::Yes),
    ("NumericLessThan", Kind::Number(Comparison::LessThan), Negation::No),
    ("NumericLessThanEquals", Kind::Number(Comparison::LessThanEquals), Negation::No),
    ("NumericGreaterThan", Kind::Number(Comparison::GreaterThan), Negation::No),
    ("NumericGreaterThanEquals", Kind::Number(Comparison::GreaterThanEquals), Negation::No),
    ("DateEquals", Kind::Date(Comparison::Equals), Negation::No),
    ("DateNotEquals", Kind::Date(Comparison::Equals), Negation::Yes),
    ("DateLessThan", Kind::Date(Comparison::LessThan), Negation::No),
    ("DateLessThanEquals", Kind::Date(Comparison::LessThanEquals), Negation::No),
    ("DateGreaterThan", Kind::Date(Comparison::GreaterThan), Negation::No),
    ("DateGreaterThanEquals", Kind::Date(Comparison::GreaterThanEquals), Negation::No),
    ("Bool", Kind::Bool, Negation::No),
    ("IpAddress", Kind::IpAddress, Negation::No),
    ("NotIpAddress", Kind::IpAddress, Negation::Yes),
];

/// Holds one operator, one key and the values it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    negation: Negation,
    /// In lower case, because names of keys have no case.
    key: String,
    /// Alternatives, of which one must hold.
    tests: Vec<Test>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Negation {
    No,
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    String(StringMatch),
    Number(Comparison),
    Date(Comparison),
    Bool,
    IpAddress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StringMatch {
    Equals,
    EqualsIgnoreCase,
    Like,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    String(StringMatch, String),
    Number(Comparison, f64),
    Date(Comparison, Timestamp),
    Bool(bool),
    IpAddress(IpNet),
}

/// Says why a condition cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// The operator is none that RAM documents.
    #[error("unknown condition operator {operator}")]
    UnknownOperator {
        /// The operator as written.
        operator: String,
    },
    /// There is nothing to compare with.
    #[error("condition {operator} of {key} has no value")]
    NoValue {
        /// The operator.
        operator: String,
        /// The key.
        key: String,
    },
    /// The value is not of the operator's type.
    #[error("condition {operator} of {key} cannot compare with {value}")]
    InvalidValue {
        /// The operator.
        operator: String,
        /// The key.
        key: String,
        /// The value as written.
        value: String,
    },
}

impl Condition {
    /// Parses one operator, key and its values as text.
    pub fn parse(operator: &str, key: &str, values: &[String]) -> Result<Self, ConditionError> {
        let &(_, kind, negation) = OPERATORS
            .iter()
            .find(|(name, _, _)| *name == operator)
            .ok_or_else(|| ConditionError::UnknownOperator { operator: operator.to_owned() })?;
        if values.is_empty() {
            let (operator, key) = (operator.to_owned(), key.to_owned());
            return Err(ConditionError::NoValue { operator, key });
        }
        let parse = |value: &String| {
            Test::parse(kind, value).ok_or_else(|| ConditionError::InvalidValue {
                operator: operator.to_owned(),
                key: key.to_owned(),
                value: value.clone(),
            })
        };
        let tests = values.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { negation, key: key.to_ascii_lowercase(), tests })
    }

    /// Returns whether the condition holds for a request.
    ///
    /// A request without the key, or with a value of another type, equals none of the values: the
    /// plain operators do not hold and the negated ones do.
    pub(crate) fn holds(&self, context: &RequestContext<'_>) -> bool {
        let found = context.find(&self.key);
        let matches = found.is_some_and(|value| self.tests.iter().any(|test| test.matches(&value)));
        match self.negation {
            Negation::No => matches,
            Negation::Yes => !matches,
        }
    }
}

impl Test {
    fn parse(kind: Kind, value: &str) -> Option<Self> {
        Some(match kind {
            Kind::String(string_match) => Self::String(string_match, value.to_owned()),
            Kind::Number(comparison) => Self::Number(comparison, parse_number(value)?),
            Kind::Date(comparison) => Self::Date(comparison, value.parse().ok()?),
            Kind::Bool => Self::Bool(parse_bool(value)?),
            Kind::IpAddress => Self::IpAddress(parse_network(value)?),
        })
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Self::String(StringMatch::Equals, expected) => value == expected,
            // Unicode and not ASCII: a Deny must not be dodged by the case of an umlaut.
            Self::String(StringMatch::EqualsIgnoreCase, expected) => {
                value.to_lowercase() == expected.to_lowercase()
            }
            Self::String(StringMatch::Like, pattern) => wildcard::matches(pattern, value),
            Self::Number(comparison, expected) => {
                parse_number(value).is_some_and(|number| comparison.holds(&number, expected))
            }
            Self::Date(comparison, expected) => {
                value.parse().is_ok_and(|date: Timestamp| comparison.holds(&date, expected))
            }
            Self::Bool(expected) => parse_bool(value) == Some(*expected),
            Self::IpAddress(network) => {
                value.parse().is_ok_and(|address: IpAddr| network.contains(&address.to_canonical()))
            }
        }
    }
}

impl Comparison {
    fn holds<T: PartialOrd>(self, found: &T, expected: &T) -> bool {
        match self {
            Self::Equals => found == expected,
            Self::LessThan => found < expected,
            Self::LessThanEquals => found <= expected,
            Self::GreaterThan => found > expected,
            Self::GreaterThanEquals => found >= expected,
        }
    }
}

fn parse_number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    }
}

/// Parses a network, or an address as the network of itself.
fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests;
