//! What fuzzing begins with and what it has found, shown to the parsers again (docs/fuzzing.md).

use std::fs;
use std::path::{Path, PathBuf};

use tallyman_model::limits::Limits;
use tallyman_scan::analyzers;

#[expect(unreachable_pub, reason = "it is a crate of its own where a fuzzer runs it")]
#[path = "../../../../fuzz/src/lib.rs"]
mod fuzz;

/// How often each seed is damaged.
const DAMAGES: u64 = 40;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

#[test]
fn what_fuzzing_has_found_breaks_no_parser_again() {
    let targets = fuzz::all();
    for directory in fs::read_dir(corpus()).expect("the corpus") {
        let directory = directory.expect("the corpus").path();
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let target = targets.iter().find(|target| target.name == name);
        let target = target.unwrap_or_else(|| panic!("{name} is the corpus of no target"));
        for input in fs::read_dir(&directory).expect("a directory for each target") {
            let path = input.expect("a directory for each target").path();
            target.show(&fs::read(&path).expect("an input"));
        }
    }
}

#[test]
fn no_target_breaks_on_its_seeds_nor_on_damaged_ones() {
    for target in fuzz::all() {
        let seeds = fuzz::seeds::of(&target.name);
        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        for seed in seeds {
            target.show(&seed);
            (1..=DAMAGES).for_each(|number| target.show(&damaged(&seed, number)));
        }
    }
}

#[test]
fn every_analyzer_finds_something_in_a_seed() {
    let limits = Limits::default();
    // Neither of them ever says more than that there is nothing wrong.
    let silent = ["eicar", "rpm-journal"];
    for (id, _) in analyzers::list().filter(|(id, _)| !silent.contains(id)) {
        let seeds = fuzz::seeds::of(&format!("analyzer-{id}"));
        let finds = seeds.iter().any(|seed| {
            let end = seed.iter().position(|byte| *byte == b'\n').expect("a path");
            let path = String::from_utf8_lossy(&seed[..end]);
            let found = analyzers::analyze_content(id, &path, &seed[end + 1..], &limits);
            matches!(found, Some(Ok(evidence)) if !evidence.is_empty())
        });
        assert!(finds, "{id} finds nothing in its seeds");
    }
}

#[test]
fn every_format_with_a_target_finds_something_in_a_seed() {
    for format in ["csaf", "oval", "updateinfo", "kev", "epss", "cve"] {
        let seeds = fuzz::seeds::of(&format!("feed-{format}"));
        let records =
            |seed: &Vec<u8>| tallyman_match::fuzzing::document(format, seed, &Limits::default());
        assert!(seeds.iter().all(|seed| records(seed) > 0), "{format} finds nothing");
    }
}

/// Changes a few bytes, and cuts every fourth time: the same ones for the same number.
fn damaged(seed: &[u8], number: u64) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = |below: usize| {
        // Marsaglia, "Xorshift RNGs", section 3.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap_or(0)
    };
    for _ in 0..=number % 4 {
        let at = next(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = [0, 0xff, b'9', b'"', b'\n', *byte ^ 1, *byte ^ 0x80][next(7)];
        }
    }
    if number.is_multiple_of(4) {
        bytes.truncate(next(bytes.len()));
    }
    bytes
}
