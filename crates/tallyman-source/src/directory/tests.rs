use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tallyman_model::inventory::{Diagnostic, DiagnosticKind};
use tallyman_model::limits::{Limits, Over};

use super::{DirectoryOptions, DirectoryReader, FileFilter, Interest, Mounts, SeenFile};
use crate::archive::header::Header;
use crate::error::SourceError;

const CONTENT: Interest = Interest::Content {
    limit: Over { limit: "metadata-bytes", value: 1000 },
    loss: DiagnosticKind::Failed,
};

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Tree(tempfile::tempdir().expect("a directory"));
        for (path, text) in files {
            let path = tree.path(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            fs::write(path, text).expect("a file");
        }
        tree
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join("root").join(inside)
    }

    fn open(&self, filter: FileFilter) -> DirectoryReader {
        DirectoryReader::open(&self.path(""), &DirectoryOptions::default(), filter)
            .expect("it opens")
    }
}

fn everything() -> FileFilter {
    Box::new(|_| CONTENT)
}

fn only(wanted: &'static str) -> FileFilter {
    Box::new(move |file| if file.path == wanted { CONTENT } else { Interest::Name })
}

/// Reads everything; returns the stream and the diagnostics.
fn read(mut reader: DirectoryReader) -> (Vec<u8>, Vec<Diagnostic>) {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).expect("a stream");
    (bytes, reader.into_diagnostics())
}

/// Lists the entries of a tar: path, type, content or target.
fn entries(mut tar: &[u8]) -> Vec<(String, char, String)> {
    let mut entries = Vec::new();
    let mut long_name = None;
    loop {
        let (block, rest) = tar.split_first_chunk::<512>().expect("a block");
        if block.iter().all(|byte| *byte == 0) {
            assert_eq!(rest, [0; 512], "the end has two blocks");
            assert_eq!(entries.remove(0), ("./".to_owned(), '5', String::new()));
            return entries;
        }
        let header = Header::parse(block).expect("a header");
        let size = usize::try_from(header.size).expect("small");
        let content = String::from_utf8_lossy(&rest[..size]).into_owned();
        tar = &rest[size.next_multiple_of(512)..];
        if header.kind == b'x' {
            long_name = content.split_once('=').map(|(_, name)| name.trim_end().to_owned());
            continue;
        }
        let name = String::from_utf8_lossy(&header.name).into_owned();
        let name = long_name.take().unwrap_or(name);
        let link = String::from_utf8_lossy(&header.link_name).into_owned();
        let shown = if header.kind == b'2' { link } else { content };
        entries.push((name, header.kind.into(), shown));
    }
}

fn shown(entries: &[(String, char, String)]) -> Vec<(&str, char, &str)> {
    entries.iter().map(|(path, kind, text)| (path.as_str(), *kind, text.as_str())).collect()
}

#[test]
fn entries_come_in_order_and_only_wanted_content_is_read() {
    let tree = Tree::new(&[("b/x", "xx"), ("b/a/y", "yyy"), ("a", "aa"), ("c", "cc")]);
    symlink("/etc/passwd", tree.path("b/link")).expect("a link");
    let (tar, problems) = read(tree.open(only("b/x")));
    let expected = [
        ("a", '0', ""),
        ("c", '0', ""),
        ("b/", '5', ""),
        ("b/link", '2', "/etc/passwd"),
        ("b/x", '0', "xx"),
        ("b/a/", '5', ""),
        ("b/a/y", '0', ""),
    ];
    assert_eq!(shown(&entries(&tar)), expected);
    assert_eq!(problems, []);
}

#[test]
fn the_stream_depends_on_nothing_but_names_modes_and_wanted_content() {
    let one = Tree::new(&[("a/x", "1"), ("a/y", "2"), ("b", "3")]);
    let two = Tree::new(&[("b", "4"), ("a/y", "22222"), ("a/x", "1")]);
    let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    File::options().write(true).open(two.path("b")).expect("b").set_times(old).expect("times");
    assert_eq!(read(one.open(only("a/x"))), read(two.open(only("a/x"))));
    fs::set_permissions(two.path("b"), fs::Permissions::from_mode(0o700)).expect("a mode");
    assert_ne!(read(one.open(only("a/x"))).0, read(two.open(only("a/x"))).0);
}

