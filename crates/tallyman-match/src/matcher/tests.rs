use std::sync::OnceLock;

use tallyman_model::advisory::{
    Advisory, Affected, FeedInfo, FixState, Naming, PackageKey, RangeEvent,
};
use tallyman_model::coverage::CoverageGap;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::finding::Finding;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package, PackageVersion, SourcePackage};
use tallyman_model::severity::Severity;

use super::{PackageFindings, find_vulnerabilities, gaps};
use crate::database::AdvisoryDatabase;
use crate::index::AdvisoryIndex;
use crate::index::compile::compile;
use crate::record::{FeedContent, StoredRecord};

const CVSS_HIGH: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H";
const CVSS_LOW: &str = "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N";

fn package(ecosystem: Ecosystem, name: &str, version: &str) -> PackageVersion {
    PackageVersion { package: Package::new(ecosystem, name, version), release: None }
}

fn debian(release: &str, source: &str, version: &str) -> PackageVersion {
    let mut package = package(Ecosystem::Deb, &format!("lib{source}-dev"), version);
    package.package.source =
        Some(SourcePackage { name: source.to_owned(), version: version.to_owned() });
    package.release = Some(DistributionRelease::from_stored(release));
    package
}

/// An advisory on the crate `a`, affected from the first version to the second.
fn advisory(id: &str, aliases: &[&str], from: &str, to: Option<&str>) -> Advisory {
    let mut events = vec![RangeEvent::Introduced(from.to_owned())];
    events.extend(to.map(|to| RangeEvent::Fixed(to.to_owned())));
    Advisory {
        id: id.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        upstream: Vec::new(),
        published_ms: None,
        modified_ms: None,
        withdrawn_ms: None,
        cvss: Vec::new(),
        affected: vec![Affected {
            key: PackageKey { ecosystem: Ecosystem::Cargo, release: None, name: "a".to_owned() },
            ranges: vec![events],
            versions: Vec::new(),
            cvss: Vec::new(),
            urgency: None,
            fix_state: FixState::Open,
            modules: Vec::new(),
            architectures: Vec::new(),
            naming: Naming::Usual,
        }],
    }
}

fn for_debian(mut advisory: Advisory, release: &str, source: &str) -> Advisory {
    for affected in &mut advisory.affected {
        affected.key = PackageKey {
            ecosystem: Ecosystem::Deb,
            release: Some(DistributionRelease::from_stored(release)),
            name: source.to_owned(),
        };
    }
    advisory
}

fn index(feeds: &[(&str, Vec<Advisory>)]) -> AdvisoryIndex {
    let mut contents: Vec<FeedContent> = feeds
        .iter()
        .map(|(name, advisories)| FeedContent {
            info: FeedInfo {
                name: (*name).to_owned(),
                attribution: String::new(),
                data_ms: None,
                imported_ms: Some(1),
                advisories: 0,
                affected: 0,
                complete: Vec::new(),
            },
            records: advisories
                .iter()
                .map(|advisory| StoredRecord {
                    scope: String::new(),
                    advisory: advisory.clone(),
                    facts: None,
                })
                .collect(),
        })
        .collect();
    AdvisoryIndex::from_bytes(compile(&mut contents).unwrap()).unwrap()
}

fn find(index: &AdvisoryIndex, package: &PackageVersion) -> Vec<Finding> {
    find_vulnerabilities(index, package).unwrap().findings
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.id.as_str()).collect()
}

#[test]
fn records_that_share_a_name_are_one_finding_under_the_cve() {
    let mut rustsec = advisory("RUSTSEC-1", &["GHSA-1"], "0", Some("1.5.0"));
    rustsec.published_ms = Some(2);
    let mut ghsa = advisory("GHSA-1", &["CVE-2020-2", "CVE-2020-10"], "1.0.0", Some("1.4.0"));
    ghsa.cvss = vec![CVSS_HIGH.to_owned()];
    ghsa.published_ms = Some(1);
    let index = index(&[("osv/crates.io", vec![rustsec, ghsa])]);
    let findings = find(&index, &package(Ecosystem::Cargo, "a", "1.2.0"));
    assert_eq!(
        findings,
        [Finding {
            id: "CVE-2020-2".to_owned(),
            aliases: ["CVE-2020-10", "GHSA-1", "RUSTSEC-1"].map(str::to_owned).to_vec(),
            advisory: "GHSA-1".to_owned(),
            feed: "osv/crates.io".to_owned(),
            severity: Severity::High,
            score: Some(7.5),
            vector: Some(CVSS_HIGH.to_owned()),
            // 1.4.0 is still affected by the other record's word.
            fixed_version: Some("1.5.0".to_owned()),
            matched: ">= 1.0.0, < 1.4.0".to_owned(),
            fix_state: FixState::Open,
            published_ms: Some(1),
            contradicted_by: Vec::new(),
        }]
    );
}

