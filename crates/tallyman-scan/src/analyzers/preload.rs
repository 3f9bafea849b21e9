//! `etc/ld.so.preload` (ld.so(8)): a library that is loaded into every program. Images have no use
//! for it; user-mode rootkits do.

use tallyman_model::inventory::{Alert, AlertLevel, Evidence};
use tallyman_model::limits::Limits;

use crate::analyzers::{Analyzer, Candidate, Fault, FileClass, Reading};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "preload",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

fn wants(candidate: &Candidate<'_>) -> bool {
    candidate.path == "etc/ld.so.preload"
}

/// Entries are separated by white space or colons, `#` begins a comment.
fn analyze(_path: &str, content: &[u8], _limits: &Limits) -> Result<Vec<Evidence>, Fault> {
    let text = String::from_utf8_lossy(content);
    let entry = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || c == ':'))
        .find(|entry| !entry.is_empty());
    let Some(entry) = entry else {
        return Ok(Vec::new());
    };
    let shown: String = entry.chars().filter(|c| !c.is_control()).take(200).collect();
    Ok(vec![Evidence::Alert(Alert {
        rule: "preload".to_owned(),
        level: AlertLevel::Suspicious,
        evidence: format!("{shown} is loaded into every program"),
    })])
}

#[cfg(test)]
mod tests {
    use tallyman_model::inventory::Evidence;
    use tallyman_model::limits::Limits;

    use super::analyze;

    fn evidence(content: &str) -> Option<String> {
        let found = analyze("etc/ld.so.preload", content.as_bytes(), &Limits::default());
        match found.expect("no fault").pop() {
            Some(Evidence::Alert(alert)) => Some(alert.evidence),
            _ => None,
        }
    }

    #[test]
    fn only_an_entry_that_is_no_comment_is_an_alert() {
        assert_eq!(evidence(""), None);
        assert_eq!(evidence("# /lib/x.so\n\n  \n"), None);
        let expected = Some("/lib/x.so is loaded into every program".to_owned());
        assert_eq!(evidence("#\n /lib/x.so:/lib/y.so # z"), expected);
    }
}
