use std::io::Write;

use flate2::write::ZlibEncoder;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use super::{ANALYZER, parse};
use crate::analyzers::{Analysis, read_whole};
use crate::testing::{elf_with_section, read_in_pieces};

const LIST: &str = r#"{"packages":[{"name":"app","version":"0.1.0","source":"local","dependencies":[1,2],"root":true},
    {"name":"serde","version":"1.0.200","source":"crates.io"},
    {"name":"private","version":"2.0.0","source":"registry","kind":"runtime"},
    {"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
    {"name":"fork","version":"3.0.0","source":"git"}]}"#;

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

fn analyze(program: &[u8], limits: &Limits) -> Analysis {
    let report = read_whole(&ANALYZER, "bin/app", program, limits);
    for size in [1, 100, 5000] {
        assert_eq!(read_in_pieces(&ANALYZER, program, limits, size), report, "{size}");
    }
    match report.faults.into_iter().next() {
        Some(fault) => Err(fault),
        None => Ok(report.evidence),
    }
}

fn names(evidence: &[Evidence]) -> Vec<String> {
    match evidence {
        [Evidence::Packages(packages)] => {
            packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect()
        }
        other => panic!("no packages: {other:?}"),
    }
}

#[test]
fn the_program_and_crates_of_registries_that_are_in_it_are_found() {
    for before in [0, 3, 600, 10_000] {
        let data = [vec![b'x'; before], zlib(LIST.as_bytes()), vec![b'x'; before]].concat();
        let program = elf_with_section(".dep-v0", &data);
        let found = analyze(&program, &Limits::default()).expect("no fault");
        assert_eq!(names(&found), ["app 0.1.0", "private 2.0.0", "serde 1.0.200"]);
    }
}

#[test]
fn other_programs_have_no_evidence() {
    let program = elf_with_section(".data", b"nothing");
    assert_eq!(analyze(&program, &Limits::default()), Ok(Vec::new()));
    assert_eq!(analyze(b"\x7fELF", &Limits::default()), Ok(Vec::new()));
    assert_eq!(analyze(b"MZ and text", &Limits::default()), Ok(Vec::new()));
}

#[test]
fn what_begins_like_a_list_behind_the_list_changes_nothing() {
    let behind = [vec![b'x'; 300], zlib(b"{\"packages\":[]]")].concat();
    let data = [vec![b'x'; 600], zlib(LIST.as_bytes()), behind].concat();
    let found = analyze(&elf_with_section(".dep-v0", &data), &Limits::default());
    assert_eq!(names(&found.expect("no fault")), ["app 0.1.0", "private 2.0.0", "serde 1.0.200"]);
}

#[test]
fn broken_and_huge_lists_are_faults() {
    let limits = Limits { metadata_bytes: 100_000, ..Limits::default() };
    let bomb = zlib(format!("{{\"packages\":[{}", " ".repeat(10_000_000)).as_bytes());
    let list = zlib(LIST.as_bytes());
    let mut damaged = list.clone();
    damaged[120] ^= 0xff;
    let half = &list[..list.len() - 30];
    for section in [&zlib(b"{\"packages\":[]]")[..], &damaged, half, &bomb] {
        let program = [&b"\x7fELF"[..], section].concat();
        assert!(analyze(&program, &limits).is_err());
    }
    assert!(parse(br#"{"packages":[{"name":"a b","version":"1","source":"registry"}]}"#).is_err());
}
