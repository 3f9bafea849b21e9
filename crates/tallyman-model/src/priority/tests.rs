//! The table of classes, the order within them, and that worse inputs never lower a priority.

use proptest::prelude::{Strategy, any, prop, prop_assert, proptest};

use super::{Priority, PriorityClass, PriorityInput, Remedy, Threat};
use crate::advisory::FixState;
use crate::severity::Severity;
use crate::vulnerability::{Exploitation, Fraction, KnownExploited};

/// Inputs that own what they hold.
#[derive(Clone, Debug)]
struct Owned {
    severity: Severity,
    score: Option<f64>,
    remedy: Remedy,
    epss: Option<u32>,
    kev: Option<KnownExploited>,
    exploitation: Option<Exploitation>,
}

impl Owned {
    fn priority(&self) -> Priority {
        Priority::decide(&PriorityInput {
            severity: self.severity,
            score: self.score,
            remedy: self.remedy,
            epss: self.epss.and_then(Fraction::from_steps),
            kev: self.kev.as_ref(),
            exploitation: self.exploitation,
        })
    }
}

fn plain(severity: Severity, epss: u32) -> Owned {
    Owned {
        severity,
        score: None,
        remedy: Remedy::Available,
        epss: Some(epss),
        kev: None,
        exploitation: None,
    }
}

fn catalogued(ransomware: bool) -> KnownExploited {
    KnownExploited { added: "2024-01-01".to_owned(), due: None, ransomware }
}

/// The classes from critical down to negligible, and of what nobody has rated.
fn row(change: impl Fn(Owned) -> Owned) -> String {
    let severities = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Negligible,
        Severity::Unknown,
    ];
    let classes = severities.map(|severity| change(plain(severity, 0)).priority().class().name());
    classes.join(" ")
}

#[test]
fn threat_and_severity_give_the_class() {
    let exploited = "asap asap asap asap later asap";
    assert_eq!(row(|it| Owned { kev: Some(catalogued(true)), ..it }), exploited);
    assert_eq!(row(|it| Owned { kev: Some(catalogued(false)), ..it }), exploited);
    assert_eq!(row(|it| Owned { exploitation: Some(Exploitation::Active), ..it }), exploited);
    let likely = "asap asap later later nntf later";
    assert_eq!(row(|it| Owned { epss: Some(10_000), ..it }), likely);
    let possible = "asap later later nntf nntf later";
    assert_eq!(row(|it| Owned { exploitation: Some(Exploitation::Poc), ..it }), possible);
    assert_eq!(row(|it| Owned { epss: Some(9_999), ..it }), possible);
    assert_eq!(row(|it| Owned { epss: Some(1_000), ..it }), possible);
    assert_eq!(row(|it| Owned { epss: None, ..it }), possible);
    let unlikely = "later later nntf nntf nntf nntf";
    assert_eq!(row(|it| Owned { epss: Some(999), ..it }), unlikely);
    assert_eq!(row(|it| Owned { exploitation: Some(Exploitation::None), ..it }), unlikely);
}

#[test]
fn what_will_not_be_fixed_is_a_class_lower_unless_exploitation_is_likely() {
    let refused = |it: Owned| Owned { remedy: Remedy::Refused, ..it };
    assert_eq!(row(|it| refused(Owned { epss: None, ..it })), "later nntf nntf nntf nntf nntf");
    assert_eq!(row(refused), "nntf nntf nntf nntf nntf nntf");
    let likely = "asap asap later later nntf later";
    assert_eq!(row(|it| refused(Owned { epss: Some(10_000), ..it })), likely);
    assert_eq!(row(|it| Owned { remedy: Remedy::None, epss: Some(10_000), ..it }), likely);
}

#[test]
fn within_a_class_threat_goes_before_remedy_before_severity_before_epss_before_score() {
    let base = Owned { epss: Some(2_000), ..plain(Severity::High, 0) };
    let falling = [
        Owned { kev: Some(catalogued(true)), remedy: Remedy::None, ..plain(Severity::Low, 0) },
        Owned { kev: Some(catalogued(false)), ..plain(Severity::Critical, 0) },
        Owned { exploitation: Some(Exploitation::Active), ..plain(Severity::Critical, 99_999) },
        Owned { epss: Some(10_000), ..base.clone() },
        Owned { epss: None, severity: Severity::Critical, ..base.clone() },
        // From here on: later.
        Owned { epss: Some(99_000), severity: Severity::Medium, ..base.clone() },
        Owned { exploitation: Some(Exploitation::Poc), severity: Severity::Medium, ..base.clone() },
        Owned { score: Some(8.9), ..base.clone() },
        Owned { score: Some(7.0), ..base.clone() },
        base.clone(),
        Owned { epss: Some(1_999), score: Some(8.9), ..base.clone() },
        Owned { severity: Severity::Medium, epss: Some(9_000), ..base.clone() },
        Owned { remedy: Remedy::None, ..base.clone() },
        Owned { epss: Some(0), severity: Severity::Critical, ..base },
    ];
    for pair in falling.windows(2) {
        assert!(pair[0].priority() > pair[1].priority(), "{pair:#?}");
    }
    let classes: Vec<&str> = falling.iter().map(|it| it.priority().class().name()).collect();
    assert_eq!(classes.iter().filter(|class| **class == "asap").count(), 5);
    assert!(classes[5..].iter().all(|class| *class == "later"), "{classes:?}");
}

