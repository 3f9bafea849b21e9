use insta::assert_snapshot;
use proptest::prelude::{any, prop, proptest};
use tallyman_model::inventory::{DiagnosticKind, Evidence, LayerInventory, path_key};
use tallyman_model::limits::Limits;

use super::read_tar;
use crate::analyzers::eicar_test_file;
use crate::budget::Budget;
use crate::testing::{TarBuilder, analyze, analyze_within};

const STATUS: &str = "Package: a\nStatus: install ok installed\nVersion: 1\n";
const MANIFEST: &str = r#"{"name":"left-pad","version":"1.3.0"}"#;

/// One line a finding: path, analyzer and what was found.
fn lines(inventory: &LayerInventory) -> String {
    let mut text = String::new();
    for file in &inventory.files {
        let found = match &file.evidence {
            Evidence::Packages(packages) => {
                packages.iter().map(|p| format!("{}@{}", p.name, p.version)).collect()
            }
            Evidence::Distribution(distribution) => vec![distribution.id.clone()],
            Evidence::Nested { path, packages } => {
                packages.iter().map(|p| format!("{path}:{}@{}", p.name, p.version)).collect()
            }
            Evidence::Archive { path, .. } => vec![format!("archive {path}")],
            Evidence::OwnedFiles(keys) => vec![format!("{} owned files", keys.len())],
            Evidence::Alert(alert) => vec![alert.rule.clone()],
        };
        text += &format!("{} {} {}\n", file.path, file.analyzer, found.join(" "));
    }
    for diagnostic in &inventory.diagnostics {
        text += &format!("{} {:?} {}\n", diagnostic.path, diagnostic.kind, diagnostic.reason);
    }
    text
}

fn collected(tar: TarBuilder) -> LayerInventory {
    analyze(&tar.finish()).expect("a good layer")
}

