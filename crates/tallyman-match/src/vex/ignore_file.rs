//! Files of ignore rules, in YAML: `rules:`, and beneath it one item for each rule. What is not
//! known is an error that names its line, for a rule that is misspelt must not silently do
//! something else (`docs/vex.md`).

use serde::Deserialize;
use tallyman_model::clock::parse_rfc3339;
use tallyman_model::ignore::{IgnoreRule, InvalidRule};
use tallyman_model::limits::{Limits, Over};

/// The milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Why a file holds no rules.
#[derive(Debug, thiserror::Error)]
pub enum IgnoreFileError {
    /// It is too large, or has too many rules.
    #[error("it is {}", Over { limit, value: *maximum })]
    TooLarge {
        /// The limit.
        limit: &'static str,
        /// Its value.
        maximum: u64,
    },
    /// It is no UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// It is no YAML, or has other keys than those that are known; the message says where.
    #[error("{0}")]
    Malformed(String),
    /// A rule lacks something.
    #[error("rule {number} ({}): {source}", shown(id))]
    Rule {
        /// Which one, counted from 1.
        number: usize,
        /// Its identifier.
        id: String,
        /// What is wrong.
        #[source]
        source: InvalidRule,
    },
    /// A date is none.
    #[error(
        "rule {number}: `{}` is no date such as 2027-01-31 or 2027-01-31T12:00:00Z",
        shown(text)
    )]
    Date {
        /// Which rule, counted from 1.
        number: usize,
        /// The text.
        text: String,
    },
    /// Two rules have one identifier.
    #[error("rule {number}: another rule has the identifier `{}`", shown(id))]
    Twice {
        /// The second, counted from 1.
        number: usize,
        /// The identifier.
        id: String,
    },
}

