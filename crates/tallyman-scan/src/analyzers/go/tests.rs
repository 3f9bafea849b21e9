use std::fs;
use std::process::Command;

use proptest::prelude::{any, prop, proptest};
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use super::pointers::{END_MARK, START_MARK};
use super::{ANALYZER, HEADER_BYTES, MAGIC, packages};
use crate::analyzers::{Fault, read_whole};
use crate::testing::{ELF_ADDRESS, elf_with_section, read_in_pieces};

const MODULES: &str = "path\texample.com/app\nmod\texample.com/app\tv1.2.0\th1:x=\n\
    dep\tgolang.org/x/net\tv0.7.0\th1:x=\ndep\tgithub.com/old/name\tv1.0.0\n\
    =>\tgithub.com/new/name\tv1.0.1\th1:x=\ndep\texample.com/local\tv0.0.0\n=>\t./local\t\n\
    build\t-compiler=gc\n";

fn marked(modules: &str) -> Vec<u8> {
    [START_MARK, modules.as_bytes(), END_MARK].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}

/// The layout since Go 1.18.
fn inline_info(version: &str, modules: &str) -> Vec<u8> {
    let modules = marked(modules);
    let mut data = MAGIC.to_vec();
    data.extend([8, 2]);
    data.resize(HEADER_BYTES, 0);
    for text in [version.as_bytes(), &modules] {
        data.extend(varint(text.len()));
        data.extend(text);
    }
    data
}

/// The layout before Go 1.18: pointers to string headers, which point to the texts.
fn pointed_info(base: u64, pointer_size: u8, big: bool, version: &str, modules: &str) -> Vec<u8> {
    let pointer = |value: u64| {
        let bytes = if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let len = usize::from(pointer_size);
        if big { bytes[8 - len..].to_vec() } else { bytes[..len].to_vec() }
    };
    let modules = marked(modules);
    let step = u64::from(pointer_size);
    let (headers, texts) = (base + 32, base + 32 + 4 * step);
    let mut data = MAGIC.to_vec();
    data.extend([pointer_size, u8::from(big)]);
    data.extend([pointer(headers), pointer(headers + 2 * step)].concat());
    data.resize(HEADER_BYTES, 0);
    data.extend([pointer(texts), pointer(version.len() as u64)].concat());
    let second = texts + version.len() as u64 + 1;
    data.extend([pointer(second), pointer(modules.len() as u64)].concat());
    data.extend(version.as_bytes());
    data.push(0);
    data.extend(modules);
    data
}

fn found(program: &[u8]) -> Result<Vec<String>, Fault> {
    found_within(program, &Limits::default())
}

fn found_within(program: &[u8], limits: &Limits) -> Result<Vec<String>, Fault> {
    let report = read_whole(&ANALYZER, "bin/app", program, limits);
    let size = if program.len() < 10_000 { 7 } else { 65_521 };
    assert_eq!(read_in_pieces(&ANALYZER, program, limits, size), report);
    if let Some(fault) = report.faults.into_iter().next() {
        return Err(fault);
    }
    Ok(match report.evidence.as_slice() {
        [Evidence::Packages(packages)] => {
            packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect()
        }
        _ => Vec::new(),
    })
}

const EXPECTED: [&str; 4] = [
    "example.com/app v1.2.0",
    "github.com/new/name v1.0.1",
    "golang.org/x/net v0.7.0",
    "stdlib 1.22.3",
];

#[test]
fn modules_replacements_and_the_standard_library_are_found() {
    let data = inline_info("go1.22.3", MODULES);
    for name in [".go.buildinfo", ".data"] {
        assert_eq!(found(&elf_with_section(name, &data)).expect("no fault"), EXPECTED);
    }
}

#[test]
fn programs_without_a_usable_section_table_are_read_too() {
    let mut program = elf_with_section(".go.buildinfo", &inline_info("go1.22.3", MODULES));
    // e_shoff, e_shnum and e_shstrndx: first none, as strip -R leaves it, then nonsense.
    program[40..48].fill(0);
    program[60..64].fill(0);
    assert_eq!(found(&program).expect("no fault"), EXPECTED);
    program[40..48].fill(0x7f);
    program[60..64].fill(0x7f);
    assert_eq!(found(&program).expect("no fault"), EXPECTED);
}

#[test]
fn the_layout_with_pointers_is_read() {
    for (pointer_size, big) in [(8, false), (8, true), (4, false), (4, true)] {
        let info = pointed_info(ELF_ADDRESS, pointer_size, big, "go1.17.1", MODULES);
        let names = found(&elf_with_section(".go.buildinfo", &info)).expect("no fault");
        assert_eq!(names.last().map(String::as_str), Some("stdlib 1.17.1"));
        assert_eq!(names.len(), 4);
    }
}

