use proptest::prelude::*;

use super::*;
use crate::limits::setting::{InvalidSetting, LimitSetting, parse_list};

/// The table of `docs/limits.md`.
fn documented() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md");
    let page = std::fs::read_to_string(path).expect("the page");
    page.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
}

fn set(text: &str) -> Result<Limits, InvalidSetting> {
    let mut limits = Limits::default();
    for setting in parse_list(text)? {
        setting.apply(&mut limits);
    }
    Ok(limits)
}

fn message(text: &str) -> String {
    text.parse::<LimitSetting>().expect_err(text).to_string()
}

#[test]
fn the_page_on_limits_lists_all_of_them_with_their_defaults() {
    let defaults = Limits::default();
    let rows: Vec<String> = LIMITS
        .iter()
        .map(|limit| {
            let shown = limit.show(limit.get(&defaults));
            format!("| `{}` | {shown} | {} |", limit.name(), limit.meaning())
        })
        .collect();
    assert_eq!(documented(), rows);
}

#[test]
fn names_are_those_of_the_serialized_form() {
    let value = serde_json::to_value(Limits::default()).expect("numbers");
    let mut known: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
    let mut listed: Vec<String> = LIMITS.iter().map(Limit::name).collect();
    known.sort();
    listed.sort();
    assert_eq!(listed, known);
}

#[test]
fn each_limit_can_be_set_by_its_name() {
    for limit in LIMITS {
        let changed = set(&format!("{}=7", limit.name())).expect("a number");
        let differing: Vec<String> = LIMITS
            .iter()
            .filter(|other| other.get(&changed) != other.get(&Limits::default()))
            .map(Limit::name)
            .collect();
        assert_eq!(differing, [limit.name()]);
        assert_eq!(limit.get(&changed), 7);
    }
}

#[test]
fn sizes_and_times_have_units() {
    let limits = set("layer-bytes=3GiB, path-bytes=2 KiB,held-bytes=5MiB,,image-time=90m").unwrap();
    let found = (limits.layer_bytes, limits.path_bytes, limits.held_bytes, limits.image_time);
    assert_eq!(found, (3 << 30, 2048, 5 << 20, 5400));
    assert_eq!(set("image-time=10s").unwrap().image_time, 10);
    assert_eq!(set("image-bytes=1TiB").unwrap().image_bytes, 1 << 40);
}

#[test]
fn what_sets_no_limit_is_refused_with_what_would() {
    assert_eq!(message("layers"), "`layers` is not of the form NAME=VALUE");
    for value in ["", "x", "-1", "+1", "1.5GiB", "1GB", "99999999999999999999", "20000000TiB"] {
        let expected = "a number of bytes, or of KiB, MiB, GiB or TiB, such as 64MiB";
        let told = message(&format!("layer-bytes={value}"));
        assert_eq!(told, format!("`{value}` is no value for layer-bytes: {expected}"));
    }
    let told = message("layers=3MiB");
    assert_eq!(told, "`3MiB` is no value for layers: a number, such as 1000");
    let told = message("archive-depth=5000000000");
    assert_eq!(told, "`5000000000` is no value for archive-depth: a number, such as 1000");
}

#[test]
fn an_unknown_name_is_answered_with_the_one_that_was_meant_or_with_all() {
    for (given, meant) in [
        ("layer_bytes", "layer-bytes"),
        ("Layer-Byte", "layer-bytes"),
        ("bytes-layer", "layer-bytes"),
        ("layers-entries", "layer-entries"),
        ("depth", "archive-depth"),
        ("layer", "layers"),
    ] {
        let told = message(&format!("{given}=1"));
        assert_eq!(told, format!("there is no limit `{given}`; did you mean `{meant}`?"));
    }
    let told = message("memory=1");
    assert!(told.starts_with("there is no limit `memory`; the limits are manifest-bytes, config-"));
    assert!(LIMITS.iter().all(|limit| told.contains(&limit.name())), "{told}");
}

#[test]
fn who_is_over_a_limit_hears_how_it_is_raised() {
    let over = |limit, value| Over { limit, value }.to_string();
    assert_eq!(
        over("layer-bytes", 32 << 30),
        "over the limit layer-bytes of 32 GiB (to raise it: --limit layer-bytes=…)"
    );
    assert_eq!(
        over("path-bytes", 1025),
        "over the limit path-bytes of 1025 bytes (to raise it: --limit path-bytes=…)"
    );
    assert_eq!(
        over("image-time", 0),
        "over the limit image-time of 0 (to raise it: --limit image-time=…)"
    );
    assert_eq!(over("index depth", 4), "over the limit `index depth` of 4");
}

proptest! {
    #[test]
    fn any_text_is_a_setting_or_an_error(text in ".{0,40}", value in any::<u64>()) {
        let _ = text.parse::<LimitSetting>();
        let _ = format!("layer-bytes={text}").parse::<LimitSetting>();
        let limits = set(&format!("layer-bytes={value}")).expect("a number");
        prop_assert_eq!(limits.layer_bytes, value);
    }
}