#[test]
fn the_order_of_records_does_not_matter() {
    let records = [
        advisory("X-3", &["X-1"], "0", None),
        advisory("X-1", &[], "0", Some("2.0.0")),
        advisory("X-2", &["X-3"], "0", Some("2.0.0")),
        advisory("Y-1", &["CVE-2021-1"], "0", None),
    ];
    let mut reversed = records.to_vec();
    reversed.reverse();
    let package = package(Ecosystem::Cargo, "a", "1.0.0");
    let one = find(&index(&[("f", records.to_vec())]), &package);
    assert_eq!(one, find(&index(&[("f", reversed)]), &package));
    assert_eq!(ids(&one), ["CVE-2021-1", "X-1"]);
}

#[test]
fn fixed_versions_whose_order_goes_in_circles_have_a_first_one() {
    // Conan: numbers as numbers, and as words with words, so 5 < 111 < 1110a < 5.
    let fixed = (1..=90_u64).map(|i| {
        let number = (((i * 3).wrapping_mul(2_654_435_761)) >> 7) % 100_000 + 2;
        if number.is_multiple_of(2) { format!("{number}a") } else { number.to_string() }
    });
    let mut advisory = advisory("A-1", &[], "0", None);
    advisory.affected[0].key.ecosystem = Ecosystem::Conan;
    advisory.affected[0].ranges = fixed
        .map(|fixed| vec![RangeEvent::Introduced("0".to_owned()), RangeEvent::Fixed(fixed)])
        .collect();
    let index = index(&[("osv", vec![advisory])]);
    assert_eq!(ids(&find(&index, &package(Ecosystem::Conan, "a", "1"))), ["A-1"]);
}

#[test]
fn findings_come_with_the_most_severe_first() {
    let with = |id: &str, vector: &str| {
        let mut advisory = advisory(id, &[], "0", None);
        advisory.cvss = vec![vector.to_owned()];
        advisory
    };
    let records = vec![
        advisory("A", &[], "0", None),
        with("B", CVSS_LOW),
        with("D", CVSS_HIGH),
        with("C", CVSS_HIGH),
    ];
    let findings = find(&index(&[("f", records)]), &package(Ecosystem::Cargo, "a", "1.0.0"));
    assert_eq!(ids(&findings), ["C", "D", "B", "A"]);
}

#[test]
fn a_vector_for_the_package_stands_above_one_for_the_record() {
    let mut advisory = advisory("A", &[], "0", None);
    advisory.cvss = vec![CVSS_HIGH.to_owned()];
    advisory.affected[0].cvss = vec![CVSS_LOW.to_owned()];
    advisory.affected[0].urgency = Some("critical".to_owned());
    let findings = find(&index(&[("f", vec![advisory])]), &package(Ecosystem::Cargo, "a", "1.0.0"));
    assert_eq!(findings[0].vector.as_deref(), Some(CVSS_LOW));
    assert_eq!(findings[0].severity, Severity::Low);
}

#[test]
fn a_word_rates_where_there_is_no_vector() {
    let mut advisory = advisory("A", &[], "0", None);
    advisory.affected[0].urgency = Some("MODERATE".to_owned());
    let findings = find(&index(&[("f", vec![advisory])]), &package(Ecosystem::Cargo, "a", "1.0.0"));
    assert_eq!((findings[0].severity, findings[0].score), (Severity::Medium, None));
}

#[test]
fn unimportant_to_debian_is_negligible_whatever_the_vector_says() {
    let mut record = for_debian(advisory("CVE-2020-1", &[], "0", None), "debian:12", "s");
    record.cvss = vec![CVSS_HIGH.to_owned()];
    record.affected[0].urgency = Some("unimportant".to_owned());
    record.affected[0].fix_state = FixState::WillNotFix;
    let findings = find(&index(&[("debian", vec![record])]), &debian("debian:12", "s", "1-1"));
    assert_eq!(findings[0].severity, Severity::Negligible);
    assert_eq!(findings[0].fix_state, FixState::WillNotFix);
    assert_eq!(findings[0].fixed_version, None);
}