#[test]
fn links_are_not_followed() {
    let tree = Tree::new(&[("inside/f", "x")]);
    let outside = tree.0.path().join("outside");
    fs::create_dir(&outside).expect("a directory");
    fs::write(outside.join("secret"), "hidden words").expect("a file");
    symlink(&outside, tree.path("directory")).expect("a link");
    symlink(outside.join("secret"), tree.path("file")).expect("a link");
    symlink("..", tree.path("inside/up")).expect("a link");
    let (tar, problems) = read(tree.open(everything()));
    let names: Vec<String> = entries(&tar).into_iter().map(|entry| entry.0).collect();
    assert_eq!(names, ["directory", "file", "inside/", "inside/f", "inside/up"]);
    assert!(!String::from_utf8_lossy(&tar).contains("hidden words"));
    assert_eq!(problems, []);
}

/// Does something at the moment when the filter is asked for a file.
fn when_asked(path: &'static str, act: impl Fn() + Send + 'static) -> FileFilter {
    Box::new(move |file| {
        if file.path == path {
            act();
        }
        CONTENT
    })
}

#[test]
fn a_file_that_becomes_a_link_is_not_followed_and_named() {
    let tree = Tree::new(&[("a/f", "x")]);
    let outside = tree.0.path().join("secret");
    fs::write(&outside, "secret").expect("a file");
    let path = tree.path("a/f");
    let (tar, problems) = read(tree.open(when_asked("a/f", move || {
        fs::remove_file(&path).expect("removed");
        symlink(&outside, &path).expect("a link");
    })));
    assert_eq!(shown(&entries(&tar)), [("a/", '5', "")]);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!((problem.path.as_str(), problem.kind), ("a/f", DiagnosticKind::Failed));
}

/// The first is the directory that is entered next, the second one on the way to it.
#[test]
fn a_directory_that_becomes_a_link_is_a_failure() {
    for replaced in ["b/d", "b"] {
        let tree = Tree::new(&[("a", "x"), ("b/c", "y"), ("b/d/e", "z")]);
        let outside = tree.0.path().join("outside");
        fs::create_dir_all(outside.join("d")).expect("a directory");
        fs::write(outside.join("secret"), "secret").expect("a file");
        fs::write(outside.join("d/secret"), "secret").expect("a file");
        let path = tree.path(replaced);
        // `b` has been listed when its file is asked for, and `b/d` has not.
        let (tar, problems) = read(tree.open(when_asked("b/c", move || {
            fs::remove_dir_all(&path).expect("removed");
            symlink(&outside, &path).expect("a link");
        })));
        assert!(!String::from_utf8_lossy(&tar).contains("secret"), "{replaced}");
        let found = problems.iter().find(|problem| problem.path == "b/d");
        assert_eq!(found.map(|it| it.kind), Some(DiagnosticKind::Failed), "{problems:?}");
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_keeps_its_size_and_is_named() {
    let tree = Tree::new(&[("f", "0123456789")]);
    let mut reader = tree.open(everything());
    let mut header = [0; 1024];
    reader.read_exact(&mut header).expect("a header");
    File::options().write(true).open(tree.path("f")).expect("f").set_len(4).expect("cut");
    let (rest, problems) = read(reader);
    let tar = [&header[..], &rest].concat();
    assert_eq!(shown(&entries(&tar)), [("f", '0', "0123\0\0\0\0\0\0")]);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!((problem.path.as_str(), problem.kind), ("f", DiagnosticKind::Failed));
    assert!(problem.reason.contains("changed"), "{problem:?}");
}

#[test]
fn a_file_that_grows_while_it_is_read_is_named() {
    let tree = Tree::new(&[("f", "0123456789")]);
    let mut reader = tree.open(everything());
    let mut header = [0; 1024];
    reader.read_exact(&mut header).expect("a header");
    fs::write(tree.path("f"), "0123456789abc").expect("longer");
    let (rest, problems) = read(reader);
    assert_eq!(shown(&entries(&[&header[..], &rest].concat())), [("f", '0', "0123456789")]);
    assert!(problems[0].reason.contains("changed"), "{problems:?}");
}

#[test]
fn a_file_over_its_limit_is_named_and_not_read() {
    let tree = Tree::new(&[("big", &"x".repeat(1001)), ("small", &"x".repeat(1000))]);
    let (tar, problems) = read(tree.open(everything()));
    assert_eq!(entries(&tar).len(), 1);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.path, "big");
    assert!(problem.reason.contains("over the limit metadata-bytes of 1000 bytes"), "{problem:?}");
}

#[test]
fn a_file_whose_head_is_asked_for_is_read_only_if_the_head_is_wanted() {
    let tree = Tree::new(&[("program", "\u{7f}ELF and more"), ("script", "#!/bin/sh")]);
    let filter = |file: &SeenFile<'_>| match file.head {
        None => Interest::Head,
        Some(head) if head.starts_with(b"\x7fELF") => CONTENT,
        Some(_) => Interest::Name,
    };
    let (tar, problems) = read(tree.open(Box::new(filter)));
    let expected = [("program", '0', "\u{7f}ELF and more"), ("script", '0', "")];
    assert_eq!(shown(&entries(&tar)), expected);
    assert_eq!(problems, []);
}

