use tallyman_model::advisory::FixState;
use tallyman_model::finding::Finding;
use tallyman_model::finding_state::FindingState;
use tallyman_model::ignore::IgnoreRule;
use tallyman_model::package::Ecosystem;
use tallyman_model::severity::Severity;
use tallyman_model::vex::{
    ProductName, VexDocument, VexFormat, VexProduct, VexStatement, VexStatus,
};

use super::{ImageView, Judgement, PackageView, Place, Suppressions};

fn finding() -> Finding {
    Finding {
        id: "CVE-2026-1".to_owned(),
        aliases: vec!["GHSA-1".to_owned()],
        advisory: "PYSEC-1".to_owned(),
        feed: "osv/PyPI".to_owned(),
        severity: Severity::High,
        score: None,
        vector: None,
        fixed_version: None,
        matched: "all versions".to_owned(),
        fix_state: FixState::Open,
        published_ms: None,
        contradicted_by: Vec::new(),
    }
}

fn statement(status: VexStatus, updated_ms: i64, product: &str) -> VexDocument {
    let names = vec![ProductName::purl(product)];
    VexDocument {
        id: format!("document of {updated_ms}"),
        format: VexFormat::OpenVex,
        author: "Ada".to_owned(),
        updated_ms: None,
        statements: vec![VexStatement {
            vulnerabilities: vec!["GHSA-1".to_owned()],
            products: vec![VexProduct { names, components: Vec::new() }],
            status,
            justification: None,
            impact: None,
            updated_ms: Some(updated_ms),
        }],
        left_out: Vec::new(),
    }
}

fn rule() -> IgnoreRule {
    IgnoreRule {
        id: "one".to_owned(),
        reason: "a test".to_owned(),
        author: "Ada".to_owned(),
        ..IgnoreRule::default()
    }
}

fn judge(documents: &[VexDocument], rules: &[IgnoreRule], now_ms: i64) -> Judgement {
    let image = ImageView { names: vec!["app:1".to_owned()], ..ImageView::default() };
    let purl = "pkg:pypi/urllib3@1.24";
    let named = ("urllib3", "1.24");
    let package = PackageView::new(Ecosystem::PyPi, named, None, "usr/lib/METADATA", purl);
    let packages = [package.clone()];
    let server = "11111111-1111-1111-1111-111111111111".parse().ok();
    let place = Place { image: &image, packages: &packages, server: server.as_ref(), now_ms };
    Suppressions::new(documents, rules).judge(place, &package, &finding())
}

#[test]
fn of_several_statements_the_newest_that_holds_decides() {
    let urllib3 = "pkg:pypi/urllib3";
    let old = statement(VexStatus::NotAffected, 1, urllib3);
    let new = statement(VexStatus::Affected, 2, urllib3);
    let of_other = statement(VexStatus::Fixed, 3, "pkg:pypi/other");
    let state = |documents: &[VexDocument]| judge(documents, &[], 0).state;
    assert_eq!(state(&[]), FindingState::Open);
    assert_eq!(state(&[old.clone(), of_other.clone()]), FindingState::NotAffected);
    for order in [[old.clone(), new.clone(), of_other.clone()], [of_other, new, old.clone()]] {
        let judged = judge(&order, &[], 0);
        assert_eq!(judged.state, FindingState::Open);
        let vex = judged.vex.expect("the newest statement");
        assert_eq!((vex.status, &*vex.document), (VexStatus::Affected, "document of 2"));
    }
    let same_date = statement(VexStatus::UnderInvestigation, 1, urllib3);
    assert_eq!(state(&[same_date.clone(), old.clone()]), FindingState::Open);
    assert_eq!(state(&[old, same_date]), FindingState::Open);
}

