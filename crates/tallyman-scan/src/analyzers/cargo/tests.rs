use std::io::Write;

use flate2::write::ZlibEncoder;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use super::{analyze, parse};
use crate::testing::elf_with_section;

const LIST: &str = r#"{"packages":[
    {"name":"app","version":"0.1.0","source":"local","dependencies":[1,2],"root":true},
    {"name":"serde","version":"1.0.200","source":"crates.io"},
    {"name":"private","version":"2.0.0","source":"registry","kind":"runtime"},
    {"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
    {"name":"fork","version":"3.0.0","source":"git"}]}"#;

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
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
fn crates_of_registries_that_are_in_the_program_are_found() {
    let program = elf_with_section(".dep-v0", &zlib(LIST.as_bytes()));
    let found = analyze("bin/app", &program, &Limits::default()).expect("no fault");
    assert_eq!(names(&found), ["private 2.0.0", "serde 1.0.200"]);
}

#[test]
fn other_programs_have_no_evidence() {
    let program = elf_with_section(".data", b"nothing");
    assert_eq!(analyze("bin/app", &program, &Limits::default()), Ok(Vec::new()));
    assert_eq!(analyze("bin/app", b"\x7fELF", &Limits::default()), Ok(Vec::new()));
    assert_eq!(analyze("bin/app", b"MZ and text", &Limits::default()), Ok(Vec::new()));
}

#[test]
fn broken_and_huge_lists_are_faults() {
    let limits = Limits { metadata_bytes: 100_000, ..Limits::default() };
    let bomb = zlib(&vec![b' '; 10_000_000]);
    for section in [&b"no zlib"[..], &zlib(b"no json"), &zlib(b"{}"), &bomb] {
        let program = elf_with_section(".dep-v0", section);
        assert!(analyze("bin/app", &program, &limits).is_err());
    }
    assert!(parse(r#"{"packages":[{"name":"a b","version":"1","source":"registry"}]}"#).is_err());
}