#[test]
fn distribution_packages_are_looked_up_by_source_and_release() {
    let record = for_debian(advisory("CVE-2020-1", &[], "0", Some("2-1")), "debian:12", "s");
    let index = index(&[("debian", vec![record])]);
    assert_eq!(find(&index, &debian("debian:12", "s", "1-1")).len(), 1);
    assert_eq!(find(&index, &debian("debian:bookworm", "s", "1-1")).len(), 1);
    assert_eq!(find(&index, &debian("debian:12", "s", "2-1")), []);
    assert_eq!(find(&index, &debian("debian:11", "s", "1-1")), []);
    assert_eq!(find(&index, &debian("ubuntu:12", "s", "1-1")), []);
    assert_eq!(find(&index, &package(Ecosystem::Deb, "s", "1-1")), []);
    assert_eq!(find(&index, &package(Ecosystem::Cargo, "s", "1.0.0")), []);
}

#[test]
fn the_tracker_replaces_what_changelogs_suggest_about_a_source() {
    let record = |id: &str, source: &str| {
        for_debian(advisory(id, &[], "0", Some("2-1")), "debian:12", source)
    };
    let index = index(&[
        ("debian-changelog", vec![record("CVE-2020-1", "s"), record("CVE-2020-2", "t")]),
        ("debian", vec![record("CVE-2020-3", "s")]),
    ]);
    assert_eq!(ids(&find(&index, &debian("debian:12", "s", "1-1"))), ["CVE-2020-3"]);
    assert_eq!(ids(&find(&index, &debian("debian:12", "t", "1-1"))), ["CVE-2020-2"]);
}

#[test]
fn a_notice_on_several_vulnerabilities_is_a_finding_for_each() {
    let mut notice = for_debian(advisory("DSA-1", &[], "0", Some("2-1")), "debian:12", "s");
    notice.upstream = vec!["CVE-2020-1".to_owned(), "CVE-2020-2".to_owned()];
    let cve = for_debian(advisory("CVE-2020-2", &[], "0", None), "debian:12", "s");
    let index = index(&[("osv/Debian", vec![notice]), ("debian", vec![cve])]);
    let findings = find(&index, &debian("debian:12", "s", "1-1"));
    let summary: Vec<_> =
        findings.iter().map(|f| (f.id.as_str(), f.advisory.as_str(), f.aliases.len())).collect();
    assert_eq!(summary, [("CVE-2020-1", "DSA-1", 1), ("CVE-2020-2", "CVE-2020-2", 1)]);
    assert_eq!(findings[0].fixed_version.as_deref(), Some("2-1"));
    // The tracker does not know the fix, so there is none.
    assert_eq!(findings[1].fixed_version, None);
}

#[test]
fn a_notice_on_one_vulnerability_is_another_name_of_it() {
    let mut notice = for_debian(advisory("DSA-1", &[], "0", Some("2-1")), "debian:12", "s");
    notice.upstream = vec!["CVE-2020-1".to_owned()];
    let other = for_debian(advisory("X-1", &["DSA-1"], "0", Some("2-1")), "debian:12", "s");
    let index = index(&[("osv/Debian", vec![notice, other])]);
    let findings = find(&index, &debian("debian:12", "s", "1-1"));
    assert_eq!(ids(&findings), ["CVE-2020-1"]);
    assert_eq!(findings[0].aliases, ["DSA-1", "X-1"]);
}

#[test]
fn a_version_that_cannot_be_ranked_is_found_only_where_it_is_listed() {
    let mut listed = advisory("A", &[], "2.0.0", Some("3.0.0"));
    listed.affected[0].versions = vec!["nightly".to_owned()];
    let index = index(&[("f", vec![listed, advisory("B", &[], "0", None)])]);
    let found = find_vulnerabilities(&index, &package(Ecosystem::Cargo, "a", "nightly")).unwrap();
    assert!(found.is_unrankable);
    assert_eq!(ids(&found.findings), ["A"]);
    assert_eq!(found.findings[0].matched, "= nightly");
    let unknown = find_vulnerabilities(&index, &package(Ecosystem::Cargo, "z", "nightly")).unwrap();
    assert_eq!(unknown, PackageFindings::default());
}

#[test]
fn listed_versions_are_compared_in_the_order_of_the_ecosystem() {
    let mut listed = advisory("A", &[], "2.0.0", Some("3.0.0"));
    listed.affected[0].versions = vec!["1.0.0".to_owned()];
    let index = index(&[("f", vec![listed])]);
    assert_eq!(find(&index, &package(Ecosystem::Cargo, "a", "1.0.0+build")).len(), 1);
    assert_eq!(find(&index, &package(Ecosystem::Cargo, "a", "1.0.1")).len(), 0);
}

