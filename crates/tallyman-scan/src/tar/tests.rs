use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, proptest};

use super::{EntryKind, TarReader};
use crate::error::LayerError;
use crate::testing::{TarBuilder, header, pax_record, seal};

/// Every entry as `kind mode path -> link = content`.
fn list(archive: &[u8]) -> Result<Vec<String>, LayerError> {
    // A buffer smaller than a block shows what crosses its edges.
    let mut tar = TarReader::new(BufReader::with_capacity(100, archive));
    let mut lines = Vec::new();
    while let Some((entry, mut content)) = tar.next()? {
        let mut line = format!("{:?} {}", entry.kind, String::from_utf8_lossy(&entry.path));
        if !entry.link.is_empty() {
            line += &format!(" -> {}", String::from_utf8_lossy(&entry.link));
        }
        let mut bytes = Vec::new();
        content.append(&mut bytes, 1000)?;
        if entry.sparse {
            line += " sparse";
        } else if !bytes.is_empty() {
            line += &format!(" = {}", String::from_utf8_lossy(&bytes));
        }
        lines.push(line);
    }
    Ok(lines)
}

fn reason(archive: &[u8]) -> &'static str {
    match list(archive) {
        Err(LayerError::Tar { reason, .. }) => reason,
        other => panic!("not a broken tar: {other:?}"),
    }
}

#[test]
fn all_kinds_of_entries_are_read() {
    let archive = TarBuilder::new()
        .dir("etc/")
        .file("etc/empty", "")
        .file("etc/block", "x".repeat(512))
        .executable("bin/tool", "tool")
        .symlink("bin/link", "tool")
        .hard_link("bin/hard", "bin/tool")
        .entry(b'6', "dev/fifo", "", 0o644, b"")
        .entry(0, "old/", "", 0o755, b"")
        .entry(b'7', "contiguous", "", 0o644, b"c")
        .entry(b'V', "label", "", 0, b"")
        .finish();
    let block = format!("Regular etc/block = {}", "x".repeat(512));
    assert_eq!(
        list(&archive).expect("a good archive"),
        [
            "Directory etc/",
            "Regular etc/empty",
            &block,
            "Regular bin/tool = tool",
            "Symlink bin/link -> tool",
            "HardLink bin/hard -> bin/tool",
            "Special dev/fifo",
            "Directory old/",
            "Regular contiguous = c",
        ]
    );
}

#[test]
fn long_names_come_from_the_prefix_gnu_headers_or_pax() {
    let long = "d/".repeat(200) + "f";
    let mut prefixed = header(b'0', b"name", "", 0o644, b"00000000000\0");
    prefixed[345..351].copy_from_slice(b"prefix");
    seal(&mut prefixed);
    let archive = TarBuilder::new()
        .raw(&prefixed)
        .entry(b'L', "././@LongLink", "", 0, format!("{long}\0").as_bytes())
        .entry(b'K', "././@LongLink", "", 0, b"far/away\0")
        .symlink("short", "near")
        .pax(&[("path", &long), ("linkpath", "pax/away")])
        .symlink("short", "near")
        .pax(&[("path", "first"), ("path", "last"), ("comment", "a=b")])
        .file("short", "1")
        .pax(&[("path", "gone"), ("path", "")])
        .file("kept", "2")
        .finish();
    assert_eq!(
        list(&archive).expect("a good archive"),
        [
            "Regular prefix/name".to_owned(),
            format!("Symlink {long} -> far/away"),
            format!("Symlink {long} -> pax/away"),
            "Regular last = 1".to_owned(),
            "Regular kept = 2".to_owned(),
        ]
    );
}

#[test]
fn the_size_of_a_pax_header_goes_before_the_headers_own() {
    let archive = TarBuilder::new()
        .pax(&[("size", "5")])
        .header(b'0', b"a", "", 0o644, b"00000000000\0")
        .raw(b"hello")
        .pad()
        .file("b", "after")
        .finish();
    let expected = ["Regular a = hello", "Regular b = after"];
    assert_eq!(list(&archive).expect("a good archive"), expected);
}

#[test]
fn a_size_of_an_entry_without_content_is_ignored_as_engines_do() {
    let archive = TarBuilder::new()
        .header(b'5', b"dir", "", 0o755, b"00000001000\0")
        .header(b'1', b"hard", "x", 0o755, b"00000001000\0")
        .file("b", "after")
        .finish();
    let expected = ["Directory dir", "HardLink hard -> x", "Regular b = after"];
    assert_eq!(list(&archive).expect("a good archive"), expected);
}

