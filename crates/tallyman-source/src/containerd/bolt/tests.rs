use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{BRANCH, Bolt, Bucket, IS_BUCKET, LEAF, MAGIC, Snapshot, VERSION, Value, fnv1a};
use crate::error::SourceError;

const PAGE: usize = 4096;

/// What a test puts under a key.
pub(crate) enum Put {
    Bytes(Vec<u8>),
    /// A bucket within its parent's page.
    Inline(Vec<(Vec<u8>, Put)>),
    /// A bucket with pages of its own.
    Tree(u64),
}

fn page(id: u64, flags: u16, elements: &[u8], count: usize) -> Vec<u8> {
    let mut page = Vec::new();
    page.extend(id.to_ne_bytes());
    page.extend(flags.to_ne_bytes());
    page.extend(u16::try_from(count).expect("few").to_ne_bytes());
    let overflow = (16 + elements.len()).div_ceil(PAGE).saturating_sub(1);
    page.extend(u32::try_from(overflow).expect("few").to_ne_bytes());
    page.extend(elements);
    page
}

fn leaf_elements(entries: &[(Vec<u8>, Put)]) -> Vec<u8> {
    let (mut heads, mut data) = (Vec::new(), Vec::new());
    for (index, (key, put)) in entries.iter().enumerate() {
        let (flags, value) = match put {
            Put::Bytes(bytes) => (0, bytes.clone()),
            Put::Tree(root) => (IS_BUCKET, [root.to_ne_bytes(), [0; 8]].concat()),
            Put::Inline(inner) => {
                let page = page(0, LEAF, &leaf_elements(inner), inner.len());
                (IS_BUCKET, [&[0; 16][..], &page].concat())
            }
        };
        let position = (entries.len() - index) * 16 + data.len();
        for number in [flags as usize, position, key.len(), value.len()] {
            heads.extend(u32::try_from(number).expect("small").to_ne_bytes());
        }
        data.extend(key);
        data.extend(value);
    }
    [heads, data].concat()
}

/// Makes a leaf page of its own.
pub(crate) fn leaf(id: u64, entries: &[(Vec<u8>, Put)]) -> Vec<u8> {
    page(id, LEAF, &leaf_elements(entries), entries.len())
}

fn branch(id: u64, children: &[u64]) -> Vec<u8> {
    let mut elements = Vec::new();
    for child in children {
        elements.extend([0; 8]);
        elements.extend(child.to_ne_bytes());
    }
    page(id, BRANCH, &elements, children.len())
}

fn meta(id: u64, root: u64, transaction: u64) -> Vec<u8> {
    let mut meta = Vec::new();
    for number in [MAGIC, VERSION, u32::try_from(PAGE).expect("small"), 0] {
        meta.extend(number.to_ne_bytes());
    }
    for number in [root, 0, 2, 100, transaction] {
        meta.extend(number.to_ne_bytes());
    }
    meta.extend(fnv1a(&meta).to_ne_bytes());
    page(id, 4, &meta, 0)
}

/// Writes a database of pages whose root is page 3.
pub(crate) fn write(path: &Path, pages: &[Vec<u8>]) {
    let mut file = Vec::new();
    let metas = [meta(0, 3, 8), meta(1, 3, 9), page(2, 0x10, &[], 0)];
    for page in metas.iter().chain(pages) {
        file.extend(page);
        file.resize(file.len().next_multiple_of(PAGE), 0);
    }
    fs::write(path, file).expect("a file");
}

fn bytes(text: &str) -> Put {
    Put::Bytes(text.as_bytes().to_vec())
}

fn key(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn database(pages: &[Vec<u8>]) -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("tempdir");
    let path = dir.path().join("meta.db");
    write(&path, pages);
    (dir, path)
}

/// Shows everything in a bucket.
fn shown(snapshot: &Snapshot<'_>, of: &Bucket) -> Result<String, SourceError> {
    let mut text = String::new();
    for (key, value) in snapshot.entries(of)? {
        let value = match value {
            Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Value::Bucket(bucket) => format!("({})", shown(snapshot, &bucket)?),
        };
        text.push_str(&format!("{}={value} ", String::from_utf8_lossy(&key)));
    }
    Ok(text)
}

fn all(path: &Path) -> Result<String, SourceError> {
    Bolt::open(path)?.read(|snapshot| shown(snapshot, &snapshot.root()))
}

fn sample() -> Vec<Vec<u8>> {
    vec![
        leaf(3, &[(key("a"), bytes("1")), (key("b"), Put::Tree(4))]),
        branch(4, &[5, 6]),
        leaf(5, &[(key("c"), Put::Inline(vec![(key("d"), bytes("2"))]))]),
        leaf(6, &[(key("e"), Put::Bytes(vec![b'x'; 5000]))]),
    ]
}

