//! Rules by which people say that findings are not to count, each with its reason.

use serde::{Deserialize, Serialize};

use crate::host::ServerUuid;

/// The longest text in a rule.
const MAX_TEXT_CHARS: usize = 4_096;
/// The vulnerabilities of one rule.
const MAX_VULNERABILITIES: usize = 1_000;

/// A rule by which findings are ignored: those for which every condition holds that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoreRule {
    /// What identifies it among the rules of one file or one installation.
    pub id: String,
    /// The vulnerability is one of these, by any of its names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<String>,
    /// The package has this name (`*` and `?` stand for others), or this package URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The file that names the package has this path (`**` stands for directories as well).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The image has this digest, repository or reference (`*` and `?` stand for others).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The image is on this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerUuid>,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// Since when it is kept, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ms: Option<i64>,
    /// From when on it no longer holds, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
}

/// Why a rule is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// It would ignore everything.
    #[error("a rule needs a condition: a vulnerability, a package, a path, an image or a server")]
    NoCondition,
    /// A text that is required is empty.
    #[error("a rule needs its {0}")]
    Missing(&'static str),
    /// A condition can never hold.
    #[error("the {0} of a rule must not be empty")]
    Empty(&'static str),
    /// A text is too long.
    #[error("the {0} of a rule has more than {MAX_TEXT_CHARS} characters")]
    TooLong(&'static str),
    /// There are too many vulnerabilities.
    #[error("a rule has more than {MAX_VULNERABILITIES} vulnerabilities")]
    TooMany,
}

impl IgnoreRule {
    /// Checks what every rule must have.
    ///
    /// # Errors
    ///
    /// Any [`InvalidRule`].
    pub fn check(&self) -> Result<(), InvalidRule> {
        for (what, text) in [("reason", &self.reason), ("author", &self.author)] {
            if text.trim().is_empty() {
                return Err(InvalidRule::Missing(what));
            }
        }
        let conditions = [("package", &self.package), ("path", &self.path), ("image", &self.image)];
        let of_conditions =
            conditions.iter().filter_map(|(what, text)| Some((*what, text.as_ref()?)));
        let vulnerabilities = self.vulnerabilities.iter().map(|name| ("vulnerability", name));
        let mut has_condition = self.server.is_some();
        for (what, text) in of_conditions.chain(vulnerabilities) {
            has_condition = true;
            if text.trim().is_empty() {
                return Err(InvalidRule::Empty(what));
            }
            check_length(what, text)?;
        }
        for (what, text) in [("id", &self.id), ("reason", &self.reason), ("author", &self.author)] {
            check_length(what, text)?;
        }
        match has_condition {
            _ if self.vulnerabilities.len() > MAX_VULNERABILITIES => Err(InvalidRule::TooMany),
            true => Ok(()),
            false => Err(InvalidRule::NoCondition),
        }
    }

    /// Tells whether it no longer holds.
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|expires| expires <= now_ms)
    }

    /// Says in words what it is about.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if !self.vulnerabilities.is_empty() {
            parts.push(self.vulnerabilities.join(", "));
        }
        let server = self.server.as_ref().map(ToString::to_string);
        for (word, text) in [
            ("in package", &self.package),
            ("at path", &self.path),
            ("in image", &self.image),
            ("on server", &server),
        ] {
            parts.extend(text.as_ref().map(|text| format!("{word} {text}")));
        }
        parts.join(" ")
    }
}

fn check_length(what: &'static str, text: &str) -> Result<(), InvalidRule> {
    match text.chars().nth(MAX_TEXT_CHARS) {
        Some(_) => Err(InvalidRule::TooLong(what)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{IgnoreRule, InvalidRule};

    fn rule() -> IgnoreRule {
        IgnoreRule {
            vulnerabilities: vec!["CVE-2026-1".to_owned()],
            reason: "the parser is never called".to_owned(),
            author: "Ada".to_owned(),
            ..IgnoreRule::default()
        }
    }

    #[test]
    fn a_rule_needs_a_condition_a_reason_and_an_author() {
        assert_eq!(rule().check(), Ok(()));
        let check = |rule: IgnoreRule, expected| assert_eq!(rule.check(), Err(expected));
        check(IgnoreRule { vulnerabilities: Vec::new(), ..rule() }, InvalidRule::NoCondition);
        check(IgnoreRule { reason: " ".to_owned(), ..rule() }, InvalidRule::Missing("reason"));
        check(IgnoreRule { author: String::new(), ..rule() }, InvalidRule::Missing("author"));
        check(IgnoreRule { path: Some(String::new()), ..rule() }, InvalidRule::Empty("path"));
        check(IgnoreRule { reason: "x".repeat(5_000), ..rule() }, InvalidRule::TooLong("reason"));
        let many = vec!["CVE-2026-1".to_owned(); 1_001];
        check(IgnoreRule { vulnerabilities: many, ..rule() }, InvalidRule::TooMany);
    }

    #[test]
    fn a_rule_holds_until_it_expires() {
        let rule = IgnoreRule { expires_ms: Some(1_000), ..rule() };
        assert!(!rule.is_expired(999));
        assert!(rule.is_expired(1_000));
        assert!(!IgnoreRule { expires_ms: None, ..rule }.is_expired(i64::MAX));
    }
}