#[test]
fn what_no_feed_speaks_of_is_a_gap() {
    let record = for_debian(advisory("CVE-2020-1", &[], "0", None), "debian:12", "s");
    let index = index(&[("debian", vec![record]), ("f", vec![advisory("A", &[], "0", None)])]);
    let packages = [
        debian("debian:12", "s", "1"),
        debian("debian:bookworm", "other", "1"),
        debian("ubuntu:24.04", "s", "1"),
        debian("ubuntu:24.04", "t", "1"),
        package(Ecosystem::Cargo, "b", "1.0.0"),
        package(Ecosystem::Npm, "b", "1.0.0"),
    ];
    let gap = |ecosystem, release: Option<&str>| CoverageGap {
        ecosystem,
        release: release.map(DistributionRelease::from_stored),
    };
    assert_eq!(
        gaps(&index, &packages),
        [gap(Ecosystem::Deb, Some("ubuntu:24.04")), gap(Ecosystem::Npm, None)]
    );
}

fn shipped() -> &'static AdvisoryIndex {
    static INDEX: OnceLock<AdvisoryIndex> = OnceLock::new();
    INDEX.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let database = AdvisoryDatabase::open(folder.path(), Limits::default()).unwrap();
        database.install_bundle(crate::snapshot::shipped_bundle(), 0).unwrap();
        std::sync::Arc::into_inner(database.open_index().unwrap()).unwrap()
    })
}

