use std::fs;
use std::io::Read as _;

use proptest::prelude::*;
use tempfile::TempDir;

use super::TarIndex;
use super::header::{BLOCK, checksum};
use crate::error::SourceError;

/// Makes a header with whatever the test wants in it.
fn header(name: &str, kind: u8, size: &[u8], link: &str) -> Vec<u8> {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..124 + size.len()].copy_from_slice(size);
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    let sum = format!("{:06o}\0 ", checksum(&block));
    block[148..156].copy_from_slice(sum.as_bytes());
    block.to_vec()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(BLOCK), 0);
    padded
}

fn entry(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
    let size = format!("{:011o}\0", data.len());
    [header(name, kind, size.as_bytes(), ""), padded(data)].concat()
}

fn open(bytes: &[u8]) -> Result<TarIndex, SourceError> {
    let dir = TempDir::new().expect("tempdir");
    let path = dir.path().join("x.tar");
    fs::write(&path, bytes).expect("write");
    TarIndex::open(&path)
}

fn content(bytes: &[u8], name: &str) -> Option<String> {
    let mut segment = open(bytes).expect("a tar").find(name).expect("no loop")?;
    let mut text = String::new();
    segment.read_to_string(&mut text).expect("readable");
    Some(text)
}

#[test]
fn names_come_from_headers_long_names_and_pax() {
    let long = "d/".repeat(80) + "file";
    let tar = [
        entry("./plain", b'0', b"one"),
        entry("old", 0, b"two"),
        entry("././@LongLink", b'L', format!("{long}\0").as_bytes()),
        entry("short", b'0', b"three"),
        vec![0; 2 * BLOCK],
    ]
    .concat();
    assert_eq!(content(&tar, "plain").as_deref(), Some("one"));
    assert_eq!(content(&tar, "old").as_deref(), Some("two"));
    assert_eq!(content(&tar, &long).as_deref(), Some("three"));
    let pax = [entry("x", b'x', b"12 path=p/q\n"), entry("short", b'0', b"four")].concat();
    assert_eq!(content(&pax, "p/q").as_deref(), Some("four"));
    assert_eq!(content(&pax, "short"), None);
}

#[test]
fn a_prefix_counts_only_behind_the_posix_magic() {
    let with_magic = |magic: &[u8]| {
        let mut block: [u8; BLOCK] = entry("name", b'0', b"").try_into().expect("one block");
        block[257..257 + magic.len()].copy_from_slice(magic);
        block[345..348].copy_from_slice(b"dir");
        let sum = format!("{:06o}\0 ", checksum(&block));
        block[148..156].copy_from_slice(sum.as_bytes());
        open(&block).expect("a tar")
    };
    assert!(with_magic(b"ustar\x0000").contains("dir/name"));
    assert!(with_magic(b"ustar  \0").contains("name"));
}

#[test]
fn sizes_may_be_octal_base_256_or_pax() {
    let mut binary = [0; 12];
    binary[0] = 0x80;
    binary[11] = 3;
    let tar = [header("b", b'0', &binary, ""), padded(b"abc")].concat();
    assert_eq!(content(&tar, "b").as_deref(), Some("abc"));
    let tar = [
        entry("x", b'x', b"10 size=4\n"),
        header("p", b'0', b"00000000000\0", ""),
        padded(b"four"),
        entry("after", b'0', b"!"),
    ]
    .concat();
    assert_eq!(content(&tar, "p").as_deref(), Some("four"));
    assert_eq!(content(&tar, "after").as_deref(), Some("!"));
}

