use proptest::prelude::*;
use tallyman_model::advisory::RangeEvent;
use tallyman_model::package::Ecosystem;

use super::{compare_bounds, locate, version_of};

fn introduced(version: &str) -> RangeEvent {
    RangeEvent::Introduced(version.to_owned())
}

fn fixed(version: &str) -> RangeEvent {
    RangeEvent::Fixed(version.to_owned())
}

fn last(version: &str) -> RangeEvent {
    RangeEvent::LastAffected(version.to_owned())
}

fn limit(version: &str) -> RangeEvent {
    RangeEvent::Limit(version.to_owned())
}

fn describe(version: &str, events: &[RangeEvent]) -> Option<String> {
    locate(Ecosystem::Cargo, version, events).unwrap().map(|interval| interval.describe())
}

#[test]
fn an_interval_includes_its_start_and_excludes_its_fix() {
    let events = [introduced("1.2.0"), fixed("1.4.0")];
    assert_eq!(describe("1.1.9", &events), None);
    assert_eq!(describe("1.2.0", &events).unwrap(), ">= 1.2.0, < 1.4.0");
    assert_eq!(describe("1.4.0-rc.1", &events).unwrap(), ">= 1.2.0, < 1.4.0");
    assert_eq!(describe("1.4.0", &events), None);
}

#[test]
fn the_last_affected_version_is_affected() {
    let events = [introduced("0"), last("1.4.0")];
    assert_eq!(describe("0.0.0-0", &events).unwrap(), "<= 1.4.0");
    assert_eq!(describe("1.4.0", &events).unwrap(), "<= 1.4.0");
    assert_eq!(describe("1.4.1-0", &events), None);
}

#[test]
fn an_open_range_has_no_end() {
    assert_eq!(describe("99.0.0", &[introduced("0")]).unwrap(), "all versions");
    assert_eq!(describe("99.0.0", &[introduced("2.0.0")]).unwrap(), ">= 2.0.0");
    assert_eq!(describe("99.0.0", &[fixed("2.0.0")]), None);
    assert_eq!(describe("1.0.0", &[]), None);
}

#[test]
fn events_may_stand_in_any_order() {
    let events = [fixed("2.0.1"), introduced("2.0.0"), fixed("1.0.1"), introduced("0")];
    assert_eq!(describe("1.0.0", &events).unwrap(), "< 1.0.1");
    assert_eq!(describe("1.5.0", &events), None);
    assert_eq!(describe("2.0.0", &events).unwrap(), ">= 2.0.0, < 2.0.1");
}

#[test]
fn nothing_is_said_from_the_limit_on() {
    let events = [introduced("1.0.0"), limit("2.0.0")];
    assert_eq!(describe("1.9.9", &events).unwrap(), ">= 1.0.0, < 2.0.0");
    assert_eq!(describe("2.0.0", &events), None);
    assert_eq!(describe("3.0.0", &[introduced("1.0.0"), limit("*")]).unwrap(), ">= 1.0.0");
    assert_eq!(
        describe("2.5.0", &[introduced("1.0.0"), limit("2.0.0"), limit("3.0.0")]).unwrap(),
        ">= 1.0.0"
    );
}

#[test]
fn a_version_without_a_place_in_the_order_is_an_error() {
    assert!(locate(Ecosystem::Cargo, "latest", &[introduced("1.0.0")]).is_err());
    assert!(locate(Ecosystem::Cargo, "1.0.0", &[introduced("latest")]).is_err());
}

/// The schema's algorithm word for word: sort the events, play them.
fn play(ecosystem: Ecosystem, version: &str, events: &[RangeEvent]) -> bool {
    let compare = |a: &str, b: &str| compare_bounds(ecosystem, a, b).unwrap();
    let limits: Vec<&str> = events
        .iter()
        .filter(|event| matches!(event, RangeEvent::Limit(_)))
        .map(version_of)
        .collect();
    let is_before_limits =
        limits.is_empty() || limits.iter().any(|l| *l == "*" || compare(version, l).is_lt());
    let mut sorted = events.to_vec();
    sorted.sort_by(|a, b| compare(version_of(a), version_of(b)));
    let mut is_vulnerable = false;
    for event in &sorted {
        match event {
            RangeEvent::Introduced(at) if compare(version, at).is_ge() => is_vulnerable = true,
            RangeEvent::Fixed(at) if compare(version, at).is_ge() => is_vulnerable = false,
            RangeEvent::LastAffected(at) if compare(version, at).is_gt() => is_vulnerable = false,
            _ => {}
        }
    }
    is_before_limits && is_vulnerable
}

fn any_version() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just("0".to_owned()),
        9 => (0..4_u8, 0..3_u8, prop::option::of("(a|rc)[0-2]")).prop_map(|(a, b, pre)| {
            format!("{a}.{b}.0{}", pre.map(|p| format!("-{p}")).unwrap_or_default())
        }),
    ]
}

fn any_event() -> impl Strategy<Value = RangeEvent> {
    (0..10_u8, any_version()).prop_map(|(kind, version)| match kind {
        0..4 => RangeEvent::Introduced(version),
        4..7 => RangeEvent::Fixed(version),
        7..9 => RangeEvent::LastAffected(version),
        _ => RangeEvent::Limit(version),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_evaluation_is_that_of_the_schema(
        events in prop::collection::vec(any_event(), 0..8),
        version in any_version().prop_filter("a real version", |v| v != "0"),
    ) {
        for ecosystem in [Ecosystem::Cargo, Ecosystem::Go, Ecosystem::Deb] {
            let found = locate(ecosystem, &version, &events).unwrap();
            prop_assert_eq!(found.is_some(), play(ecosystem, &version, &events));
        }
    }

    #[test]
    fn the_end_of_an_interval_is_above_the_version(
        events in prop::collection::vec(any_event(), 1..8),
        version in any_version().prop_filter("a real version", |v| v != "0"),
    ) {
        if let Some(interval) = locate(Ecosystem::Cargo, &version, &events).unwrap() {
            let order = |a: &str, b: &str| compare_bounds(Ecosystem::Cargo, a, b).unwrap();
            prop_assert!(order(interval.introduced, &version).is_le());
            if let Some(end) = interval.end {
                prop_assert!(order(version_of(end), &version).is_ge());
            }
        }
    }
}
