//! The words by which distributions and databases rate, in one table.

use tallyman_model::severity::Severity;

/// What rates, in lower case. All other words rate nothing: `untriaged` and `unknown`, `not yet
/// assigned` and `end-of-life`, `unspecified`, `N/A`.
const WORDS: [(&str, Severity); 13] = [
    ("critical", Severity::Critical),
    // Fedora's updates.
    ("urgent", Severity::Critical),
    ("high", Severity::High),
    // Red Hat and those that follow it, SUSE, Microsoft.
    ("important", Severity::High),
    ("medium", Severity::Medium),
    // Red Hat and those that follow it, GitHub, npm.
    ("moderate", Severity::Medium),
    ("low", Severity::Low),
    // Ubuntu.
    ("negligible", Severity::Negligible),
    // Debian: the flaw is in the source and not in what is installed.
    ("unimportant", Severity::Negligible),
    // CVSS, for a score of 0; Red Hat.
    ("none", Severity::Negligible),
    // npm, GitLab.
    ("info", Severity::Negligible),
    ("informational", Severity::Negligible),
    // CycloneDX.
    ("information", Severity::Negligible),
];

/// Rates by a word, whatever its case.
pub(crate) fn rate_word(word: &str) -> Severity {
    // A star marks what Debian's programs rated.
    let word = word.trim().trim_end_matches('*');
    let known = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map_or(Severity::Unknown, |(_, severity)| *severity)
}

#[cfg(test)]
mod tests {
    use tallyman_model::severity::Severity;

    use super::{WORDS, rate_word};

    /// Who uses which words, from the least to the worst.
    const SCALES: [(&str, &str); 19] = [
        (
            "Ubuntu",
            "untriaged=unknown negligible=negligible low=low medium=medium high=high critical=critical",
        ),
        ("Debian's tracker", "unimportant=negligible low=low medium=medium high=high"),
        ("Debian's programs", "low*=low low**=low medium**=medium high**=high"),
        ("Red Hat", "none=negligible low=low moderate=medium important=high critical=critical"),
        ("Red Hat's titles", "Low=low Moderate=medium Important=high Critical=critical"),
        (
            "AlmaLinux, Rocky Linux",
            "None=negligible Low=low Moderate=medium Important=high Critical=critical",
        ),
        ("SUSE", "low=low moderate=medium important=high critical=critical"),
        ("Amazon Linux", "low=low medium=medium important=high critical=critical"),
        ("Oracle Linux", "N/A=unknown LOW=low MODERATE=medium IMPORTANT=high CRITICAL=critical"),
        (
            "Azure Linux",
            "Low=low Medium=medium Moderate=medium High=high Important=high Critical=critical",
        ),
        ("Microsoft", "Low=low Moderate=medium Important=high Critical=critical"),
        ("Fedora", "unspecified=unknown low=low medium=medium high=high urgent=critical"),
        (
            "openEuler, Anolis OS, Alibaba Cloud Linux",
            "low=low moderate=medium important=high critical=critical",
        ),
        ("Photon OS", "Low=low Moderate=medium Important=high Critical=critical"),
        ("npm", "info=negligible low=low moderate=medium high=high critical=critical"),
        ("GitHub", "UNKNOWN=unknown LOW=low MODERATE=medium HIGH=high CRITICAL=critical"),
        (
            "OSS-Fuzz, Bitnami",
            "Unknown=unknown None=negligible LOW=low Medium=medium HIGH=high Critical=critical",
        ),
        ("CVSS", "NONE=negligible LOW=low MEDIUM=medium HIGH=high CRITICAL=critical"),
        (
            "GitLab",
            "Unknown=unknown Info=negligible Low=low Medium=medium High=high Critical=critical",
        ),
    ];

    #[test]
    fn each_scale_is_rated_and_rises() {
        for (who, scale) in SCALES {
            let mut before = Severity::Unknown;
            for pair in scale.split(' ') {
                let (word, expected) = pair.split_once('=').unwrap();
                let rated = rate_word(word);
                assert_eq!(rated.name(), expected, "{word} of {who}");
                assert!(rated >= before, "{word} of {who}");
                before = rated;
            }
        }
    }

    #[test]
    fn words_that_rate_nothing_are_unknown() {
        for word in ["", "*", "not yet assigned", "end-of-life", "undetermined", "null", "n/a"] {
            assert_eq!(rate_word(word), Severity::Unknown, "{word}");
        }
        assert_eq!(rate_word(" Important "), Severity::High);
        assert_eq!(rate_word(&"high".repeat(1 << 20)), Severity::Unknown);
    }

    #[test]
    fn every_severity_has_its_own_name_among_the_words() {
        for severity in Severity::ALL {
            assert_eq!(rate_word(severity.name()), severity);
        }
        assert!(WORDS.iter().all(|(word, _)| *word == word.to_ascii_lowercase()));
    }
}