#[test]
fn files_are_found_under_every_spelling_of_their_path() {
    let tar = TarBuilder::new()
        .file("./etc/os-release", "ID=alpine\n")
        .file("/var/lib/dpkg/status", STATUS)
        .file("x/../node_modules/left-pad/package.json", MANIFEST)
        .file("anywhere.com", eicar_test_file());
    assert_snapshot!(lines(&collected(tar)), @"
    anywhere.com eicar eicar
    etc/os-release os-release alpine
    node_modules/left-pad/package.json npm left-pad@1.3.0
    var/lib/dpkg/status dpkg a@1
    ");
}

#[test]
fn paths_that_leave_the_root_or_are_too_long_are_noted_and_ignored() {
    let deep = "d/".repeat(100_000);
    let tar = TarBuilder::new()
        .file("../etc/os-release", "ID=debian\n")
        .file("a/../../var/lib/dpkg/status", STATUS)
        .pax(&[("path", &format!("{deep}node_modules/left-pad/package.json"))])
        .file("deep", MANIFEST)
        .hard_link("lib/apk/db/installed", "../../outside");
    let inventory = collected(tar);
    assert_eq!(inventory.files, []);
    let mut reasons: Vec<_> = inventory.diagnostics.iter().map(|it| &*it.reason).collect();
    reasons.sort_unstable();
    let escape = "the path leaves the root of the image";
    let long = "the path has 200034 bytes, over the limit path-bytes of 4 KiB (to raise it: \
                --limit path-bytes=…)";
    assert_eq!(reasons, [long, escape, escape, escape]);
}

#[test]
fn a_bad_database_fails_and_other_bad_files_are_skipped() {
    let tar = TarBuilder::new()
        .file("var/lib/dpkg/status", "Package a\n")
        .file("lib/apk/db/installed", "P:a\n\n")
        .file("node_modules/a/package.json", "{")
        .file("a.dist-info/METADATA", "Name: a\n\n");
    assert_snapshot!(lines(&collected(tar)), @"
    a.dist-info/METADATA Skipped the metadata have no version
    lib/apk/db/installed Failed line 1 is malformed: a package without a version
    node_modules/a/package.json Skipped it is not a package.json: EOF while parsing an object at line 1 column 1
    var/lib/dpkg/status Failed line 1 is malformed: a line without a colon
    ");
}

#[test]
fn files_over_a_limit_are_noted_with_what_is_lost() {
    let tar = TarBuilder::new()
        .file("var/lib/dpkg/status", STATUS)
        .file("node_modules/left-pad/package.json", MANIFEST)
        .executable("bin/tool", [b"\x7fELF", &[0; 100][..]].concat())
        .executable("bin/script", "#!/bin/sh\n".repeat(20));
    let limits =
        Limits { database_bytes: 9, metadata_bytes: 8, executable_bytes: 7, ..Limits::default() };
    let inventory = analyze_within(&tar.finish(), &limits).expect("a good layer");
    assert_snapshot!(lines(&inventory), @"
    bin/tool Skipped it has 104 bytes, over the limit executable-bytes of 7 bytes (to raise it: --limit executable-bytes=…)
    bin/tool Skipped it has 104 bytes, over the limit metadata-bytes of 8 bytes (to raise it: --limit metadata-bytes=…)
    node_modules/left-pad/package.json Skipped it has 37 bytes, over the limit metadata-bytes of 8 bytes (to raise it: --limit metadata-bytes=…)
    var/lib/dpkg/status Failed it has 51 bytes, over the limit database-bytes of 9 bytes (to raise it: --limit database-bytes=…)
    ");
}

#[test]
fn diagnostics_over_the_limit_are_counted_with_the_worst_kind() {
    let tar = (0..5).fold(TarBuilder::new(), |tar, index| {
        tar.file(&format!("node_modules/p{index}/package.json"), "{")
    });
    let limits = Limits { diagnostics: 2, ..Limits::default() };
    let tar = tar.file("var/lib/dpkg/status", "broken").finish();
    let inventory = analyze_within(&tar, &limits).expect("a good layer");
    assert_eq!(inventory.diagnostics.len(), 3);
    let last = &inventory.diagnostics[0];
    assert_eq!((last.path.as_str(), last.kind), ("", DiagnosticKind::Failed));
    assert_eq!(last.reason, "4 further diagnostics were dropped");
}

#[test]
fn the_last_entry_of_a_path_wins() {
    let twice = TarBuilder::new()
        .file("var/lib/dpkg/status", "broken")
        .file("etc/os-release", "ID=debian\n")
        .file("var/lib/dpkg/status", STATUS)
        .file("etc/os-release", "ID=alpine\n");
    assert_snapshot!(lines(&collected(twice)), @"
    etc/os-release os-release alpine
    var/lib/dpkg/status dpkg a@1
    ");
    let manifest = "srv/node_modules/left-pad/package.json";
    for replacement in ["srv", "srv/node_modules", manifest] {
        let tar = TarBuilder::new().file(manifest, MANIFEST);
        assert_eq!(lines(&collected(tar.symlink(replacement, "x"))), "", "{replacement}");
        let tar = TarBuilder::new().file(manifest, MANIFEST).file("srv-2", "");
        assert!(!lines(&collected(tar.file(replacement, ""))).contains("npm left"));
    }
    let tar = TarBuilder::new().file(manifest, MANIFEST).dir("srv").dir("srv/node_modules");
    assert_eq!(collected(tar).files.len(), 1);
    let tar = TarBuilder::new().file(manifest, MANIFEST).dir(manifest);
    assert_eq!(collected(tar).files, []);
}

#[test]
fn hard_links_share_the_evidence_of_their_target() {
    let manifest = "store/node_modules/left-pad/package.json";
    let tar = TarBuilder::new()
        .file(manifest, MANIFEST)
        .hard_link("app/node_modules/left-pad/package.json", manifest)
        .hard_link("app/other.json", manifest)
        .hard_link(
            "again/node_modules/left-pad/package.json",
            "app/node_modules/left-pad/package.json",
        )
        .hard_link("var/lib/dpkg/status", "hidden/status")
        .file("eicar.com", eicar_test_file())
        .hard_link("innocent", "eicar.com");
    assert_snapshot!(lines(&collected(tar)), @"
    again/node_modules/left-pad/package.json npm left-pad@1.3.0
    app/node_modules/left-pad/package.json npm left-pad@1.3.0
    eicar.com eicar eicar
    innocent eicar eicar
    store/node_modules/left-pad/package.json npm left-pad@1.3.0
    var/lib/dpkg/status Failed it is a hard link to hidden/status, which is not read
    ");
}

#[test]
fn what_cannot_be_read_in_place_is_never_taken_for_empty() {
    let tar = TarBuilder::new()
        .symlink("var/lib/dpkg/status", "/elsewhere")
        .symlink("etc/os-release", "../usr/lib/os-release")
        .entry(b'S', "lib/apk/db/installed", "", 0o644, b"P:a\nV:1\n\n");
    assert_snapshot!(lines(&collected(tar)), @"
    lib/apk/db/installed Failed it is stored sparse
    var/lib/dpkg/status Failed it is not a regular file, and links are not followed
    ");
}

#[test]
fn only_what_can_take_the_place_of_evidence_hides() {
    let inventory = collected(
        TarBuilder::new()
            .dir("dir")
            .file("data.txt", "")
            .file("usr/share/doc/readme.md", "")
            .executable("script.sh", "")
            .file("usr/sbin/tool.cfg", "")
            .file("no-extension", "")
            .file("plugin.so", "")
            .file("etc/os-release", "ID=a\n")
            .file("node_modules/a/package.json", "{}")
            .symlink("link.txt", "x")
            .hard_link("hard.txt", "data.txt")
            .entry(b'6', "fifo.txt", "", 0o644, b"")
            .file("gone/.wh.file.txt", "")
            .file("opaque/.wh..wh..opq", ""),
    );
    let hides = |path: &str| inventory.hides.contains(&path_key(path));
    for path in ["dir", "data.txt", "usr/share/doc/readme.md", "opaque", "gone"] {
        assert!(!hides(path), "{path}");
    }
    for path in [
        "script.sh",
        "usr/sbin/tool.cfg",
        "no-extension",
        "plugin.so",
        "etc/os-release",
        "node_modules/a/package.json",
        "link.txt",
        "hard.txt",
        "fifo.txt",
        "gone/file.txt",
    ] {
        assert!(hides(path), "{path}");
    }
    assert_eq!(inventory.hides.len(), 10);
    assert!(inventory.hides.is_sorted());
    assert_eq!(inventory.opaque, [path_key("opaque")]);
}

#[test]
fn a_whiteout_does_not_touch_its_own_layer() {
    let tar = TarBuilder::new()
        .file("var/lib/dpkg/status", STATUS)
        .file("var/lib/.wh.dpkg", "")
        .file("var/lib/.wh..wh..opq", "");
    assert_eq!(collected(tar).files.len(), 1);
}

#[test]
fn what_hides_beyond_a_limit_is_told_and_hides_nothing() {
    let tar = (0..6).fold(TarBuilder::new(), |tar, index| {
        let opaque = format!("o{index}/.wh..wh..opq");
        tar.symlink(&format!("s{index}"), "x").file(&format!(".wh.w{index}"), "").file(&opaque, "")
    });
    let limits = Limits { layer_packages: 2, ..Limits::default() };
    let inventory = analyze_within(&tar.finish(), &limits).expect("a good layer");
    let mut hides = ["s0", "s1", "s2", "s3", "w0", "w1"].map(path_key);
    hides.sort_unstable();
    assert_eq!(inventory.hides, hides);
    assert_eq!(inventory.opaque, [path_key("o0")]);
    let told = " Skipped 11 files that it hides of lower layers still count: \
                over the limit layer-packages of 2 (to raise it: --limit layer-packages=…)\n";
    assert_eq!(lines(&inventory), told);
}

#[test]
fn a_hard_link_to_one_of_too_many_files_is_told() {
    let tar = (0..3).fold(TarBuilder::new(), |tar, index| {
        tar.file(&format!("node_modules/p{index}/package.json"), "{}")
    });
    let tar = tar.file("var/lib/dpkg/status.d/a", "");
    let tar = tar.hard_link("var/lib/dpkg/status", "var/lib/dpkg/status.d/a");
    let limits = Limits { layer_packages: 3, ..Limits::default() };
    let inventory = analyze_within(&tar.finish(), &limits).expect("a good layer");
    let last = inventory.diagnostics.last().expect("a diagnostic");
    assert_eq!((last.path.as_str(), last.kind), ("var/lib/dpkg/status", DiagnosticKind::Failed));
}

#[test]
fn an_inventory_cannot_be_made_of_long_names_alone() {
    let tar = (0..40).fold(TarBuilder::new(), |tar, index| {
        let path = format!("{}/{index}/node_modules/a/package.json", "p".repeat(3000));
        tar.pax(&[("path", &path)]).file("x", MANIFEST)
    });
    let limits = Limits { layer_packages: 50, ..Limits::default() };
    let error = analyze_within(&tar.finish(), &limits).expect_err("too much text");
    assert!(error.to_string().contains("layer-packages"), "{error}");
}

proptest! {
    #[test]
    fn no_content_makes_an_analyzer_panic(
        content in prop::collection::vec(any::<u8>(), 0..600),
        magic in prop::sample::select(vec![&b""[..], b"\x7fELF\x02\x01\x01", b"MZ", b"{", b"Name:"]),
    ) {
        let content = [magic, &content].concat();
        let tar = [
            "etc/os-release",
            "var/lib/dpkg/status",
            "lib/apk/db/installed",
            "a.dist-info/METADATA",
            "node_modules/a/package.json",
            "etc/ld.so.preload",
            "bin/tool",
        ]
        .into_iter()
        .fold(TarBuilder::new(), |tar, path| tar.executable(path, &content));
        let read = read_tar(&tar.finish()[..], &Budget::default());
        assert!(read.is_ok());
    }
}
