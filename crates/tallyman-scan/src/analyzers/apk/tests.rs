use insta::assert_snapshot;
use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use tallyman_model::inventory::{Evidence, owner_key};
use tallyman_model::package::Package;

use super::parse;

fn lines(packages: &[Package]) -> String {
    packages
        .iter()
        .map(|package| {
            let source = package.source.as_ref();
            let source = source.map(|source| format!("{} {}", source.name, source.version));
            format!(
                "{} {} {} {}\n",
                package.name,
                package.version,
                package.architecture.as_deref().unwrap_or("-"),
                source.as_deref().unwrap_or("-"),
            )
        })
        .collect()
}

#[test]
fn the_fields_of_an_alpine_database_are_read() {
    let text = "C:Q1p5jq3oXlcHvXVqT9Xc3yI/Vq4Bg=\nP:musl\nV:1.2.5-r0\nA:x86_64\nS:407278\n\
        T:the musl c library (libc) implementation\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n\n\
        P:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\n\n\
        P:.build-deps\nV:20240701.1\n\n";
    let (packages, _) = parse(text.as_bytes(), 1000).expect("a good database");
    assert_snapshot!(lines(&packages), @"
    .build-deps 20240701.1 - -
    libcrypto3 3.3.2-r0 x86_64 openssl 3.3.2-r0
    musl 1.2.5-r0 x86_64 musl 1.2.5-r0
    ");
}

#[test]
fn the_files_of_packages_are_theirs() {
    let text = "P:a\nV:1\nF:usr/bin\nR:tool\na:0:0:755\nZ:Q1x=\nR:other\nF:etc\nR:x.conf\n\n\
        P:b\nV:1\nR:in-the-root\n";
    let (_, owned) = parse(text.as_bytes(), 1000).expect("a good database");
    let Some(Evidence::OwnedFiles(owned)) = owned.finish() else {
        panic!("programs are evidence");
    };
    for (path, is_kept) in [
        ("usr/bin/tool", true),
        ("usr/bin/other", true),
        ("in-the-root", true),
        ("etc/x.conf", false),
    ] {
        assert_eq!(owned.contains(&owner_key(path)), is_kept, "{path}");
    }
}

#[test]
fn a_long_directory_with_many_files_does_not_multiply() {
    let text = format!("P:a\nV:1\nF:{}\n{}", "d".repeat(100_000), "R:\n".repeat(100_000));
    let fault = parse(text.as_bytes(), 1000).err().expect("10 GB of paths");
    assert!(fault.reason.contains("more room"), "{}", fault.reason);
}

#[test]
fn malformed_databases_are_faults() {
    for bad in ["P", "musl\n", "P:a\n\n", "V:1\n\n", "P:\nV:1\n", "P:a b\nV:1\n", "\0\0\0", "ADB.x"]
    {
        assert!(parse(bad.as_bytes(), 1000).is_err(), "{bad:?}");
    }
    for good in ["", "\n", "P:a\nV:1", "P:a\nV:1\n\n\n"] {
        assert!(parse(good.as_bytes(), 1000).is_ok(), "{good:?}");
    }
    assert!(parse(b"P:a\nV:1\n\nP:b\nV:1\n\n", 1).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let _ = parse(&bytes, 1000);
    }

    #[test]
    fn what_was_written_is_read_back(
        entries in prop::collection::btree_map("[a-z0-9][a-z0-9+._-]{0,15}", "[0-9][0-9a-z._-]{0,15}", 0..20),
    ) {
        let text: String = entries
            .iter()
            .map(|(name, version)| format!("C:Q1x=\nP:{name}\nV:{version}\nA:aarch64\no:o{name}\nF:usr\n\n"))
            .collect();
        let expected: String = entries
            .iter()
            .map(|(name, version)| format!("{name} {version} aarch64 o{name} {version}\n"))
            .collect();
        prop_assert_eq!(lines(&parse(text.as_bytes(), 1000).expect("a good database").0), expected);
    }
}