#[test]
fn the_stream_begins_like_a_tar_whatever_the_first_name_is() {
    let tree = Tree::new(&[("\u{1f}", "x")]);
    assert!(read(tree.open(everything())).0.starts_with(b"./\0"));
}

#[test]
fn names_that_a_layer_would_take_for_whiteouts_hide_nothing() {
    let tree = Tree::new(&[(".wh.a", "x"), (".wh.d/inside", "y"), ("b", "z")]);
    let (tar, problems) = read(tree.open(everything()));
    assert_eq!(shown(&entries(&tar)), [("b", '0', "z"), (".wh.d/inside", '0', "y")]);
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, [".wh.a"]);
    assert_eq!(read(tree.open(only("b"))).1, []);
}

#[test]
fn pipes_are_neither_opened_nor_left_out() {
    let tree = Tree::new(&[("a/f", "x")]);
    let made = std::process::Command::new("mkfifo").arg(tree.path("a/pipe")).status();
    assert!(made.expect("mkfifo").success());
    let (tar, problems) = read(tree.open(everything()));
    assert_eq!(shown(&entries(&tar))[2], ("a/pipe", '6', ""));
    assert_eq!(problems, []);
}

#[test]
fn names_that_are_long_or_not_utf8_are_kept() {
    let tree = Tree::new(&[]);
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(200));
    fs::create_dir_all(tree.path(&long).parent().expect("a parent")).expect("directories");
    fs::write(tree.path(&long), "long").expect("a file");
    let odd = tree.path("").join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::write(odd, "odd").expect("a file");
    let (tar, problems) = read(tree.open(everything()));
    let found = entries(&tar);
    let expected = [
        ("odd\u{fffd}", '0', "odd"),
        (&*format!("{}/", "d".repeat(200)), '5', ""),
        (&*long, '0', "long"),
    ];
    assert_eq!(shown(&found), expected);
    assert!(tar.windows(4).any(|bytes| bytes == b"odd\xff"));
    assert_eq!(problems, []);
}

#[test]
fn a_path_beyond_the_limit_is_named_in_the_stream_and_not_entered() {
    let tree = Tree::new(&[("abc/def/g", "x")]);
    let limits = Limits { path_bytes: 6, ..Limits::default() };
    let options = DirectoryOptions { mounts: Mounts::Stay, limits };
    let reader = DirectoryReader::open(&tree.path(""), &options, everything()).expect("it opens");
    let (tar, _) = read(reader);
    assert_eq!(shown(&entries(&tar)), [("abc/", '5', ""), ("abc/def/", '5', "")]);
}

#[test]
fn diagnostics_beyond_the_limit_are_counted() {
    let tree = Tree::new(&[(".wh.a", ""), (".wh.b", ""), (".wh.c", "")]);
    let limits = Limits { diagnostics: 1, ..Limits::default() };
    let options = DirectoryOptions { mounts: Mounts::Stay, limits };
    let reader = DirectoryReader::open(&tree.path(""), &options, everything()).expect("it opens");
    let (_, problems) = read(reader);
    assert_eq!(problems.len(), 2);
    let reason = "2 further diagnostics were dropped".to_owned();
    let kind = DiagnosticKind::Failed;
    assert!(problems.contains(&Diagnostic { path: String::new(), kind, reason }), "{problems:?}");
}

#[test]
fn made_up_file_systems_are_not_read() {
    let open = |path: &Path| {
        DirectoryReader::open(path, &DirectoryOptions::default(), everything())
            .expect_err("refused")
            .to_string()
    };
    if Path::new("/proc/self").exists() {
        let text = open(Path::new("/proc"));
        assert_eq!(text, "use /proc: procfs holds no files, so it is left out");
    }
    let tree = Tree::new(&[("f", "x")]);
    assert!(open(&tree.path("f")).contains("it is no directory"));
    assert!(matches!(
        DirectoryReader::open(&tree.path("g"), &DirectoryOptions::default(), everything()),
        Err(SourceError::NotFound { .. })
    ));
}
