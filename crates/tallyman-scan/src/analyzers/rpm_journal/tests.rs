use proptest::prelude::{any, prop, proptest};
use tallyman_model::limits::Limits;

use super::{LOG_MAGIC, ROLLBACK_MAGIC, analyze, wants};
use crate::analyzers::Candidate;

const LOG: &str = "var/lib/rpm/rpmdb.sqlite-wal";
const JOURNAL: &str = "var/lib/rpm/rpmdb.sqlite-journal";
const PAGE_BYTES: u32 = 512;

/// A write-ahead log with a frame for each size of the database after it, 0 within a transaction.
fn log(sizes: &[u32], is_little_endian: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let magic = if is_little_endian { LOG_MAGIC } else { LOG_MAGIC + 1 };
    for number in [magic, 3_007_000, PAGE_BYTES, 0, 11, 22] {
        bytes.extend(number.to_be_bytes());
    }
    let mut sums = add((0, 0), &bytes, is_little_endian);
    bytes.extend([sums.0.to_be_bytes(), sums.1.to_be_bytes()].concat());
    for (page, size) in (1_u32..).zip(sizes) {
        let head = [page.to_be_bytes(), size.to_be_bytes()].concat();
        let content = vec![7; PAGE_BYTES as usize];
        sums = add(add(sums, &head, is_little_endian), &content, is_little_endian);
        bytes.extend(head);
        for number in [11, 22, sums.0, sums.1] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(content);
    }
    bytes
}

fn add((mut a, mut b): (u32, u32), bytes: &[u8], is_little_endian: bool) -> (u32, u32) {
    let words: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|word| {
            let word = [word[0], word[1], word[2], word[3]];
            if is_little_endian { u32::from_le_bytes(word) } else { u32::from_be_bytes(word) }
        })
        .collect();
    for pair in words.chunks_exact(2) {
        a = a.wrapping_add(pair[0]).wrapping_add(b);
        b = b.wrapping_add(pair[1]).wrapping_add(a);
    }
    (a, b)
}

fn fault(path: &str, content: &[u8]) -> Option<String> {
    analyze(path, content, &Limits::default()).err().map(|fault| fault.reason)
}

#[test]
fn the_journals_beside_the_database_are_looked_at() {
    for path in [LOG, JOURNAL, "usr/lib/sysimage/rpm/rpmdb.sqlite-wal"] {
        assert!(wants(&Candidate::new(path, 0, 0o644)), "{path}");
    }
    for path in ["rpmdb.sqlite-wal", "var/lib/rpm/rpmdb.sqlite-shm", "var/lib/x.sqlite-wal"] {
        assert!(!wants(&Candidate::new(path, 0, 0o644)), "{path}");
    }
}

#[test]
fn committed_changes_in_a_log_are_a_fault() {
    let two = "it holds 2 committed changes that the database may lack";
    for is_little_endian in [true, false] {
        let content = log(&[0, 2, 0, 0, 3, 0], is_little_endian);
        assert_eq!(fault(LOG, &content).as_deref(), Some(two));
    }
}

#[test]
fn a_log_without_a_complete_transaction_is_none() {
    for content in [Vec::new(), log(&[], true), log(&[0, 0], true)] {
        assert_eq!(fault(LOG, &content), None);
    }
    let whole = log(&[2], true);
    assert_eq!(fault(LOG, &whole[..whole.len() - 1]), None);
    for at in [0, 10, 20, 30, 33, 45, 50, 100] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert_eq!(fault(LOG, &changed), None, "byte {at}");
    }
    assert!(fault(LOG, &whole).is_some());
}

#[test]
fn a_rollback_journal_that_is_not_done_is_a_fault() {
    assert!(fault(JOURNAL, &[&ROLLBACK_MAGIC[..], &[0; 504]].concat()).is_some());
    assert_eq!(fault(JOURNAL, &[0; 512]), None);
    assert_eq!(fault(JOURNAL, &[]), None);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = fault(LOG, &bytes);
        let _ = fault(JOURNAL, &bytes);
    }
}