fn shown(text: &str) -> String {
    super::list::shown(text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: Option<String>,
    vulnerability: Option<String>,
    #[serde(default)]
    vulnerabilities: Vec<String>,
    package: Option<String>,
    path: Option<String>,
    image: Option<String>,
    reason: String,
    author: String,
    created: Option<String>,
    expires: Option<String>,
}

/// Reads a file of rules.
///
/// # Errors
///
/// Any [`IgnoreFileError`]; then no rule of it holds.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<IgnoreRule>, IgnoreFileError> {
    let too_large = |limit, maximum| IgnoreFileError::TooLarge { limit, maximum };
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.vex_bytes {
        return Err(too_large("vex-bytes", limits.vex_bytes));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| IgnoreFileError::Encoding)?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let file: File = serde_saphyr::from_str(text)
        .map_err(|error| IgnoreFileError::Malformed(shown(&error.to_string())))?;
    if file.rules.len() > limits.vex_products {
        let maximum = u64::try_from(limits.vex_products).unwrap_or(u64::MAX);
        return Err(too_large("vex-products", maximum));
    }
    let mut rules: Vec<IgnoreRule> = Vec::with_capacity(file.rules.len());
    let mut ids = std::collections::HashSet::new();
    for (number, raw) in (1..).zip(file.rules) {
        let rule = rule(number, raw)?;
        if !ids.insert(rule.id.clone()) {
            return Err(IgnoreFileError::Twice { number, id: rule.id });
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(number: usize, raw: Rule) -> Result<IgnoreRule, IgnoreFileError> {
    let date = |text: Option<String>, is_end| match text {
        Some(text) => match parse_date(&text, is_end) {
            Some(date) => Ok(Some(date)),
            None => Err(IgnoreFileError::Date { number, text }),
        },
        None => Ok(None),
    };
    let rule = IgnoreRule {
        id: raw.id.unwrap_or_else(|| format!("rule-{number}")),
        vulnerabilities: raw.vulnerability.into_iter().chain(raw.vulnerabilities).collect(),
        package: raw.package,
        path: raw.path,
        image: raw.image,
        server: None,
        reason: raw.reason,
        author: raw.author,
        created_ms: date(raw.created, false)?,
        expires_ms: date(raw.expires, true)?,
    };
    match rule.check() {
        Ok(()) => Ok(rule),
        Err(source) => Err(IgnoreFileError::Rule { number, id: rule.id, source }),
    }
}

/// Reads a date or a time; a rule that expires on a date holds to the end of that day, UTC.
pub fn parse_date(text: &str, is_end: bool) -> Option<i64> {
    let day = parse_rfc3339(&format!("{text}T00:00:00Z"));
    let end = |day: i64| if is_end { day.saturating_add(DAY_MS) } else { day };
    day.map(end).or_else(|| parse_rfc3339(text))
}

#[cfg(test)]
mod tests {
    use tallyman_model::limits::Limits;

    use super::{parse_date, read};

    const GOOD: &str = "\
rules:
  - vulnerability: CVE-2026-1
    package: log4j-core
    reason: the lookup is switched off
    author: Ada
    expires: 2027-01-31
  - id: tests
    path: '**/test/**'
    image: registry.example/app
    reason: never started
    author: Grace
";

    fn error(text: &str) -> String {
        read(text.as_bytes(), &Limits::default()).expect_err(text).to_string()
    }

    #[test]
    fn rules_are_read_with_what_they_say() {
        let rules = read(GOOD.as_bytes(), &Limits::default()).expect("two rules");
        let [first, second] = rules.as_slice() else { panic!("{rules:?}") };
        assert_eq!((&*first.id, &*second.id), ("rule-1", "tests"));
        assert_eq!(first.vulnerabilities, ["CVE-2026-1"]);
        assert_eq!(first.expires_ms, parse_date("2027-02-01T00:00:00Z", false));
        assert_eq!(second.image.as_deref(), Some("registry.example/app"));
    }

    #[test]
    fn a_rule_names_one_vulnerability_and_more_and_begins_with_its_day() {
        let text = GOOD.replace(
            "    package: log4j-core\n",
            "    vulnerabilities: [CVE-2026-2, CVE-2026-3]\n    created: 2026-11-01\n",
        );
        let rules = read(text.as_bytes(), &Limits::default()).expect("two rules");
        assert_eq!(rules[0].vulnerabilities, ["CVE-2026-1", "CVE-2026-2", "CVE-2026-3"]);
        assert_eq!(rules[0].created_ms, parse_date("2026-11-01T00:00:00Z", false));
    }

    #[test]
    fn what_is_misspelt_is_an_error_that_names_its_line() {
        let misspelt = error(&GOOD.replace("package:", "packages:"));
        assert!(misspelt.contains("packages") && misspelt.contains("line 3"), "{misspelt}");
        let without = error(&GOOD.replace("    author: Grace\n", ""));
        assert!(without.contains("author"), "{without}");
        assert!(error("rule:\n  - a: b\n").contains("rule"));
        assert!(error(&GOOD.replace("2027-01-31", "soon")).contains("`soon` is no date"));
        assert!(error(&GOOD.replace("reason: never started", "reason: ''")).contains("reason"));
        assert!(error(&GOOD.replace("id: tests", "id: rule-1")).contains("another rule"));
        let bare = "rules:\n  - reason: a\n    author: b\n";
        assert!(error(bare).contains("needs a condition"), "{}", error(bare));
    }

    #[test]
    fn large_files_and_many_rules_are_refused() {
        let limits = Limits { vex_bytes: 10, ..Limits::default() };
        assert!(read(GOOD.as_bytes(), &limits).is_err());
        let limits = Limits { vex_products: 1, ..Limits::default() };
        assert!(read(GOOD.as_bytes(), &limits).is_err());
        let limits = Limits { vex_products: 2, ..Limits::default() };
        assert!(read(GOOD.as_bytes(), &limits).is_ok());
        let bomb = format!("a: &a [{}]\nrules: *a\n", "x,".repeat(1_000));
        assert!(read(bomb.as_bytes(), &Limits::default()).is_err());
    }
}
