//! What distributions of RPMs say of an update outside of the schema's fields: their titles have a
//! rating and modules (`Important: nodejs:16 security update`), their ids tell whether the update
//! mends a vulnerability at all, and the vulnerabilities stand among the related records.

use super::ecosystem::target;
use super::schema::Record;

/// How the ids of updates begin that mend bugs or bring something new. They matter if they name a
/// vulnerability all the same.
const OTHER_UPDATES: [&str; 9] =
    ["ALBA-", "ALEA-", "RHBA-", "RHEA-", "RLBA-", "RLEA-", "SUSE-RU-", "SUSE-FU-", "SUSE-OU-"];

/// More modules than this in one title are no title.
const MODULES: usize = 8;

/// Returns the vulnerabilities that a record was made for (OSV's `upstream`, for which older
/// records use `related`). What is related to a record on a language's packages is something else.
pub(super) fn upstream(record: &Record) -> Vec<String> {
    if !record.upstream.is_empty() || !record.aliases.is_empty() || speaks_of_languages(record) {
        return record.upstream.clone();
    }
    let is_vulnerability = |id: &&String| id.starts_with("CVE-");
    record.related.iter().filter(is_vulnerability).cloned().collect()
}

fn speaks_of_languages(record: &Record) -> bool {
    let packages = record.affected.iter().filter_map(|affected| affected.package.as_ref());
    let mut targets = packages.filter_map(|package| target(&package.ecosystem).ok());
    targets.any(|target| !target.ecosystem.is_distribution())
}

/// Tells whether a record is about an update that mends no vulnerability.
pub(super) fn mends_nothing(record: &Record) -> bool {
    OTHER_UPDATES.iter().any(|prefix| record.id.starts_with(prefix))
        && record.aliases.is_empty()
        && upstream(record).is_empty()
}

/// Returns the rating that a title begins with.
pub(super) fn rating(summary: &str) -> Option<&str> {
    let (word, _) = summary.split_once(": ")?;
    ["Low", "Moderate", "Important", "Critical"].contains(&word).then_some(word)
}

/// Returns the modules with their streams, sorted: `nodejs:16`.
pub(super) fn named_in(summary: &str) -> Vec<String> {
    let mut modules: Vec<String> =
        summary.split([' ', ',']).filter_map(module).take(MODULES).collect();
    modules.sort();
    modules.dedup();
    modules
}

/// `httpd:2.4/mod_http2` names a package of the module as well.
fn module(word: &str) -> Option<String> {
    let word = word.split('/').next()?;
    let (name, stream) = word.split_once(':')?;
    let is_name = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
    };
    (is_name(name) && is_name(stream)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{mends_nothing, named_in, rating, upstream};

    fn record(text: &str) -> super::Record {
        serde_json::from_str(text).expect("a record")
    }

    #[test]
    fn the_related_vulnerabilities_are_what_an_update_was_made_for() {
        let security = record(r#"{"id": "ALSA-2024:1", "related": ["CVE-2024-1", "ALSA-1"]}"#);
        assert_eq!(upstream(&security), ["CVE-2024-1"]);
        assert!(!mends_nothing(&security));
        let newer = r#"{"id": "OESA-1", "upstream": ["CVE-2024-2"], "related": ["CVE-2024-1"]}"#;
        assert_eq!(upstream(&record(newer)), ["CVE-2024-2"]);
        let chrono = r#"{"id": "RUSTSEC-1", "related": ["CVE-2024-1"],
            "affected": [{"package": {"ecosystem": "crates.io", "name": "chrono"}}]}"#;
        assert_eq!(upstream(&record(chrono)), <[String; 0]>::default());
        let other = r#"{"id": "GHSA-1", "aliases": ["CVE-2024-2"], "related": ["CVE-2024-1"]}"#;
        assert_eq!(upstream(&record(other)), <[String; 0]>::default());
    }

    #[test]
    fn updates_that_mend_bugs_matter_only_if_they_name_a_vulnerability() {
        assert!(mends_nothing(&record(r#"{"id": "ALBA-2024:1", "related": []}"#)));
        assert!(mends_nothing(&record(r#"{"id": "RHEA-2024:1"}"#)));
        assert!(!mends_nothing(&record(r#"{"id": "RHBA-2024:1", "related": ["CVE-2024-1"]}"#)));
        assert!(!mends_nothing(&record(r#"{"id": "ALSA-2024:1"}"#)));
    }

    #[test]
    fn titles_begin_with_a_rating() {
        assert_eq!(rating("Important: bash security update"), Some("Important"));
        assert_eq!(rating("Red Hat Security Advisory: bash security update"), None);
        assert_eq!(rating("nodejs:12 bug fix update"), None);
    }

    #[test]
    fn titles_name_the_modules_that_were_updated() {
        let check = |summary: &str, expected: &[&str]| {
            assert_eq!(named_in(summary), expected, "{summary}");
        };
        check("Important: nodejs:16 security update", &["nodejs:16"]);
        check("Red Hat Security Advisory: python39:3.9 security update", &["python39:3.9"]);
        check(
            "Moderate: virt:rhel, virt-devel:rhel and container-tools:rhel8 update",
            &["container-tools:rhel8", "virt-devel:rhel", "virt:rhel"],
        );
        check("Moderate: httpd:2.4/mod_http2 security update", &["httpd:2.4"]);
        check("Important: varnish security update", &[]);
        check("a: :b x:y:z", &[]);
    }
}
