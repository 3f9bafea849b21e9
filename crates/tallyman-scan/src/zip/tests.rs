use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

use super::{Budget, Event, ZipStream};
use crate::testing::zip::{Sizes, ZipBuilder, ZipEntry};

const BUDGET: Budget = Budget { entries: 1000, inflated_bytes: 1 << 20 };

/// What came out of an archive.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    entries: Vec<(String, Result<Vec<u8>, &'static str>)>,
    end: Result<(), String>,
}

impl Read {
    fn good(entries: &[(&str, &[u8])]) -> Self {
        let entries =
            entries.iter().map(|(name, content)| (name.to_string(), Ok(content.to_vec())));
        Read { entries: entries.collect(), end: Ok(()) }
    }
}

fn is_wanted(name: &[u8]) -> bool {
    name.starts_with(b"want")
}

/// Reads an archive in pieces, skipping entries whose name says so.
fn read_within(archive: &[u8], piece: usize, mut budget: Budget) -> Read {
    let mut stream = ZipStream::new(is_wanted);
    let mut entries: Vec<(String, Result<Vec<u8>, &'static str>)> = Vec::new();
    for mut piece in archive.chunks(piece) {
        loop {
            let (count, event) = stream.step(piece, &mut budget);
            piece = &piece[count..];
            match event {
                Event::NeedsMore => break,
                Event::Begin(name) => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    let is_skipped = name.contains("skip");
                    entries.push((name, Ok(Vec::new())));
                    if is_skipped {
                        stream.skip_entry();
                    }
                }
                Event::Content(piece) => {
                    let content = &mut entries.last_mut().expect("an entry").1;
                    content.as_mut().expect("no end yet").extend(piece);
                }
                Event::End(Ok(())) => {}
                Event::End(Err(reason)) => entries.last_mut().expect("an entry").1 = Err(reason),
                Event::Exhausted(reason) => {
                    return Read { entries, end: Err(reason.to_owned()) };
                }
            }
        }
        assert!(piece.is_empty(), "everything was looked at");
    }
    Read { entries, end: stream.finish().map_err(|problem| problem.to_string()) }
}

fn read(archive: &[u8]) -> Read {
    let whole = read_within(archive, usize::MAX, BUDGET);
    for piece in [1, 3, 29, 64] {
        assert_eq!(read_within(archive, piece, BUDGET), whole, "in pieces of {piece}");
    }
    whole
}

/// Content that does not get smaller, with what could be taken for headers in it.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut noise: Vec<u8> = (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    let decoys = b"PK\x03\x04PPK\x07\x08\x05\0\0\0\x05\0\0\0\x05\0\0\0PK\x01\x02PK\x05\x06PK";
    noise.splice(bytes / 2..bytes / 2, decoys.iter().copied());
    noise
}

#[test]
fn entries_are_read_wherever_their_sizes_stand() {
    for sizes in Sizes::ALL {
        let noise = noise(400);
        let archive = ZipBuilder::new()
            .entry(&ZipEntry::deflated("a", &noise).with(sizes))
            .entry(&ZipEntry::deflated("want/deflated", "some text").with(sizes))
            .entry(&ZipEntry::stored("b", &noise).with(sizes))
            .entry(&ZipEntry::stored("want/stored", &noise).with(sizes))
            .entry(&ZipEntry::stored("want/empty", "").with(sizes))
            .entry(&ZipEntry::deflated("want/skip", &noise).with(sizes))
            .entry(&ZipEntry::stored("want/skip-too", &noise).with(sizes))
            .entry(&ZipEntry::stored("directory/", "").with(sizes))
            .entry(&ZipEntry::deflated("want/last", &noise).with(sizes))
            .finish();
        let expected = Read::good(&[
            ("want/deflated", b"some text"),
            ("want/stored", &noise),
            ("want/empty", b""),
            ("want/skip", b""),
            ("want/skip-too", b""),
            ("want/last", &noise),
        ]);
        assert_eq!(read(&archive), expected, "{sizes:?}");
    }
}

#[test]
fn an_empty_archive_is_good() {
    assert_eq!(read(&ZipBuilder::new().finish()), Read::good(&[]));
    assert_eq!(read(&ZipBuilder::new().finish_zip64()), Read::good(&[]));
}