#[test]
fn binary_sizes_are_read_and_negative_or_huge_ones_refused() {
    let sized = |size: &[u8]| {
        let archive = TarBuilder::new().header(b'0', b"a", "", 0o644, size);
        archive.raw(b"abc").pad().finish()
    };
    let good = sized(b"\x80\0\0\0\0\0\0\0\0\0\0\x03");
    assert_eq!(list(&good).expect("a good archive"), ["Regular a = abc"]);
    assert_eq!(reason(&sized(&[0xff; 12])), "a size that is not a number");
    assert_eq!(reason(&sized(&[0xbf; 12])), "a size that is not a number");
    assert_eq!(reason(&sized(b"0000000000x\0")), "a size that is not a number");
    let max = sized(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(reason(&max), "truncated in the content of an entry");
}

#[test]
fn extension_headers_beyond_a_mebibyte_are_refused_before_they_are_read() {
    for kind in [b'x', b'g', b'L', b'K'] {
        let size = format!("{:011o}\0", 1_u64 << 30);
        let archive = TarBuilder::new().header(kind, b"a", "", 0o644, size.as_bytes());
        let expected = "an extended header of more than 1 MiB";
        assert_eq!(reason(&archive.finish()), expected);
    }
}

#[test]
fn malformed_pax_headers_are_refused() {
    for content in
        ["5 a=b", "99 path=x\n", "path=x\n", " path=x\n", "7 path\n", "0 =\n", "-1 a=b\n"]
    {
        let archive = TarBuilder::new().entry(b'x', "h", "", 0, content.as_bytes());
        assert_eq!(reason(&archive.file("a", "").finish()), "a malformed PAX record", "{content}");
    }
    let with = |name: &str, value: &str| TarBuilder::new().pax(&[(name, value)]).file("a", "");
    assert_eq!(reason(&with("path", "a\0b").finish()), "a PAX path with a NUL byte");
    assert_eq!(reason(&with("size", "-1").finish()), "a PAX size that is not a number");
    assert_eq!(reason(&with("size", "1e3").finish()), "a PAX size that is not a number");
}

#[test]
fn a_global_header_may_comment_but_not_rename() {
    let with = |name: &str| {
        let record = pax_record(name, "1");
        TarBuilder::new().entry(b'g', "pax_global_header", "", 0, &record).file("a", "").finish()
    };
    assert_eq!(list(&with("comment")).expect("a good archive"), ["Regular a"]);
    for name in ["path", "linkpath", "size"] {
        let expected = "a global PAX header that changes paths or sizes";
        assert_eq!(reason(&with(name)), expected, "{name}");
    }
}

#[test]
fn the_end_may_be_missing_but_nothing_may_be_cut() {
    let archive = TarBuilder::new().file("a", "content").unfinished();
    assert_eq!(archive.len(), 1024);
    let expected = ["Regular a = content"];
    assert_eq!(list(&archive).expect("without an end"), expected);
    assert_eq!(list(&archive[..519]).expect("without padding"), expected);
    let one_block = [&archive[..], &[0; 512]].concat();
    assert_eq!(list(&one_block).expect("half an end"), expected);
    for (end, what) in [
        (100, "truncated in a block"),
        (515, "truncated in the content of an entry"),
        (1000, "truncated in the padding of an entry"),
    ] {
        assert_eq!(reason(&archive[..end]), what);
    }
    let dangling = TarBuilder::new().pax(&[("path", "x")]).unfinished();
    assert_eq!(reason(&dangling), "an extended header without an entry");
}

#[test]
fn damaged_headers_and_stray_zeros_are_refused() {
    let mut archive = TarBuilder::new().file("a", "content").finish();
    archive[3] ^= 1;
    assert_eq!(reason(&archive), "a header with a wrong checksum");
    let archive = TarBuilder::new().file("a", "").raw(&[0; 512]).file("b", "").finish();
    assert_eq!(reason(&archive), "a block of zeros inside the archive");
}

#[test]
fn what_follows_the_end_is_not_read_as_entries() {
    let end = TarBuilder::new().file("a", "").finish();
    let archive = [end, TarBuilder::new().file("b", "").finish()].concat();
    assert_eq!(list(&archive).expect("a good archive"), ["Regular a"]);
}

#[test]
fn sparse_files_keep_the_archive_in_step() {
    let mut old = header(b'S', b"old", "", 0o644, b"00000000003\0");
    old[257..265].copy_from_slice(b"ustar  \0");
    old[482] = 1;
    seal(&mut old);
    let mut more = [0; 512];
    more[504] = 1;
    let archive = TarBuilder::new()
        .raw(&old)
        .raw(&more)
        .raw(&[0; 512])
        .raw(b"abc")
        .pad()
        .pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "new")])
        .file("GNUSparseFile.0/new", "map and content")
        .file("after", "x")
        .finish();
    let expected = ["Regular old sparse", "Regular new sparse", "Regular after = x"];
    assert_eq!(list(&archive).expect("a good archive"), expected);
}