/// Writes the findings one a line: id, advisory, severity, what matched, the fix.
fn show(package: &PackageVersion) -> String {
    let lines = find(shipped(), package).into_iter().map(|f| {
        let fix = f.fixed_version.unwrap_or_else(|| "no fix".to_owned());
        format!("{} {} {} ({}) → {fix}", f.id, f.advisory, f.severity, f.matched)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_advisories_know_jinja_2_4_1() {
    insta::assert_snapshot!(show(&package(Ecosystem::PyPi, "Jinja2", "2.4.1")));
}

#[test]
fn the_shipped_advisories_know_go_1_20() {
    insta::assert_snapshot!(show(&package(Ecosystem::Go, "stdlib", "1.20")));
}

#[test]
fn the_shipped_advisories_know_the_crate_time_0_1_42() {
    insta::assert_snapshot!(show(&package(Ecosystem::Cargo, "time", "0.1.42")));
}

#[test]
fn the_shipped_advisories_know_lodash_4_17_15() {
    insta::assert_snapshot!(show(&package(Ecosystem::Npm, "lodash", "4.17.15")));
}

#[test]
fn the_shipped_advisories_know_openssl_of_bookworm() {
    insta::assert_snapshot!(show(&debian("debian:12", "openssl", "3.0.11-1~deb12u2")));
}

#[test]
fn records_of_one_update_on_different_vulnerabilities_stay_apart() {
    let of = |upstream: &str| Advisory {
        upstream: vec![upstream.to_owned()],
        ..for_debian(advisory("ELSA-1", &[], "0", None), "debian:12", "a")
    };
    let mut contents = [FeedContent {
        info: FeedInfo {
            name: "oracle-oval".to_owned(),
            attribution: String::new(),
            data_ms: None,
            imported_ms: None,
            advisories: 0,
            affected: 0,
            complete: Vec::new(),
        },
        records: ["CVE-2024-1", "CVE-2024-2"]
            .map(|cve| StoredRecord { scope: cve.to_owned(), advisory: of(cve), facts: None })
            .to_vec(),
    }];
    let index = AdvisoryIndex::from_bytes(compile(&mut contents).unwrap()).unwrap();
    let findings = find(&index, &debian("debian:12", "a", "1"));
    assert_eq!(ids(&findings), ["CVE-2024-1", "CVE-2024-2"]);
    assert!(findings.iter().all(|finding| finding.aliases == ["ELSA-1"]));
}

/// A statement on an RPM of `amzn:2023`.
fn for_rpm(id: &str, name: &str, fixed: Option<&str>, change: impl Fn(&mut Affected)) -> Advisory {
    let mut advisory = advisory(id, &[], "0", fixed);
    for affected in &mut advisory.affected {
        affected.key = PackageKey {
            ecosystem: Ecosystem::Rpm,
            release: Some(DistributionRelease::from_stored("amzn:2023")),
            name: name.to_owned(),
        };
        change(affected);
    }
    advisory
}

/// `openssl-libs`, built from `openssl`, for `x86_64`.
fn openssl_libs(release: &str) -> PackageVersion {
    let mut package = package(Ecosystem::Rpm, "openssl-libs", "1:3.0-1");
    package.package.architecture = Some("x86_64".to_owned());
    package.package.source =
        Some(SourcePackage { name: "openssl".to_owned(), version: "1:3.0-1".to_owned() });
    package.release = Some(DistributionRelease::from_stored(release));
    package
}

#[test]
fn a_denial_silences_other_feeds_on_the_same_package_and_says_so() {
    let claim = for_debian(advisory("DSA-1", &["CVE-1-1"], "0", None), "debian:12", "a");
    let mut denial = for_debian(advisory("CVE-1-1", &[], "0", None), "debian:12", "a");
    denial.affected[0].fix_state = FixState::NotAffected;
    let feeds = [("osv/Debian", vec![claim.clone()]), ("debian", vec![denial.clone()])];
    let answer = find_vulnerabilities(&index(&feeds), &debian("debian:12", "a", "1")).unwrap();
    assert_eq!(answer.findings, []);
    let denied = super::Denied {
        id: "CVE-1-1".to_owned(),
        by: "debian CVE-1-1".to_owned(),
        overruled: vec!["osv/Debian DSA-1".to_owned()],
    };
    assert_eq!(answer.denied, [denied]);

    // A feed that is believed less changes nothing, but is named.
    let feeds = [("debian", vec![claim]), ("debian-changelog", vec![denial])];
    let index = index(&[feeds[0].clone(), ("osv/Debian", feeds[1].1.clone())]);
    let findings = find(&index, &debian("debian:12", "a", "1"));
    assert_eq!(ids(&findings), ["CVE-1-1"]);
    assert_eq!(findings[0].contradicted_by, ["osv/Debian CVE-1-1"]);
}

#[test]
fn a_denial_alone_finds_nothing_but_makes_the_release_judged() {
    let denial = for_rpm("CVE-1-1", "openssl-libs", None, |affected| {
        affected.fix_state = FixState::NotAffected;
    });
    let index = index(&[("f", vec![denial])]);
    let package = openssl_libs("amzn:2023");
    assert_eq!(find_vulnerabilities(&index, &package).unwrap(), PackageFindings::default());
    assert_eq!(gaps(&index, [&package]), []);
}

#[test]
fn a_feed_that_contradicts_itself_is_read_as_the_worse() {
    let denial = for_rpm("CVE-1-1", "openssl-libs", None, |a| a.fix_state = FixState::NotAffected);
    let claim = for_rpm("CVE-1-1", "openssl-libs", Some("1:3.1-1"), |_| {});
    let both = Advisory { affected: [denial.affected, claim.affected].concat(), ..claim };
    assert_eq!(ids(&find(&index(&[("f", vec![both])]), &openssl_libs("amzn:2023"))), ["CVE-1-1"]);
}

#[test]
fn a_binary_package_is_believed_before_its_source() {
    let denial = for_rpm("CVE-1-1", "openssl-libs", None, |a| {
        a.fix_state = FixState::NotAffected;
        a.naming = Naming::Binary;
    });
    let claim = for_rpm("CVE-1-1", "openssl", None, |a| a.naming = Naming::Source);
    let alone = index(&[("f", vec![claim.clone()])]);
    assert_eq!(ids(&find(&alone, &openssl_libs("amzn:2023"))), ["CVE-1-1"]);
    let both = Advisory { affected: [denial.affected, claim.affected].concat(), ..claim };
    assert_eq!(find(&index(&[("f", vec![both])]), &openssl_libs("amzn:2023")), []);
}

#[test]
fn a_fix_of_the_binary_package_stands_above_its_unfixed_source() {
    let fixed = for_rpm("CVE-1-1", "openssl-libs", Some("1:3.0-1"), |a| a.naming = Naming::Binary);
    let claim = for_rpm("CVE-1-1", "openssl", None, |a| a.naming = Naming::Source);
    let both = Advisory { affected: [fixed.affected, claim.affected].concat(), ..claim };
    assert_eq!(find(&index(&[("f", vec![both])]), &openssl_libs("amzn:2023")), []);
}

#[test]
fn statements_say_which_of_a_packages_names_they_mean() {
    let check = |naming: Naming, name: &str, expected: bool| {
        let advisory = for_rpm("X-1", name, None, |affected| affected.naming = naming);
        let found = find(&index(&[("f", vec![advisory])]), &openssl_libs("amzn:2023"));
        assert_eq!(!found.is_empty(), expected, "{naming:?} {name}");
    };
    check(Naming::Usual, "openssl-libs", true);
    check(Naming::Usual, "openssl", false);
    check(Naming::Binary, "openssl-libs", true);
    check(Naming::Binary, "openssl", false);
    check(Naming::Source, "openssl", true);
    check(Naming::Source, "openssl-libs", false);
}

#[test]
fn an_advisory_for_other_architectures_says_nothing() {
    let check = |architectures: &[&str], expected: bool| {
        let advisory = for_rpm("X-1", "openssl-libs", None, |affected| {
            affected.architectures = architectures.iter().map(|a| (*a).to_owned()).collect();
        });
        let found = find(&index(&[("f", vec![advisory])]), &openssl_libs("amzn:2023"));
        assert_eq!(!found.is_empty(), expected, "{architectures:?}");
    };
    check(&[], true);
    check(&["aarch64", "x86_64"], true);
    check(&["aarch64"], false);
}

#[test]
fn a_go_module_at_a_commit_that_a_record_names_is_affected() {
    let commit = "75b288015ac94e66e3d6715fb68a9b41bf046ec2";
    let mut record = advisory("GO-1", &[], "0", None);
    let name = "example.com/a".to_owned();
    let key = PackageKey { ecosystem: Ecosystem::Go, release: None, name };
    record.affected = vec![Affected { versions: vec![commit.to_owned()], ..Affected::new(key) }];
    let index = index(&[("osv/Go", vec![record])]);
    let at = |version: &str| find(&index, &package(Ecosystem::Go, "example.com/a", version));
    let found = at("v0.0.0-20200622213623-75b288015ac9");
    assert_eq!(found[0].matched, "= v0.0.0-20200622213623-75b288015ac9");
    assert_eq!(at("v0.0.0-20200622213623-0123456789ab"), []);
    assert_eq!(at("v1.0.0"), []);
}

#[test]
fn epochs_stand_above_versions() {
    let of = |ecosystem: Ecosystem, release: &str, fixed: &str, version: &str| {
        let mut record = advisory("CVE-2024-1", &[], "0", None);
        let release = DistributionRelease::from_stored(release);
        let key = PackageKey { ecosystem, release: Some(release.clone()), name: "a".to_owned() };
        let ranges =
            vec![vec![RangeEvent::Introduced("0".to_owned()), RangeEvent::Fixed(fixed.to_owned())]];
        record.affected = vec![Affected { ranges, ..Affected::new(key) }];
        let index = index(&[("f", vec![record])]);
        let package = package(ecosystem, "a", version).package;
        !find(&index, &PackageVersion { package, release: Some(release) }).is_empty()
    };
    for (ecosystem, release) in [(Ecosystem::Deb, "debian:12"), (Ecosystem::Rpm, "rocky:9")] {
        assert!(of(ecosystem, release, "1:2-1", "9-1"));
        assert!(!of(ecosystem, release, "2-1", "1:1-1"));
        assert!(!of(ecosystem, release, "0:2-1", "2-1"));
    }
}

#[test]
fn what_debian_says_of_an_unfixed_vulnerability_is_the_findings_state() {
    let states = [
        ("undetermined", FixState::Undetermined),
        ("will not fix", FixState::WillNotFix),
        ("end of life", FixState::EndOfLife),
        ("open", FixState::Open),
    ];
    for (what, state) in states {
        let mut record = for_debian(advisory("CVE-2024-1", &[], "0", None), "debian:12", "s");
        record.affected[0].fix_state = state;
        let found = find(&index(&[("debian", vec![record])]), &debian("debian:12", "s", "1-1"));
        assert_eq!((found.len(), found[0].fix_state), (1, state), "{what}");
        assert_eq!(found[0].fixed_version, None);
    }
    let mut denial = for_debian(advisory("CVE-2024-1", &[], "0", None), "debian:12", "s");
    denial.affected[0].fix_state = FixState::NotAffected;
    let claim = for_debian(advisory("CVE-2024-1", &[], "0", None), "debian:12", "s");
    let both = index(&[("debian", vec![denial]), ("osv/Debian", vec![claim])]);
    assert_eq!(find(&both, &debian("debian:12", "s", "1-1")), []);
}