#[test]
fn a_program_in_front_of_the_archive_is_passed_over() {
    for is_adjusted in [false, true] {
        let archive = ZipBuilder::after(b"#!/bin/sh\nexec java -jar PK\x03P \"$0\"\n", is_adjusted)
            .deflated("want", "x");
        assert_eq!(read(&archive.finish()), Read::good(&[("want", b"x")]));
        let archive = ZipBuilder::after(b"#!/bin/sh\n", is_adjusted).deflated("want", "x");
        assert_eq!(read(&archive.finish_zip64()), Read::good(&[("want", b"x")]));
    }
}

#[test]
fn an_archive_behind_an_archive_is_read_too() {
    let first = ZipBuilder::new().stored("want/1", "1").finish();
    for is_adjusted in [false, true] {
        let both = ZipBuilder::after(&first, is_adjusted).stored("want/2", "2").finish();
        assert_eq!(read(&both), Read::good(&[("want/1", b"1"), ("want/2", b"2")]));
    }
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_read() {
    let corrupt = ZipEntry { packed: vec![0xff; 50], ..ZipEntry::deflated("want/corrupt", "") };
    let mut short = ZipEntry::deflated("want/short", "some text");
    short.packed.truncate(4);
    let encrypted = ZipEntry { flags: 1, ..ZipEntry::stored("want/encrypted", "x") };
    let masked = ZipEntry { flags: 1 << 13, ..ZipEntry::stored("want/masked", "x") };
    let lzma = ZipEntry { method: 14, ..ZipEntry::stored("want/lzma", "x") };
    for sizes in [Sizes::InFront, Sizes::Behind] {
        let archive = [&corrupt, &encrypted, &masked, &lzma]
            .into_iter()
            .fold(ZipBuilder::new(), |zip, entry| zip.entry(&entry.clone().with(sizes)))
            .entry(&short)
            .deflated("want/last", "x")
            .finish();
        let expected = [
            ("want/corrupt", Err("its packed content is corrupt")),
            ("want/encrypted", Err("it is encrypted")),
            ("want/masked", Err("it is encrypted")),
            ("want/lzma", Err("it is packed by a method that Java does not know")),
            ("want/short", Err("its packed content is cut off")),
            ("want/last", Ok(b"x".to_vec())),
        ];
        let expected = expected.map(|(name, content)| (name.to_owned(), content)).to_vec();
        assert_eq!(read(&archive), Read { entries: expected, end: Ok(()) }, "{sizes:?}");
    }
}

#[test]
fn a_cut_archive_is_told_with_what_was_read() {
    let zip = || ZipBuilder::new().stored("want", "x").deflated("b", noise(100));
    let archive = zip().finish();
    let cut_off = Err("it is cut off".to_owned());
    let without_end = zip().unfinished();
    for end in [without_end.len(), without_end.len() - 1, archive.len() - 23, archive.len() - 1] {
        let read = read(&archive[..end]);
        assert_eq!(read.entries, [("want".to_owned(), Ok(b"x".to_vec()))], "{end}");
        assert_eq!(read.end, cut_off, "{end}");
    }
    let nothing = Err("it is not a zip archive".to_owned());
    for other in [&b""[..], b"P", b"PK", b"PK\x03", b"no archive"] {
        assert_eq!(read(other), Read { entries: Vec::new(), end: nothing.clone() });
    }
}

#[test]
fn an_entry_that_only_the_directory_lists_is_told() {
    let library = ZipEntry::stored("want/library", "x");
    let other = ZipEntry { listed_as: Some("want/other".to_owned()), ..library.clone() };
    let renamed = ZipEntry { listed_as: Some("b".to_owned()), ..library.clone() };
    let end = |zip: ZipBuilder| read(&zip.stored("b", "").finish()).end;
    let told =
        |name: &str| Err(format!("its directory lists {name}, which is not there or another"));
    let zip = || ZipBuilder::new().stored("a", "content");
    assert_eq!(end(zip().listed(&library, "want/hidden", 0)), told("want/hidden"));
    assert_eq!(end(zip().listed(&library, "want/far", 1 << 30)), told("want/far"));
    assert_eq!(end(zip().entry(&other)), told("want/other"));
    // Read under the name by which it can be of interest.
    assert_eq!(end(zip().entry(&renamed)), Ok(()));
    assert_eq!(end(zip().unlisted(&library)), Ok(()));
    // The same place with another size or method.
    let offset = u32::try_from(zip().unfinished().len()).expect("a small archive");
    for lie in [
        ZipEntry { packed: vec![0; 9], ..library.clone() },
        ZipEntry { method: 8, ..library.clone() },
    ] {
        let zip = zip().unlisted(&library).listed(&lie, "want/library", offset);
        assert_eq!(end(zip), told("want/library"));
    }
}

#[test]
fn a_library_in_the_content_of_another_entry_is_told() {
    let hidden = ZipBuilder::new().stored("want", "x").unfinished();
    let archive = ZipBuilder::new()
        .stored("image.png", &hidden)
        .listed(&ZipEntry::stored("want", "x"), "want", 39)
        .finish();
    assert!(read(&archive).end.is_err());
    // With the directory that lists it hidden in the same way.
    let listed = ZipBuilder::new().stored("want", "x").finish();
    let archive = ZipBuilder::new().stored("image.png", &listed[..listed.len() - 22]);
    let mut archive = archive.finish();
    let end = archive.len() - 22;
    let directory = archive.windows(4).position(|it| it == b"PK\x01\x02").expect("a directory");
    archive[end + 12..end + 16]
        .copy_from_slice(&u32::try_from(end - directory).unwrap().to_le_bytes());
    archive[end + 16..end + 20].copy_from_slice(&u32::try_from(directory).unwrap().to_le_bytes());
    let misplaced = Err("its directory is not where its end says".to_owned());
    assert_eq!(read(&archive).end, misplaced);
}

#[test]
fn a_budget_ends_the_reading() {
    let archive = (0..20).fold(ZipBuilder::new(), |zip, _| zip.stored("a", "")).finish();
    let entries = |entries| read_within(&archive, 64, Budget { entries, ..BUDGET }).end;
    assert_eq!(entries(20), Ok(()));
    assert_eq!(entries(19), Err("it has too many entries (limit archive-entries)".to_owned()));
    let archive = ZipBuilder::new().deflated("want", vec![0; 100_000]).finish();
    let inflated =
        |inflated_bytes| read_within(&archive, 64, Budget { inflated_bytes, ..BUDGET }).end;
    assert_eq!(inflated(100_000), Ok(()));
    assert_eq!(
        inflated(99_999),
        Err("what it holds is too large unpacked (limits expansion-ratio, archive-bytes)"
            .to_owned())
    );
}

fn entry() -> impl Strategy<Value = ZipEntry> {
    let name = prop_oneof!["want[a-z]{0,4}", "[a-z]{0,4}", Just("want/skip".to_owned())];
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        Just(noise(80)),
        Just(b"text ".repeat(50)),
    ];
    (name, content, any::<bool>(), prop::sample::select(&Sizes::ALL[..])).prop_map(
        |(name, content, is_deflated, sizes)| match is_deflated {
            true => ZipEntry::deflated(&name, content).with(sizes),
            false => ZipEntry::stored(&name, content).with(sizes),
        },
    )
}

