mod builders;
mod real;

use insta::assert_snapshot;
use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use proptest::sample::Index;
use tallyman_model::inventory::{Evidence, owner_key};
use tallyman_model::limits::Limits;
use tallyman_model::package::Package;

use self::builders::{
    ARCH, BASES, DIR_INDEXES, DIRS, EPOCH, FLAGS, HeaderBuilder, MODULE, NAME, RELEASE, SOURCE,
    VERSION, berkeley, ndb, sqlite,
};
use super::{Analysis, analyze, wants};
use crate::analyzers::Candidate;

const SQLITE: &str = "var/lib/rpm/rpmdb.sqlite";
const NDB: &str = "usr/lib/sysimage/rpm/Packages.db";
const BERKELEY: &str = "var/lib/rpm/Packages";

/// The same packages in every format.
fn databases(blobs: &[Vec<u8>]) -> [(&'static str, Vec<u8>); 4] {
    [
        (SQLITE, sqlite(blobs)),
        (NDB, ndb(blobs)),
        (BERKELEY, berkeley(blobs, false)),
        (BERKELEY, berkeley(blobs, true)),
    ]
}

fn read(path: &str, content: &[u8]) -> Analysis {
    analyze(path, content, &Limits::default())
}

fn packages(evidence: &[Evidence]) -> &[Package] {
    match evidence.first() {
        Some(Evidence::Packages(packages)) => packages,
        _ => &[],
    }
}

pub(super) fn show(packages: &[Package]) -> String {
    let line = |package: &Package| {
        let source = package.source.as_ref();
        let source = source.map_or("-".to_owned(), |it| format!("{} {}", it.name, it.version));
        let architecture = package.architecture.as_deref().unwrap_or("-");
        let module = package.module.as_deref().unwrap_or("-");
        format!("{} {} {architecture} {source} {module}\n", package.name, package.version)
    };
    packages.iter().map(line).collect()
}

/// A package whose header takes several pages.
fn long(name: &str) -> Vec<u8> {
    let files: Vec<String> = (0..300).map(|number| format!("a-file-{number}")).collect();
    let bases: Vec<&str> = files.iter().map(String::as_str).collect();
    HeaderBuilder::package(name, "1", "1")
        .texts(BASES, &bases)
        .numbers(DIR_INDEXES, &[0; 300])
        .texts(DIRS, &["/usr/bin/"])
        .build()
}

#[test]
fn the_database_is_found_where_distributions_keep_it() {
    let is_wanted = |path| wants(&Candidate::new(path, 1, 0o644));
    for path in [
        "var/lib/rpm/Packages",
        "var/lib/rpm/rpmdb.sqlite",
        "usr/lib/sysimage/rpm/Packages.db",
        "usr/share/rpm/rpmdb.sqlite",
    ] {
        assert!(is_wanted(path), "{path}");
    }
    for path in
        ["Packages", "var/lib/rpm/Name", "usr/lib/sysimage/rpm/Index.db", "x/var/lib/rpm/Packages"]
    {
        assert!(!is_wanted(path), "{path}");
    }
}

#[test]
fn each_format_gives_the_same_packages() {
    let blobs = [
        HeaderBuilder::package("openssl-libs", "3.0.7", "27.el9")
            .numbers(EPOCH, &[1])
            .text(ARCH, "x86_64")
            .text(SOURCE, "openssl-3.0.7-27.el9.src.rpm")
            .build(),
        HeaderBuilder::package("npm", "8.19.2", "1.module_el8")
            .numbers(EPOCH, &[0])
            .text(SOURCE, "nodejs-16.18.1-3.module_el8.nosrc.rpm")
            .text(MODULE, "nodejs:16:8070020221212:bd1311ed")
            .build(),
        HeaderBuilder::package("gpg-pubkey", "fd431d51", "4ae0493b").text(ARCH, "(none)").build(),
        long("long"),
        HeaderBuilder::package("last", "1~rc1", "1").text(SOURCE, "(none)").build(),
    ];
    let mut shown = Vec::new();
    for (path, content) in databases(&blobs) {
        let evidence = read(path, &content).expect("a good database");
        shown.push(show(packages(&evidence)));
        let Some(Evidence::OwnedFiles(owned)) = evidence.get(1) else {
            panic!("{path}: the files of the long package");
        };
        assert!(owned.contains(&owner_key("usr/bin/a-file-299")));
    }
    shown.dedup();
    assert_snapshot!(shown.join("--\n"), @"
        last 1~rc1-1 - - -
        long 1-1 - - -
        npm 8.19.2-1.module_el8 - nodejs 16.18.1-3.module_el8 nodejs:16
        openssl-libs 1:3.0.7-27.el9 x86_64 openssl 1:3.0.7-27.el9 -
    ");
}

#[test]
fn an_empty_table_is_a_database_and_an_empty_file_is_none() {
    for (path, content) in databases(&[]) {
        assert_eq!(read(path, &content), Ok(Vec::new()), "{path}");
        assert!(read(path, &[]).is_err(), "{path}");
        assert!(read(path, b"garbage of some length, but nothing else\n").is_err(), "{path}");
    }
}

#[test]
fn a_database_that_is_cut_short_is_a_fault() {
    for (path, content) in databases(&[long("a"), long("b")]) {
        for length in (0..content.len()).step_by(61).chain([content.len() - 1]) {
            assert!(read(path, &content[..length]).is_err(), "{path} cut at {length}");
        }
    }
}

#[test]
fn what_was_added_after_the_build_replaces_what_was_there() {
    let blob = HeaderBuilder::package("a", "1", "1").text(RELEASE, "2").build();
    let evidence = read(SQLITE, &sqlite(&[blob])).expect("a good database");
    assert_eq!(show(packages(&evidence)), "a 1-2 - - -\n");
}

#[test]
fn files_that_a_package_only_names_are_not_its_own() {
    let blob = HeaderBuilder::package("a", "1", "1")
        .texts(BASES, &["tool", "ghost"])
        .numbers(DIR_INDEXES, &[0, 0])
        .texts(DIRS, &["/usr/bin/"])
        .numbers(FLAGS, &[0, 64])
        .build();
    let evidence = read(SQLITE, &sqlite(&[blob])).expect("a good database");
    assert_eq!(evidence.get(1), Some(&Evidence::OwnedFiles(vec![owner_key("usr/bin/tool")])));
}

#[test]
fn a_header_that_contradicts_itself_is_a_fault() {
    let package = || HeaderBuilder::package("a", "1", "1");
    for (what, blob) in [
        ("no name", HeaderBuilder::default().text(VERSION, "1").text(RELEASE, "1").build()),
        ("no version", HeaderBuilder::default().text(NAME, "a").text(RELEASE, "1").build()),
        ("no release", HeaderBuilder::default().text(NAME, "a").text(VERSION, "1").build()),
        ("a name of two words", HeaderBuilder::package("a b", "1", "1").build()),
        ("a text without an end", package().value(NAME, 6, 1, b"abc").build()),
        ("a directory that is not there", {
            package().texts(BASES, &["x"]).numbers(DIR_INDEXES, &[1]).texts(DIRS, &["/"]).build()
        }),
        ("fewer indexes than files", {
            package()
                .texts(BASES, &["x", "y"])
                .numbers(DIR_INDEXES, &[0])
                .texts(DIRS, &["/"])
                .build()
        }),
        ("fewer files than it counts", {
            let package = package().numbers(DIR_INDEXES, &[0, 0]).texts(DIRS, &["/"]);
            package.value(BASES, 8, 2, b"x\0").build()
        }),
        ("a list that is none", {
            package().text(BASES, "x").numbers(DIR_INDEXES, &[0]).texts(DIRS, &["/"]).build()
        }),
        ("nothing", Vec::new()),
        ("too many entries", vec![0xff; 64]),
    ] {
        assert!(read(SQLITE, &sqlite(&[blob])).is_err(), "{what}");
    }
}

#[test]
fn no_more_packages_than_allowed_are_kept() {
    let limits = Limits { layer_packages: 1, ..Limits::default() };
    let blob = |name| HeaderBuilder::package(name, "1", "1").build();
    for (path, content) in databases(&[blob("a"), blob("b")]) {
        assert!(analyze(path, &content, &limits).is_err(), "{path}");
    }
}

#[test]
fn a_directory_shared_by_many_files_does_not_multiply() {
    let directory = "d".repeat(4000);
    let bases = "\0".repeat(200_000);
    let blob = HeaderBuilder::package("a", "1", "1")
        .value(BASES, 8, 200_000, bases.as_bytes())
        .numbers(DIR_INDEXES, &vec![0; 200_000])
        .texts(DIRS, &[&directory])
        .build();
    let fault = read(NDB, &ndb(&[blob])).expect_err("800 MB of paths");
    assert!(fault.reason.contains("more room"), "{}", fault.reason);
}

#[test]
fn pages_that_point_at_each_other_are_a_fault() {
    let mut content = sqlite(&[long("a"), long("b")]);
    // The root points to itself.
    content[512 + 8..512 + 12].copy_from_slice(&2_u32.to_be_bytes());
    assert!(read(SQLITE, &content).is_err());

    let mut content = berkeley(&[long("a"), long("b")], false);
    let pages = content.len() / 512;
    for page in 0..pages {
        // Every overflow page follows itself.
        if content[page * 512 + 25] == 7 {
            let number = u32::try_from(page).expect("few pages");
            content[page * 512 + 16..page * 512 + 20].copy_from_slice(&number.to_le_bytes());
        }
    }
    let fault = read(BERKELEY, &content).expect_err("a chain that is a ring");
    assert!(fault.reason.contains("belongs to two packages"), "{}", fault.reason);
}

#[test]
fn a_blob_whose_checksum_is_wrong_is_a_fault() {
    let mut content = ndb(&[long("a")]);
    content[4096 + 500] ^= 1;
    let fault = read(NDB, &content).expect_err("a changed byte");
    assert_eq!(fault.reason, "the blob of 1 is damaged");
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for path in [SQLITE, NDB, BERKELEY] {
            let _ = read(path, &bytes);
        }
        let _ = read(SQLITE, &sqlite(&[bytes]));
    }

    #[test]
    fn no_changed_bytes_make_the_parser_panic(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        format in 0..4_usize,
    ) {
        let small = HeaderBuilder::package("b", "1", "1").build();
        let (path, mut content) = databases(&[long("a"), small]).into_iter().nth(format).expect("four");
        for (index, byte) in changes {
            let at = index.index(content.len());
            content[at] = byte;
        }
        let _ = read(path, &content);
    }

    #[test]
    fn what_was_written_is_read_back(
        entries in prop::collection::btree_map("[a-z][a-z0-9+-]{0,15}", 0..3000_usize, 0..12),
    ) {
        let blobs: Vec<Vec<u8>> = entries
            .iter()
            .map(|(name, padding)| {
                HeaderBuilder::package(name, "1", "2").text(1004, &"x".repeat(*padding)).build()
            })
            .collect();
        let expected: String = entries.keys().map(|name| format!("{name} 1-2 - - -\n")).collect();
        for (path, content) in databases(&blobs) {
            let evidence = read(path, &content).expect("a good database");
            prop_assert_eq!(show(packages(&evidence)), expected.clone());
        }
    }
}