#[test]
fn a_rule_holds_where_all_its_conditions_do() {
    let some = |text: &str| Some(text.to_owned());
    let server = |digit: &str| {
        let parts = [8, 4, 4, 4, 12].map(|length| digit.repeat(length));
        parts.join("-").parse().ok()
    };
    for (rule, expected) in [
        (IgnoreRule { vulnerabilities: vec!["cve-2026-1".to_owned()], ..rule() }, true),
        (IgnoreRule { vulnerabilities: vec!["PYSEC-1".to_owned()], ..rule() }, true),
        (IgnoreRule { vulnerabilities: vec!["CVE-2026-2".to_owned()], ..rule() }, false),
        (IgnoreRule { package: some("url*"), ..rule() }, true),
        (IgnoreRule { package: some("Urllib3"), ..rule() }, true),
        (IgnoreRule { package: some("pkg:pypi/urllib3@1.24"), ..rule() }, true),
        (IgnoreRule { package: some("pkg:pypi/urllib3@1.25"), ..rule() }, false),
        (IgnoreRule { package: some("pkg:nonsense"), ..rule() }, false),
        (IgnoreRule { path: some("/usr/**"), ..rule() }, true),
        (IgnoreRule { path: some("/opt/**"), ..rule() }, false),
        (IgnoreRule { image: some("app"), ..rule() }, true),
        (IgnoreRule { image: some("app:2"), ..rule() }, false),
        (IgnoreRule { server: server("1"), ..rule() }, true),
        (IgnoreRule { server: server("2"), ..rule() }, false),
        (IgnoreRule { package: some("urllib3"), path: some("/opt/**"), ..rule() }, false),
    ] {
        let judged = judge(&[], std::slice::from_ref(&rule), 0);
        let state = if expected { FindingState::Ignored } else { FindingState::Open };
        assert_eq!(judged.state, state, "{rule:?}");
        assert_eq!(judged.ignored_by.is_some(), expected);
    }
}

#[test]
fn an_expired_rule_is_named_and_does_not_hold() {
    let rule = IgnoreRule { package: Some("*".to_owned()), expires_ms: Some(1_000), ..rule() };
    let before = judge(&[], std::slice::from_ref(&rule), 999);
    assert_eq!((before.state, before.expired.len()), (FindingState::Ignored, 0));
    let after = judge(&[], &[rule], 1_000);
    assert_eq!((after.state, after.expired.len()), (FindingState::Open, 1));
}

#[test]
fn a_newer_word_decides_in_either_direction_and_names_are_of_any_case() {
    let urllib3 = "pkg:pypi/urllib3";
    let old = statement(VexStatus::Affected, 1, urllib3);
    let mut new = statement(VexStatus::NotAffected, 2, urllib3);
    new.statements[0].vulnerabilities = vec!["ghsa-1".to_owned()];
    assert_eq!(judge(&[new.clone(), old.clone()], &[], 0).state, FindingState::NotAffected);
    assert_eq!(judge(&[old, new], &[], 0).vex.expect("a statement").document, "document of 2");
}

#[test]
fn of_several_rules_the_first_is_named() {
    let any = |id: &str| {
        let package = Some("*".to_owned());
        IgnoreRule { id: id.to_owned(), package, ..rule() }
    };
    let judged = judge(&[], &[any("first"), any("second")], 0);
    assert_eq!(judged.ignored_by.expect("a rule").id, "first");
}

#[test]
fn components_are_meant_within_their_product_only() {
    let of = |product: ProductName, component: &str| {
        let mut document = statement(VexStatus::NotAffected, 1, "pkg:pypi/urllib3");
        document.statements[0].products[0].names = vec![product];
        document.statements[0].products[0].components = vec![vec![ProductName::purl(component)]];
        judge(&[document], &[], 0).state
    };
    let image = |name: &str| ProductName::Image(name.to_owned());
    assert_eq!(of(image("app:1"), "pkg:pypi/urllib3"), FindingState::NotAffected);
    assert_eq!(of(image("app:1"), "pkg:pypi/other"), FindingState::Open);
    assert_eq!(of(image("app:2"), "pkg:pypi/urllib3"), FindingState::Open);
}

#[test]
fn it_is_known_of_what_rules_and_statements_speak() {
    let speaks = |documents: &[VexDocument], vulnerabilities: &[&str]| {
        let vulnerabilities = vulnerabilities.iter().map(|name| (*name).to_owned()).collect();
        let rules = [IgnoreRule { vulnerabilities, ..rule() }];
        Suppressions::new(documents, &rules).may_speak_of(&finding())
    };
    assert!(speaks(&[], &["pysec-1"]));
    assert!(speaks(&[], &[]), "a rule that names none is about all");
    assert!(!speaks(&[], &["CVE-2026-2"]));
    assert!(speaks(&[statement(VexStatus::Fixed, 1, "pkg:pypi/a")], &["CVE-2026-2"]));
}