fn archive() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec(entry(), 0..6), any::<bool>()).prop_map(|(entries, is_zip64)| {
        let zip = entries.iter().fold(ZipBuilder::new(), ZipBuilder::entry);
        if is_zip64 { zip.finish_zip64() } else { zip.finish() }
    })
}

proptest! {
    #[test]
    fn an_archive_reads_the_same_in_pieces_of_any_size(archive in archive(), piece in 1_usize..300) {
        let whole = read_within(&archive, usize::MAX, BUDGET);
        prop_assert_eq!(&whole.end, &Ok(()));
        prop_assert_eq!(read_within(&archive, piece, BUDGET), whole);
    }

    #[test]
    fn a_damaged_archive_reads_the_same_in_pieces_of_any_size(
        archive in archive(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
        piece in 1_usize..300,
    ) {
        let mut archive = archive;
        for (at, byte) in damage {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        archive.truncate(end.index(archive.len() + 1));
        let whole = read_within(&archive, usize::MAX, BUDGET);
        prop_assert_eq!(read_within(&archive, piece, BUDGET), whole);
    }

    #[test]
    fn a_cut_archive_is_never_called_complete(archive in archive(), end in any::<prop::sample::Index>()) {
        let end = end.index(archive.len());
        let read = read_within(&archive[..end], usize::MAX, BUDGET);
        // What is missing is at most the empty comment's length.
        prop_assert_eq!(read.end.is_ok(), false);
    }
}
