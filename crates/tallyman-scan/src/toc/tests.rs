mod sample;

use std::io::Write;

use proptest::prelude::{ProptestConfig, Strategy, any, prop, proptest};
use proptest::sample::select;
use serde_json::json;
use tallyman_model::digest::Digest;
use tallyman_model::image::{LayerToc, TocFormat};
use tallyman_model::inventory::LayerInventory;
use tallyman_model::limits::Limits;

use self::sample::{Layer, LayerBuilder, sha256};
use super::{TocOutcome, key};
use crate::analyzers::eicar_test_file;
use crate::budget::Budget;
use crate::error::LayerError;
use crate::testing::{elf_with_section, elf_with_sections};
use crate::toc::unpack::Packing;

const STATUS: &[u8] = b"Package: a\nStatus: install ok installed\nVersion: 1\n";
const MANIFEST: &[u8] = br#"{"name":"left-pad","version":"1.3.0"}"#;
const BOTH: [Packing; 2] = [Packing::Gzip, Packing::Zstd];

/// Bytes that no packing makes smaller.
fn noise(count: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

/// What the Go linker writes: version and modules, each with its length.
fn go_info() -> Vec<u8> {
    let modules = [[b'<'; 16].as_slice(), b"mod\texample.com/app\tv1.2.0\n", &[b'>'; 16]].concat();
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    for text in [b"go1.22.1", &modules[..]] {
        info.push(u8::try_from(text.len()).expect("short"));
        info.extend(text);
    }
    info
}

/// What cargo-auditable writes.
fn crate_list() -> Vec<u8> {
    let json = br#"{"packages":[{"name":"serde","version":"1.0.200","source":"crates.io"}]}"#;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(json).and_then(|()| zlib.finish()).expect("a vector takes everything")
}

/// A large file that nobody reads, so that the rest is a small part of the layer.
fn with_ballast(packing: Packing) -> LayerBuilder {
    LayerBuilder::new(packing, 1000).file("usr/share/ballast.bin", 0o644, &noise(30_000))
}

fn inventory(outcome: Result<TocOutcome, LayerError>) -> LayerInventory {
    match outcome.expect("a sound layer") {
        TocOutcome::Inventory(inventory) => inventory,
        TocOutcome::ReadWhole { reason } => panic!("it is read as a whole: {reason}"),
    }
}

fn reason(layer: &Layer) -> String {
    match layer.read_by_toc(&Limits::default()).expect("no error") {
        TocOutcome::Inventory(_) => panic!("it is read by its table"),
        TocOutcome::ReadWhole { reason } => reason,
    }
}

/// Compares with a full read, but for the size, which a table of contents does not tell.
fn check_against_full_read(layer: &Layer, limits: &Limits) {
    let whole = layer.read_whole(limits).expect("a sound layer").inventory;
    let by_toc = inventory(layer.read_by_toc(limits));
    let uncompressed_bytes = whole.uncompressed_bytes;
    assert_eq!(LayerInventory { uncompressed_bytes, ..by_toc }, whole);
}

#[test]
fn the_inventory_is_that_of_a_full_read() {
    let long = format!("{}/node_modules/left-pad/package.json", "d".repeat(180));
    let program = elf_with_section(".go.buildinfo", b"\xff Go buildinf:\x08\x02 no Go at all");
    for packing in BOTH {
        let layer = with_ballast(packing)
            .dir("etc/")
            .file("./etc/os-release", 0o644, b"ID=debian\n")
            .file("var/lib/dpkg/status", 0o644, &STATUS.repeat(90))
            .file("lib/apk/db/installed", 0o644, b"P:a\n\n")
            .file("node_modules/left-pad/package.json", 0o644, MANIFEST)
            .file("node_modules/left-pad/package.json", 0o644, b"{")
            .file(&long, 0o644, MANIFEST)
            .hard_link("app/node_modules/left-pad/package.json", &long)
            .hard_link("hard/node_modules/a/package.json", "usr/share/ballast.bin")
            .symlink("var/lib/pacman/local", &"t".repeat(130))
            .symlink("etc/ld.so.preload", "elsewhere")
            .file("eicar.com", 0o644, &eicar_test_file())
            .file("usr/bin/tool", 0o755, &program)
            .file("usr/bin/script", 0o755, &b"#!/bin/sh\n".repeat(300))
            .file("empty/package.json", 0o644, b"")
            .file("gone/.wh.file", 0o644, b"")
            .file("opaque/.wh..wh..opq", 0o644, b"")
            .file("../etc/os-release", 0o644, b"ID=alpine\n")
            .fifo("run/pipe")
            .file("a.dist-info/METADATA", 0o644, &vec![b'x'; 9000])
            .finish();
        let limits = Limits { metadata_bytes: 8000, ..Limits::default() };
        check_against_full_read(&layer, &limits);
        let found = inventory(layer.read_by_toc(&limits));
        assert_eq!(found.files.iter().filter(|file| file.analyzer == "npm").count(), 2);
        assert!(found.uncompressed_bytes > 30_000);
    }
}

#[test]
fn only_what_is_wanted_is_fetched() {
    for packing in BOTH {
        let layer = with_ballast(packing)
            .file("var/lib/dpkg/status", 0o644, &STATUS.repeat(90))
            .file("usr/share/more.bin", 0o644, &noise(20_000))
            .file("node_modules/left-pad/package.json", 0o644, MANIFEST)
            .finish();
        let (outcome, fetched) = layer.fetch(&Limits::default());
        assert_eq!(inventory(outcome).files.len(), 2);
        let total: u64 = fetched.iter().map(|range| range.end - range.start).sum();
        assert!(total < layer.bytes.len() as u64 / 8, "{fetched:?} of {}", layer.bytes.len());
    }
}

#[test]
fn a_table_with_another_digest_is_not_believed() {
    for packing in BOTH {
        let mut layer = with_ballast(packing).file("etc/os-release", 0o644, b"ID=a\n").finish();
        layer.toc.digest = sha256(b"another");
        let (outcome, fetched) = layer.fetch(&Limits::default());
        match outcome.expect("no error") {
            TocOutcome::ReadWhole { reason } => {
                assert!(reason.contains("not the one that the manifest states"), "{reason}");
            }
            TocOutcome::Inventory(_) => panic!("it was believed"),
        }
        // The table, and where it is; nothing of the files.
        assert!(fetched.len() <= 2, "{fetched:?}");
    }
}

#[test]
fn bytes_that_do_not_fit_the_table_fail_the_layer() {
    const PATHS: [&str; 3] = ["etc/os-release", "var/lib/dpkg/status", "usr/bin/tool"];
    for (packing, table_reads) in [(Packing::Gzip, 2), (Packing::Zstd, 1)] {
        let sound = with_ballast(packing)
            .file(PATHS[0], 0o644, b"ID=a\n")
            .file(PATHS[1], 0o644, &noise(2500))
            .file(PATHS[2], 0o755, &elf_with_section(".go.buildinfo", &noise(2500)))
            .finish();
        let expected = inventory(sound.read_by_toc(&Limits::default()));
        let (_, fetched) = sound.fetch(&Limits::default());
        let content: Vec<u64> = fetched.into_iter().skip(table_reads).flatten().collect();
        let mut failed = Vec::new();
        for at in content.into_iter().step_by(11) {
            let mut layer = sound.clone();
            layer.bytes[usize::try_from(at).expect("small")] ^= 0x20;
            match layer.read_by_toc(&Limits::default()) {
                // Only bytes between two files can be anything.
                Ok(TocOutcome::Inventory(found)) => assert_eq!(found, expected, "{at}"),
                Err(LayerError::ContentMismatch { path, .. }) => failed.push(path),
                other => panic!("at {at}: {other:?}"),
            }
        }
        assert!(failed.len() > 400, "{}", failed.len());
        assert!(PATHS.iter().all(|path| failed.iter().any(|failed| failed == path)));
    }
}

#[test]
fn a_source_that_breaks_off_is_not_an_error_of_the_image() {
    for packing in BOTH {
        let layer = with_ballast(packing).file("etc/os-release", 0o644, b"ID=a\n").finish();
        let (_, fetched) = layer.fetch(&Limits::default());
        let content = fetched.last().expect("content was fetched").clone();
        let read = |ranges: &[std::ops::Range<u64>]| -> std::io::Result<Box<dyn std::io::Read>> {
            let [range] = ranges else { panic!("{ranges:?}") };
            let at = |at: u64| usize::try_from(at).expect("small");
            let end = if *range == content { range.start + 10 } else { range.end };
            let bytes = layer.bytes[at(range.start)..at(end)].to_vec();
            Ok(Box::new(std::io::Cursor::new(bytes)))
        };
        let input =
            super::TocInput { toc: &layer.toc, size_bytes: layer.bytes.len() as u64, read: &read };
        match super::analyze_by_toc(input, &Budget::default()) {
            Err(LayerError::Read(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_layer_without_a_usable_table_is_read_as_a_whole() {
    let mut no_footer = with_ballast(Packing::Gzip).finish();
    let at = no_footer.bytes.len() - 20;
    no_footer.bytes[at] = b'!';
    assert!(reason(&no_footer).contains("footer"));
    let mut outside = with_ballast(Packing::Zstd).finish();
    for (offset, length) in [(u64::MAX, 2), (0, 0), (5, u64::MAX), (1 << 40, 10)] {
        outside.toc.format = TocFormat::ZstdChunked { offset, length };
        assert!(reason(&outside).contains("outside the layer"));
    }
    for packing in BOTH {
        for toc in ["", "[]", "{}", r#"{"version":2,"entries":[]}"#, r#"{"version":1}x"#] {
            reason(&with_ballast(packing).finish_with(toc));
        }
        let all = LayerBuilder::new(packing, 1000).file("etc/os-release", 0o644, &noise(5000));
        assert!(reason(&all.finish()).contains("bytes are wanted"));
    }
}

#[test]
fn zeros_that_the_table_names_are_not_fetched() {
    let content = [b"ID=debian\n".to_vec(), vec![b'\n'; 90], vec![0; 4000]].concat();
    let mut builder = LayerBuilder::new(Packing::Zstd, 100)
        .file("usr/share/ballast.bin", 0o644, &noise(50_000))
        .file("etc/os-release", 0o644, &content);
    for entry in &mut builder.entries {
        let is_second = entry["type"] == "chunk" && entry["name"] == "etc/os-release";
        if is_second {
            entry["chunkType"] = json!("zeros");
        }
    }
    let layer = builder.finish();
    let first = layer.fetch(&Limits::default()).1;
    let fetched: u64 = first.iter().skip(1).map(|range| range.end - range.start).sum();
    assert!(fetched < 100, "{first:?}");
    let found = inventory(layer.read_by_toc(&Limits::default()));
    assert_eq!(found.files, layer.read_whole(&Limits::default()).expect("sound").inventory.files);
}

#[test]
fn of_programs_in_several_chunks_only_those_with_a_list_are_fetched() {
    let code = noise(20_000);
    let with_code = |name, list: &[u8]| elf_with_sections(&[(name, list), (".text", &code)]);
    for packing in BOTH {
        let layer = with_ballast(packing)
            .file("usr/bin/c", 0o755, &[with_code(".data", b""), vec![b'X'; 8]].concat())
            .file("usr/bin/tool", 0o755, &with_code(".go.buildinfo", &go_info()))
            .file("usr/bin/rust", 0o755, &with_code(".dep-v0", &crate_list()))
            .file("usr/bin/script", 0o755, &[b"#!/bin/sh\n".to_vec(), noise(20_000)].concat())
            .finish();
        check_against_full_read(&layer, &Limits::default());
        let (outcome, fetched) = layer.fetch(&Limits::default());
        let analyzers: Vec<_> =
            inventory(outcome).files.into_iter().map(|file| file.analyzer).collect();
        assert_eq!(analyzers, ["cargo", "go"]);
        let total: u64 = fetched.iter().map(|range| range.end - range.start).sum();
        assert!(total < 20_000, "{total} of {}", layer.bytes.len());
    }
}

#[test]
fn of_programs_that_are_searched_for_their_version_only_what_holds_texts_is_fetched() {
    let version = b"\0nginx version: nginx/1.27.0\0";
    let (code, data) = (noise(20_000), [version, &noise(4000)[..]].concat());
    for packing in BOTH {
        let layer = with_ballast(packing)
            .file("opt/a/nginx", 0o755, &elf_with_sections(&[(".text", &code)]))
            .file("opt/b/nginx", 0o755, &elf_with_sections(&[(".text", &code), (".data", &data)]))
            .finish();
        check_against_full_read(&layer, &Limits::default());
        let (outcome, fetched) = layer.fetch(&Limits::default());
        let found: Vec<_> = inventory(outcome).files.into_iter().map(|file| file.path).collect();
        assert_eq!(found, ["opt/b/nginx"]);
        let total: u64 = fetched.iter().map(|range| range.end - range.start).sum();
        assert!((4000..15_000).contains(&total), "{total} of {}", layer.bytes.len());
    }
}

#[test]
fn a_program_with_something_behind_it_is_fetched_as_a_whole() {
    let list = br#"{"runtimeTarget":{},"libraries":{"Serilog/2.12.0":{"type":"package"}}}"#;
    let signature = [
        0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0,
        0x32, 0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3,
        0x6a, 0xae,
    ];
    let host = elf_with_section(".data", &[&signature[..], &noise(3000)].concat());
    for packing in BOTH {
        let layer = with_ballast(packing)
            .file("app/shop", 0o755, &[&host[..], &noise(3000), list].concat())
            .finish();
        check_against_full_read(&layer, &Limits::default());
        let found = inventory(layer.read_by_toc(&Limits::default()));
        assert_eq!(found.files.len(), 1);
    }
}

#[test]
fn more_programs_than_can_be_kept_are_read_as_others() {
    let mut builder = LayerBuilder::new(Packing::Zstd, 1 << 20).file(
        "usr/share/ballast.bin",
        0o644,
        &noise(100_000),
    );
    let rest = vec![0; 3 << 20];
    let list = [go_info(), rest.clone()].concat();
    for number in 0..30 {
        let program = match number % 3 {
            0 => elf_with_sections(&[(".text", &rest), (".go.buildinfo", &list)]),
            _ => elf_with_sections(&[(".text", &rest), (".data", b"nothing")]),
        };
        builder = builder.file(&format!("usr/bin/{number}"), 0o755, &program);
    }
    let layer = builder.finish();
    let limits = Limits { expansion_ratio: 1_000_000, ..Limits::default() };
    check_against_full_read(&layer, &limits);
    let found = inventory(layer.read_by_toc(&limits));
    assert_eq!(found.files.len(), 10);
}

#[test]
fn programs_whose_sections_are_not_known_are_fetched_as_a_whole() {
    let stripped = |mut program: Vec<u8>| {
        program[0x28..0x30].fill(0);
        program
    };
    let far = elf_with_section(".data", &[noise(5000), go_info()].concat());
    let windows = [b"MZ".to_vec(), noise(5000), go_info()].concat();
    for packing in BOTH {
        let layer = with_ballast(packing)
            .file("usr/bin/stripped", 0o755, &stripped(far.clone()))
            .file("usr/bin/tool.exe", 0o755, &windows)
            .finish();
        check_against_full_read(&layer, &Limits::default());
        assert_eq!(inventory(layer.read_by_toc(&Limits::default())).files.len(), 2);
    }
}

#[test]
fn sizes_over_the_limits_fail_the_layer_as_they_do_when_it_is_read() {
    for packing in BOTH {
        let mut builder = with_ballast(packing).file("huge", 0o644, b"");
        builder.entries.push(json!({"name": "huge.bin", "type": "reg", "size": 1_u64 << 50,
            "mode": 0o644, "offset": 400_000, "chunkDigest": sha256(b"").to_string()}));
        match builder.finish().read_by_toc(&Limits::default()) {
            Err(LayerError::LimitExceeded { limit: "layer-uncompressed-bytes", .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn results_are_filed_under_the_layer_and_its_table_together() {
    let toc = |format, text: &[u8]| LayerToc { format, digest: sha256(text) };
    let chunked = |offset| TocFormat::ZstdChunked { offset, length: 1 };
    let keys: Vec<Digest> = [
        key(&sha256(b"layer"), &toc(TocFormat::Estargz, b"toc")),
        key(&sha256(b"other"), &toc(TocFormat::Estargz, b"toc")),
        key(&sha256(b"layer"), &toc(TocFormat::Estargz, b"other")),
        key(&sha256(b"layer"), &toc(chunked(1), b"toc")),
        sha256(b"layer"),
        sha256(b"toc"),
    ]
    .to_vec();
    for (index, one) in keys.iter().enumerate() {
        assert!(!keys[index + 1..].contains(one), "{index}");
    }
    // Where the table is changes nothing: its digest says what it is.
    assert_eq!(key(&sha256(b"layer"), &toc(chunked(2), b"toc")), keys[3]);
}

/// Paths of which some are wanted, some hide, and some take the place of others.
fn paths() -> impl Strategy<Value = &'static str> {
    select(vec![
        "etc/os-release",
        "var/lib/dpkg/status",
        "lib/apk/db/installed",
        "node_modules/a/package.json",
        "node_modules/.wh.a",
        "node_modules",
        "a.dist-info/METADATA",
        "bin/tool",
        "bin/.wh..wh..opq",
        "data.bin",
        "../out",
        "LICENSE",
    ])
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    let real = [STATUS.to_vec(), MANIFEST.to_vec(), b"ID=a\n".to_vec(), b"P:a\nV:1\n\n".to_vec()];
    let [a, b, c, d] = real;
    let program = elf_with_section(".data", b"nothing");
    let go = elf_with_section(".go.buildinfo", &go_info());
    let rust = elf_with_section(".dep-v0", &crate_list());
    let eicar = eicar_test_file().to_vec();
    let known = select(vec![a, b, c, d, program, go, rust, eicar, Vec::new()]);
    let random = prop::collection::vec(any::<u8>(), 0..300);
    (known, random, any::<bool>()).prop_map(
        |(known, random, is_known)| {
            if is_known { known } else { random }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_layer_is_seen_otherwise_than_by_a_full_read(
        entries in prop::collection::vec((0..6_u8, paths(), paths(), contents()), 0..20),
        chunk_bytes in 1..200_usize,
    ) {
        for packing in BOTH {
            let ballast = LayerBuilder::new(packing, 20_000).file("x.bin", 0o644, &noise(15_000));
            let ballast = ballast.with_chunks_of(chunk_bytes);
            let layer = entries.iter().fold(ballast, |layer, (kind, path, other, content)| {
                match kind {
                    0 => layer.symlink(path, other),
                    1 => layer.hard_link(path, other),
                    2 => layer.dir(path),
                    3 => layer.file(path, 0o755, content),
                    _ => layer.file(path, 0o644, content),
                }
            });
            let layer = layer.finish();
            match layer.read_by_toc(&Limits::default()).expect("a sound layer") {
                TocOutcome::Inventory(_) => check_against_full_read(&layer, &Limits::default()),
                TocOutcome::ReadWhole { reason } => assert!(reason.contains("are wanted")),
            }
        }
    }

    #[test]
    fn no_table_makes_a_scan_fall_over(text in "[\\x00-\\x7f]{0,200}", cut in 0..100_usize) {
        for packing in BOTH {
            let sound = with_ballast(packing).file("etc/os-release", 0o644, b"ID=a\n");
            let toc = json!({"version": 1, "entries": sound.entries}).to_string();
            let cut = &toc[..toc.len().saturating_sub(cut)];
            for toc in [text.as_str(), cut] {
                let layer = with_ballast(packing).finish_with(toc);
                let _ = layer.read_by_toc(&Limits::default());
            }
        }
    }
}