#[test]
fn of_several_texts_that_may_be_the_version_none_is_believed() {
    let mut info = pointed_info(ELF_ADDRESS, 8, false, "go1.17.1", MODULES);
    info.extend(b"go1.16 or later");
    let names = found(&elf_with_section(".go.buildinfo", &info)).expect("no fault");
    assert_eq!(names, EXPECTED[..3]);
}

#[test]
fn versions_that_are_none_are_left_out() {
    let names = |version: &str, modules: &str| -> Vec<String> {
        packages(version, modules).iter().map(|p| format!("{} {}", p.name, p.version)).collect()
    };
    assert_eq!(names("go1.20.1 X:boringcrypto", "mod\ta\t(devel)\t\n"), ["stdlib 1.20.1"]);
    assert_eq!(names("devel go1.23-0123abc", "dep\ta\tv1\n"), ["a v1"]);
    assert_eq!(names("go1.20", "dep\ndep\ta\n=>\n=>\tb\tv2\nx\ty\tz\n"), ["b v2", "stdlib 1.20"]);
}

#[test]
fn a_program_built_from_a_checkout_has_the_version_that_its_settings_tell() {
    let version = |settings: &str| {
        let found = packages("devel", &format!("mod\texample.com/app\t(devel)\t\n{settings}"));
        found.first().map(|package| package.version.clone())
    };
    let vcs = "build\tvcs.revision=fc37c2fa9de2ad77476a6d4a8f1516196b90187e\n\
        build\tvcs.time=2024-06-09T21:16:31Z\n";
    assert_eq!(version(vcs).as_deref(), Some("v0.0.0-20240609211631-fc37c2fa9de2"));
    for flags in [
        "build\t-ldflags=-X main.version=1.4.2\n",
        "build\t-ldflags=\"-s -w -X 'example.com/app/version.Version=v1.4.2'\"\n",
    ] {
        assert_eq!(version(&format!("{flags}{vcs}")).as_deref(), Some("v1.4.2"), "{flags}");
    }
    for nothing in ["", "build\tvcs.revision=fc37\n", "build\t-ldflags=-X main.version=dev\n"] {
        assert_eq!(version(nothing), None, "{nothing}");
    }
}

#[test]
fn what_only_looks_like_build_information_is_passed_over() {
    let decoys = [MAGIC, &[0; 40], MAGIC, &[8, 2, 0, 0]].concat();
    let data = [decoys.clone(), inline_info("go1.22.3", MODULES)].concat();
    assert_eq!(found(&elf_with_section(".data", &data)).expect("no fault"), EXPECTED);
    assert_eq!(
        found(&elf_with_section(".data", &decoys)).expect("no fault"),
        <[&str; 0]>::default()
    );
    for garbage in [&b"\x7fELF"[..], b"MZ", b"\xfe\xed\xfa\xce", b"\xcf\xfa\xed\xfe    "] {
        assert_eq!(found(garbage).expect("no fault"), <[&str; 0]>::default());
    }
}

#[test]
fn a_list_of_modules_beyond_the_limit_is_a_fault() {
    let program = elf_with_section(".data", &inline_info("go1.22.3", MODULES));
    let limits = Limits { metadata_bytes: 10, ..Limits::default() };
    assert!(found_within(&program, &limits).is_err());
}

#[test]
fn go_programs_of_this_machine_are_read_as_go_reads_them() {
    let go = ["/usr/local/go/bin/go", "/usr/bin/go"];
    let programs = ["/usr/bin/kpt", "/usr/bin/skopeo", "/usr/local/bin/docker"];
    for program in programs {
        let version = |go: &str| Command::new(go).args(["version", "-m", program]).output().ok();
        let (Ok(content), Some(output)) = (fs::read(program), go.into_iter().find_map(version))
        else {
            continue;
        };
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let (head, modules) = text.split_once('\n').expect("a line");
        let (_, version) = head.split_once(": ").expect("a version");
        let modules = modules.replace("\n\t", "\n");
        let expected: Vec<String> = packages(version, modules.trim_start())
            .iter()
            .map(|p| format!("{} {}", p.name, p.version))
            .collect();
        assert_eq!(found(&content).expect("no fault"), expected, "{program}");
        assert!(!expected.is_empty());
    }
}

proptest! {
    #[test]
    fn no_damage_to_a_program_makes_the_reader_panic(
        damage in prop::collection::vec((0_usize..2000, any::<u8>()), 1..12),
        big in any::<bool>(),
        inline in any::<bool>(),
    ) {
        let data = match inline {
            true => inline_info("go1.22.3", MODULES),
            false => pointed_info(ELF_ADDRESS, 8, big, "go1.17.1", MODULES),
        };
        let mut program = elf_with_section(".go.buildinfo", &data);
        for (at, byte) in damage {
            let at = at % program.len();
            program[at] = byte;
        }
        let _ = found(&program);
    }
}