#[test]
fn archives_of_gnu_tar_read_like_gnu_tar_lists_them() {
    let Some(root) = make_tree() else {
        return;
    };
    for format in ["gnu", "oldgnu", "pax", "posix", "ustar", "v7"] {
        let run = |action: &str, extra: &[&str]| {
            let mut command = Command::new("tar");
            command.arg(action).arg(root.join("out.tar")).args(extra).env("LC_ALL", "C");
            command.output().expect("tar runs")
        };
        let tree = root.join("tree");
        let directory = tree.to_str().expect("a path of this test");
        let format = format!("--format={format}");
        run("-cf", &[&format, "--sort=name", "--sparse", "-C", directory, "."]);
        let listing = run("-tf", &["--quoting-style=literal"]);
        let expected: Vec<String> =
            String::from_utf8(listing.stdout).expect("UTF-8").lines().map(str::to_owned).collect();
        let archive = fs::read(root.join("out.tar")).expect("tar wrote it");
        let mut tar = TarReader::new(&archive[..]);
        let mut paths = Vec::new();
        while let Some((entry, mut content)) = tar.next().expect("a good archive") {
            let path = String::from_utf8(entry.path.clone()).expect("UTF-8");
            if path.ends_with("plain") && entry.kind == EntryKind::Regular {
                let mut bytes = Vec::new();
                content.append(&mut bytes, u64::MAX).expect("content");
                assert_eq!(bytes, b"plain content");
            }
            paths.push(path);
        }
        assert_eq!(paths, expected, "{format}");
        assert!(paths.len() >= 6, "{format}: {paths:?}");
    }
    fs::remove_dir_all(root).expect("it is ours");
}

/// A tree with long names, links and a sparse file; `None` where there is no GNU tar.
fn make_tree() -> Option<std::path::PathBuf> {
    let version = Command::new("tar").arg("--version").output().ok()?;
    if !version.stdout.starts_with(b"tar (GNU tar)") {
        return None;
    }
    let root = std::env::temp_dir().join(format!("tallyman-tar-{}", std::process::id()));
    let deep = root.join("tree").join("a-directory-with-a-long-name/".repeat(6));
    fs::create_dir_all(&deep).expect("a temporary directory");
    let write = |path: &Path, content: &str| fs::write(path, content).expect("writable");
    write(&root.join("tree/plain"), "plain content");
    write(&deep.join("n".repeat(90)), "in a prefix");
    write(&deep.join("n".repeat(150)), "beyond ustar");
    write(&root.join("tree/umlaut-\u{e4}"), "");
    fs::hard_link(root.join("tree/plain"), root.join("tree/hard")).expect("same directory");
    std::os::unix::fs::symlink("x".repeat(150), root.join("tree/symlink")).expect("a name");
    let sparse = fs::File::create(root.join("tree/sparse")).expect("writable");
    for at in 0..60 {
        std::os::unix::fs::FileExt::write_at(&sparse, b"island", at * 65_536).expect("writable");
    }
    Some(root)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let _ = list(&bytes);
    }

    #[test]
    fn no_damage_to_a_good_archive_makes_the_reader_panic(
        damage in prop::collection::vec((0_usize..6000, any::<u8>()), 1..6),
        cut in 0_usize..6000,
        resealed in any::<bool>(),
    ) {
        let mut archive = TarBuilder::new()
            .file("a", "content")
            .pax(&[("path", "long"), ("size", "3")])
            .file("b", "abc")
            .entry(b'L', "l", "", 0, b"name\0")
            .entry(b'S', "sparse", "", 0o644, &[7; 600])
            .finish();
        for (at, byte) in damage {
            let at = at % archive.len();
            archive[at] = byte;
            let start = at - at % 512;
            if resealed && let Some(block) = archive.get_mut(start..start + 512) {
                let mut sealed: [u8; 512] = block[..].try_into().expect("a block");
                seal(&mut sealed);
                block.copy_from_slice(&sealed);
            }
        }
        archive.truncate(cut.max(1));
        let _ = list(&archive);
    }

    #[test]
    fn what_was_written_is_read_back(
        files in prop::collection::vec(("[a-z]{1,20}(/[a-z]{1,20}){0,20}", ".{0,200}"), 0..8),
    ) {
        let mut builder = TarBuilder::new();
        let mut expected = Vec::new();
        for (path, content) in &files {
            let short = &path[..path.len().min(90)];
            builder = builder.pax(&[("path", path)]).file(short, content);
            let content =
                if content.is_empty() { String::new() } else { format!(" = {content}") };
            expected.push(format!("Regular {path}{content}"));
        }
        let read = list(&builder.finish()).expect("a good archive");
        prop_assert!(read == expected);
    }
}