#[test]
fn buckets_are_read_wherever_they_are() {
    let (_dir, path) = database(&sample());
    let expected = format!("a=1 b=(c=(d=2 ) e={} ) ", "x".repeat(5000));
    assert_eq!(all(&path).expect("a database"), expected);
    let found = Bolt::open(&path).expect("a file").read(|snapshot| {
        let root = snapshot.root();
        Ok((snapshot.bucket(&root, b"b")?.is_some(), snapshot.bucket(&root, b"a")?.is_some()))
    });
    assert_eq!(found.expect("a database"), (true, false));
}

#[test]
fn the_later_commit_counts_unless_it_is_damaged() {
    let pages = [leaf(3, &[(key("old"), bytes(""))]), leaf(4, &[(key("new"), bytes(""))])];
    for (place, expected) in [(0, "new= "), (1, "new= ")] {
        let (_dir, path) = database(&pages);
        let mut file = fs::read(&path).expect("read");
        let page = meta(place, 4, 10);
        let at = usize::try_from(place).expect("small") * PAGE;
        file[at..at + page.len()].copy_from_slice(&page);
        fs::write(&path, &file).expect("write");
        assert_eq!(all(&path).expect("a database"), expected);
        file[at + 70] ^= 1;
        fs::write(&path, &file).expect("write");
        assert_eq!(all(&path).expect("a database"), "old= ");
        let other = (PAGE - at) + 70;
        file[other] ^= 1;
        fs::write(&path, &file).expect("write");
        let error = all(&path).expect_err("no valid meta page").to_string();
        assert!(error.ends_with("it is no bbolt database of version 2"), "{error}");
    }
}

#[test]
fn what_was_read_across_a_commit_is_read_again() {
    let (_dir, path) = database(&sample());
    let bolt = Bolt::open(&path).expect("a file");
    let calls = Cell::new(0_u64);
    let commit = || {
        let mut file = fs::read(&path).expect("read");
        let page = meta(0, 3, 100 + calls.get());
        file[..page.len()].copy_from_slice(&page);
        fs::write(&path, file).expect("write");
    };
    let found = bolt.read(|_| {
        calls.set(calls.get() + 1);
        if calls.get() == 1 {
            commit();
            return Err(bolt.malformed("a page was taken away"));
        }
        Ok("read")
    });
    assert_eq!((found.expect("the second time"), calls.get()), ("read", 2));

    let error = bolt.read(|_| -> Result<(), SourceError> {
        calls.set(calls.get() + 1);
        commit();
        Ok(())
    });
    assert!(error.expect_err("always written").is_transient());
}

#[test]
fn hostile_databases_end_with_an_error() {
    let many: Vec<(Vec<u8>, Put)> = vec![(key("a"), Put::Bytes(vec![0; 60_000]))];
    let mut shared = leaf(3, &many);
    // Every element shows the same bytes.
    let element = shared[16..32].to_vec();
    let count = 3_000_u16;
    shared.splice(16..16, element.repeat(usize::from(count) - 1));
    shared[10..12].copy_from_slice(&count.to_ne_bytes());
    let overflow = u32::try_from(shared.len() / PAGE).expect("small");
    shared[12..16].copy_from_slice(&overflow.to_ne_bytes());
    let mut huge = leaf(3, &[]);
    huge[12..16].copy_from_slice(&u32::MAX.to_ne_bytes());
    let tables: [(&str, Vec<Vec<u8>>); 6] = [
        ("circle", vec![branch(3, &[3])]),
        ("damaged", vec![branch(3, &[u64::MAX])]),
        ("damaged", vec![leaf(4, &[])]),
        ("damaged", vec![page(3, LEAF, &[0xff; 64], 4)]),
        ("database page", vec![huge]),
        ("database bytes", vec![shared]),
    ];
    for (expect, pages) in tables {
        let (_dir, path) = database(&pages);
        let error = all(&path).expect_err(expect).to_string();
        assert!(error.contains(expect), "{error}");
    }
    let wide: Vec<u64> = vec![4; 200];
    let (_dir, path) = database(&[branch(3, &wide), branch(4, &[5; 200]), branch(5, &[6; 200])]);
    assert!(all(&path).is_err());
}

proptest! {
    #[test]
    fn any_damage_gives_an_answer_or_an_error(
        damage in prop::collection::vec((0_usize..7 * PAGE, any::<u8>()), 1..20)
    ) {
        let (_dir, path) = database(&sample());
        let mut file = fs::read(&path).expect("read");
        for (at, byte) in damage {
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
        }
        fs::write(&path, file).expect("write");
        let _ = all(&path);
    }
}