#[test]
fn hostile_archives_are_refused_with_the_reason() {
    let huge = [0xff; 12];
    let mut too_large = [0xff; 12];
    too_large[0] = 0x80;
    let extension = |kind| header("x", kind, b"77777777777\0", "");
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("negative size", header("a", b'0', &huge, ""), "size is no number"),
        ("overflowing size", header("a", b'0', &too_large, ""), "size is no number"),
        ("size beyond the end", header("a", b'0', b"00000010000\0", ""), "beyond the end"),
        ("no checksum", vec![b'a'; BLOCK], "checksum is no number"),
        (
            "wrong checksum",
            {
                let mut block = entry("a", b'0', b"");
                block[0] = b'b';
                block
            },
            "not a tar file",
        ),
        ("cut header", entry("a", b'0', b"")[..300].to_vec(), "ends within a header"),
        ("PAX beyond the end", extension(b'x'), "beyond the end"),
        ("long name beyond the end", extension(b'L'), "beyond the end"),
        ("large PAX", entry("x", b'x', &vec![b'a'; 70_000]), "over the limit"),
        ("large long name", entry("x", b'L', &vec![b'a'; 70_000]), "over the limit"),
        ("PAX garbage", entry("x", b'x', b"hello"), "PAX header is damaged"),
        ("PAX length lies", entry("x", b'x', b"999 path=a\n"), "PAX header is damaged"),
        ("PAX size", entry("x", b'x', b"11 size=-4\n"), "PAX size is no number"),
        ("twice", [entry("a", b'0', b""), entry("./a", b'0', b"")].concat(), "holds a twice"),
        ("sparse", entry("a", b'S', b""), "sparse"),
    ];
    for (name, bytes, expect) in table {
        let error = open(&bytes).expect_err(name).to_string();
        assert!(error.contains(expect), "{name}: {error}");
    }
}

#[test]
fn links_are_followed_within_the_archive_only_and_not_in_circles() {
    let link = |name: &str, kind, target: &str| header(name, kind, b"00000000000\0", target);
    let tar = [
        entry("a/layer.tar", b'0', b"bytes"),
        link("b/layer.tar", b'2', "../a/layer.tar"),
        link("c/layer.tar", b'2', "../b/layer.tar"),
        link("hard", b'1', "a/layer.tar"),
        link("loop1", b'2', "loop2"),
        link("loop2", b'2', "loop1"),
        link("out", b'2', "../../etc/passwd"),
        link("absolute", b'2', "/etc/passwd"),
        link("self", b'2', "self"),
    ]
    .concat();
    for name in ["a/layer.tar", "b/layer.tar", "c/layer.tar", "hard", "./hard"] {
        assert_eq!(content(&tar, name).as_deref(), Some("bytes"), "{name}");
    }
    let index = open(&tar).expect("a tar");
    for name in ["out", "absolute", "../a/layer.tar", "/a/layer.tar", "missing"] {
        assert!(index.find(name).expect("no loop").is_none(), "{name}");
    }
    for name in ["loop1", "self"] {
        let error = index.find(name).expect_err(name).to_string();
        assert!(error.contains("in a circle"), "{error}");
    }
}

#[test]
fn an_entry_larger_than_its_limit_is_not_read() {
    let index = open(&entry("a", b'0', &[0; 100])).expect("a tar");
    let error = index.read("a", "manifest-bytes", 99).expect_err("too large");
    assert!(matches!(error, SourceError::LimitExceeded { limit: "manifest-bytes", .. }));
    assert_eq!(index.read("a", "manifest-bytes", 100).expect("fits").map(|b| b.len()), Some(100));
}

#[test]
fn a_file_cut_after_it_was_indexed_gives_an_error_instead_of_fewer_bytes() {
    let dir = TempDir::new().expect("tempdir");
    let path = dir.path().join("x.tar");
    fs::write(&path, entry("a", b'0', &[1; 2000])).expect("write");
    let index = TarIndex::open(&path).expect("a tar");
    fs::File::options().write(true).open(&path).expect("open").set_len(1000).expect("cut");
    let segment = index.find("a").expect("no loop").expect("there");
    assert!(segment.read_all().is_err());
}

proptest! {
    #[test]
    fn any_damage_to_a_tar_gives_an_index_or_an_error(
        position in 0_usize..3072, value: u8, length in 0_usize..3072,
    ) {
        let mut tar = [
            entry("x", b'x', b"12 path=p/q\n"),
            entry("a", b'0', b"abc"),
            header("l", b'2', b"00000000000\0", "a"),
            vec![0; BLOCK],
        ].concat();
        if let Some(byte) = tar.get_mut(position) {
            *byte = value;
        }
        tar.truncate(length);
        if let Ok(index) = open(&tar) {
            let _ = index.find("a");
            let _ = index.find("l");
        }
    }
}
