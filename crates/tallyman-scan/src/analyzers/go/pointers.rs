//! The layout of build information before Go 1.18: two pointers to string headers, which point to
//! the Go version and to the list of modules somewhere else in the program.
//!
//! A stream cannot be followed backwards. But the list stands between two marks of its own, and
//! texts that are a Go version are few: both are noted as they pass by, and used when the program
//! turns out to have this layout. Where different texts could be the version, none is believed.

use std::collections::BTreeSet;

use memchr::memmem;

use crate::analyzers::go::BuildInfo;
use crate::analyzers::lookahead::{Lookahead, Window};

/// The marks around the list of modules (Go source, `cmd/go/internal/modload`, `infoStart` and
/// `infoEnd`).
pub(super) const START_MARK: &[u8] =
    b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";
pub(super) const END_MARK: &[u8] =
    b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";

const VERSION_START: &[u8] = b"go1.";

/// More different texts than this are not versions.
const VERSIONS_MAX: usize = 32;

/// No mark and no Go version is longer.
const TEXT_BYTES: usize = 32;

/// What passes by of a program that may have the layout.
pub(super) struct Pointers {
    has_header: bool,
    lookahead: Lookahead,
    versions: BTreeSet<String>,
    list: List,
}

enum List {
    Missing,
    /// What followed the first mark so far.
    Open(Vec<u8>),
    Complete(Vec<u8>),
}

impl Pointers {
    pub(super) fn new() -> Self {
        Pointers {
            has_header: false,
            lookahead: Lookahead::new(TEXT_BYTES),
            versions: BTreeSet::new(),
            list: List::Missing,
        }
    }

    /// Notes that a magic number with pointers was found.
    pub(super) fn note_header(&mut self) {
        self.has_header = true;
    }

    pub(super) fn feed(&mut self, piece: &[u8], max_bytes: usize) {
        if let List::Open(list) = &mut self.list {
            list.extend_from_slice(piece);
        }
        let (versions, list) = (&mut self.versions, &mut self.list);
        self.lookahead.feed(piece, |window| {
            note_versions(versions, window);
            begin_list(list, window);
            true
        });
        self.end_list(max_bytes);
    }

    /// Returns what the program was built from, if it has the layout.
    pub(super) fn finish(mut self) -> Option<BuildInfo> {
        let versions = &mut self.versions;
        self.lookahead.finish(|window| note_versions(versions, window));
        let List::Complete(modules) = self.list else {
            return None;
        };
        let mut versions = self.versions.into_iter();
        let go_version = match (versions.next(), versions.next()) {
            (Some(only), None) => only,
            _ => String::new(),
        };
        self.has_header.then_some(BuildInfo { go_version, modules })
    }

    fn end_list(&mut self, max_bytes: usize) {
        let List::Open(list) = &mut self.list else {
            return;
        };
        if let Some(end) = memmem::find(list, END_MARK) {
            list.truncate(end);
            self.list = List::Complete(std::mem::take(list));
        } else if list.len() > max_bytes {
            self.list = List::Missing;
        }
    }
}

/// Returns the texts of a kind that begin in a window.
fn beginnings<'w>(window: &'w Window<'_>, text: &'static [u8]) -> impl Iterator<Item = usize> + 'w {
    let end = window.beginnings.saturating_add(text.len()).saturating_sub(1);
    let searched = window.bytes.get(..end.min(window.bytes.len())).unwrap_or_default();
    memmem::find_iter(searched, text)
}

fn note_versions(versions: &mut BTreeSet<String>, window: &Window<'_>) {
    for at in beginnings(window, VERSION_START) {
        let text = window.bytes.get(at..).unwrap_or_default();
        if let Some(version) = read_version(text)
            && versions.len() < VERSIONS_MAX
        {
            versions.insert(version);
        }
    }
}

fn begin_list(list: &mut List, window: &Window<'_>) {
    if matches!(list, List::Missing)
        && let Some(at) = beginnings(window, START_MARK).next()
    {
        *list = List::Open(window.from(at.saturating_add(START_MARK.len())));
    }
}

/// Reads `go1.17.13`, or `go1.17rc1` and the like.
fn read_version(text: &[u8]) -> Option<String> {
    let numbers = text.get(VERSION_START.len()..)?;
    let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let len = numbers.iter().take(TEXT_BYTES / 2).take_while(|byte| is_number(byte)).count();
    let numbers = std::str::from_utf8(numbers.get(..len)?).ok()?.trim_end_matches('.');
    (!numbers.is_empty()).then(|| format!("go1.{numbers}"))
}