#[test]
fn a_fix_and_a_refusal_are_told_by_the_finding() {
    assert_eq!(Remedy::decide(Some("2"), FixState::WillNotFix), Remedy::Available);
    assert_eq!(Remedy::decide(None, FixState::WillNotFix), Remedy::Refused);
    for state in [FixState::Open, FixState::EndOfLife, FixState::Undetermined] {
        assert_eq!(Remedy::decide(None, state), Remedy::None);
    }
}

#[test]
fn only_the_names_of_classes_are_classes() {
    for class in PriorityClass::ALL {
        assert_eq!(class.name().parse(), Ok(class));
        assert_eq!(serde_json::to_value(class).unwrap(), class.name());
    }
    assert!("soon".parse::<PriorityClass>().is_err());
}

#[test]
fn a_priority_is_written_with_its_reasons() {
    let found = Owned { kev: Some(catalogued(true)), ..plain(Severity::High, 0) };
    let written = serde_json::to_value(found.priority()).unwrap();
    let expected = serde_json::json!(
        {"class": "asap", "threat": "ransomware", "remedy": "available"}
    );
    assert_eq!(written, expected);
    assert_eq!(found.priority().threat(), Threat::Ransomware);
}

fn owned() -> impl Strategy<Value = Owned> {
    let severity = prop::sample::select(Severity::ALL.to_vec());
    let score = prop::option::of(0.0_f64..=10.0);
    let remedy = prop::sample::select(vec![Remedy::Refused, Remedy::None, Remedy::Available]);
    // Half of them near the bounds.
    let steps = proptest::prop_oneof![0..=Fraction::STEPS, 990_u32..1_010, 9_990_u32..10_010];
    let kev = prop::option::of(any::<bool>().prop_map(catalogued));
    let exploitation = prop::option::of(prop::sample::select(vec![
        Exploitation::None,
        Exploitation::Poc,
        Exploitation::Active,
    ]));
    (severity, score, remedy, prop::option::of(steps), kev, exploitation).prop_map(
        |(severity, score, remedy, epss, kev, exploitation)| Owned {
            severity,
            score,
            remedy,
            epss,
            kev,
            exploitation,
        },
    )
}

/// Of two inputs the worse of each kind. What is not known counts as what it stands for: severity
/// as medium, EPSS as 1 %.
fn worst(a: &Owned, b: &Owned) -> Owned {
    let rank = |it: Severity| if it == Severity::Unknown { Severity::Medium } else { it };
    let steps = |it: Option<u32>| it.unwrap_or(1_000);
    let kev = |it: &Option<KnownExploited>| it.as_ref().map(|kev| kev.ransomware);
    Owned {
        severity: if rank(a.severity) >= rank(b.severity) { a.severity } else { b.severity },
        score: if a.score >= b.score { a.score } else { b.score },
        remedy: a.remedy.max(b.remedy),
        epss: if steps(a.epss) >= steps(b.epss) { a.epss } else { b.epss },
        kev: if kev(&a.kev) >= kev(&b.kev) { a.kev.clone() } else { b.kev.clone() },
        exploitation: a.exploitation.max(b.exploitation),
    }
}

proptest! {
    #[test]
    fn a_worse_input_never_lowers_the_priority(a in owned(), b in owned()) {
        let both = worst(&a, &b);
        prop_assert!(both.priority() >= a.priority(), "{a:?} {both:?}");
        prop_assert!(both.priority() >= b.priority(), "{b:?} {both:?}");
    }

    #[test]
    fn one_worse_input_never_lowers_the_class(a in owned(), b in owned(), which in 0..6) {
        let all = worst(&a, &b);
        let one = match which {
            0 => Owned { severity: all.severity, ..a.clone() },
            1 => Owned { score: all.score, ..a.clone() },
            2 => Owned { remedy: all.remedy, ..a.clone() },
            3 => Owned { epss: all.epss, ..a.clone() },
            4 => Owned { kev: all.kev, ..a.clone() },
            _ => Owned { exploitation: all.exploitation, ..a.clone() },
        };
        prop_assert!(one.priority() >= a.priority(), "{a:?} {one:?}");
        prop_assert!(one.priority().class() >= a.priority().class(), "{a:?} {one:?}");
    }

    #[test]
    fn what_is_exploited_goes_before_all_that_is_not(a in owned(), b in owned()) {
        let rated = Owned { severity: Severity::Low, kev: Some(catalogued(false)), ..a };
        let other = Owned { kev: None, exploitation: Some(Exploitation::Poc), ..b };
        prop_assert!(rated.priority() > other.priority(), "{rated:?} {other:?}");
    }
}
