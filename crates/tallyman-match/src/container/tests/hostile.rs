//! Documents that are made to hurt: each is refused by its name, and nothing else happens.

use std::io::{self, Cursor, Read, Write};

use tallyman_model::limits::Limits;

use crate::container::{ReadError, Reader, describe, read_limited};
use crate::feed::{Harvest, Refusal};

fn import(limits: &Limits, bytes: Vec<u8>) -> (Harvest, Vec<Refusal>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile");
    std::fs::write(&path, bytes).unwrap();
    let mut ignore = |_: &_| {};
    let mut reader = Reader::new(limits, folder.path(), &mut ignore);
    reader.read_path(&path);
    let failed = reader.failed.iter().map(|(name, error)| Refusal {
        name: name.rsplit('/').next().unwrap_or_default().to_owned(),
        reason: describe(error),
    });
    let failed = failed.collect();
    (reader.harvest, failed)
}

/// Checks that the only file fails for a reason that contains the words.
fn check_failed(bytes: Vec<u8>, words: &str) {
    let (harvest, failed) = import(&Limits::default(), bytes);
    assert_eq!(harvest.records, []);
    let [failure] = failed.as_slice() else { panic!("{failed:?}, {:?}", harvest.refused) };
    assert_eq!(failure.name, "hostile");
    assert!(failure.reason.contains(words), "{}", failure.reason);
}

/// Checks that the only record is refused for a reason that contains the words.
fn check_refused(bytes: Vec<u8>, words: &str) {
    let (harvest, failed) = import(&Limits::default(), bytes);
    assert_eq!((harvest.records, failed), (vec![], vec![]));
    let [refusal] = harvest.refused.as_slice() else { panic!("{:?}", harvest.refused) };
    assert!(refusal.name.ends_with("hostile"), "{}", refusal.name);
    assert!(refusal.reason.contains(words), "{}", refusal.reason);
}

fn record(tail: &str) -> Vec<u8> {
    format!(r#"{{"id": "A", "modified": "2024-01-01T00:00:00Z", {tail}}}"#).into_bytes()
}

fn npm(inner: &str) -> Vec<u8> {
    record(&format!(r#""affected": [{{"package": {{"ecosystem": "npm", "name": "a"}}, {inner}}}]"#))
}

#[test]
fn a_string_of_100_megabytes() {
    let text = "x".repeat(100 << 20);
    check_failed(record(&format!("\"details\": \"{text}\"")), "larger than 16777216 bytes");
    let packed = zstd::encode_all(Cursor::new(record(&format!("\"details\": \"{text}\""))), 1);
    check_failed(packed.unwrap(), "larger than 16777216 bytes");
}

#[test]
fn a_vulnerability_of_debians_tracker_that_never_ends() {
    let begin = r#"{"source": {"CVE-2024-1": {"releases": {"sid": {"status": "open", "x": ""#;
    let text = "x".repeat(100 << 20);
    let rest = r#""}}}}}"#;
    let packed = zstd::encode_all(Cursor::new(format!("{begin}{text}{rest}").into_bytes()), 1);
    check_failed(packed.unwrap(), "a vulnerability of more than 16777216 bytes");
}

#[test]
fn millions_of_criteria() {
    let one = "<criterion test_ref='t'/>".repeat(100_000);
    let begin = "<oval_definitions><definitions><definition id='oval:com.oracle.elsa:def:1'>\
                 <criteria operator='OR'>";
    let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
    packed.write_all(begin.as_bytes()).unwrap();
    (0..30).for_each(|_| packed.write_all(one.as_bytes()).unwrap());
    check_failed(packed.finish().unwrap(), "it has too many criteria");
}

#[test]
fn a_member_that_unpacks_to_more_than_a_record_may_have() {
    let limits = Limits { advisory_record_bytes: 1 << 20, ..Limits::default() };
    let member = |path: &str, size: u64| {
        let mut packed = Vec::new();
        let mut archive = rawzip::ZipArchiveWriter::new(&mut packed);
        let deflate = rawzip::CompressionMethod::DEFLATE;
        let (mut entry, config) =
            archive.new_file(path).compression_method(deflate).start().unwrap();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
        let mut writer = config.wrap(encoder);
        let begin = &br#"{"id": "A", "modified": "x", "details": ""#[..];
        io::copy(&mut begin.chain(io::repeat(b'x').take(size)), &mut writer).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
        archive.finish().unwrap();
        packed
    };
    let (harvest, failed) = import(&limits, member("a.json", 64 << 20));
    assert_eq!((harvest.records, failed), (vec![], vec![]));
    assert!(harvest.refused[0].reason.contains("larger than 1048576 bytes"));
}

#[test]
fn a_million_events() {
    let events = vec![r#"{"fixed":"1"}"#; 1_000_000].join(",");
    check_refused(
        npm(&format!(r#""ranges": [{{"type": "SEMVER", "events": [{events}]}}]"#)),
        "more than 20000 events",
    );
}

#[test]
fn deep_nesting() {
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(500_000), close.repeat(500_000));
    let (harvest, failed) =
        import(&Limits::default(), record(&format!("\"x\": {}", deep("[", "]"))));
    assert_eq!((harvest.records.len(), failed.len()), (0, 0));
    check_refused(record(&format!("\"affected\": {}", deep("[", "]"))), "invalid type");
    check_refused(record(&format!("\"database_specific\": {}", deep("{\"a\":", "}"))), "");
    let yaml = format!("id: A\nmodified: x\naffected: {}", deep("[", "]"));
    check_refused(yaml.into_bytes(), "");
}

#[test]
fn yaml_that_refers_to_itself() {
    let mut yaml = "id: A\nmodified: x\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..30 {
        let list = vec![format!("*a{}", i - 1); 9].join(", ");
        yaml += &format!("a{i}: &a{i} [{list}]\n");
    }
    check_refused(yaml.into_bytes(), "");
}

#[test]
fn a_truncated_or_broken_stream() {
    let record = npm("\"versions\": [\"1\"]");
    let packed = zstd::encode_all(Cursor::new(&record), 3).unwrap();
    check_failed(packed[..packed.len() - 3].to_vec(), "");
    check_failed(b"PK\x03\x04broken".to_vec(), "malformed zip archive");
    check_failed(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3], "");
    check_failed(b"nothing that is known".to_vec(), "not a feed in a format that is known here");
    check_failed(Vec::new(), "not a feed in a format that is known here");
    check_failed(br#"{"source": {"CVE-1": {"releases": {"sid": "#.to_vec(), "malformed JSON");
}

#[test]
fn compression_within_compression() {
    let mut bytes = npm("\"versions\": [\"1\"]");
    for _ in 0..10 {
        bytes = zstd::encode_all(Cursor::new(bytes), 1).unwrap();
    }
    check_failed(bytes, "compressed more than 4 times over");
}

#[test]
fn more_records_than_allowed() {
    let limits = Limits { advisory_records: 2, ..Limits::default() };
    let line = String::from_utf8(npm("\"versions\": [\"1\"]")).unwrap();
    let (harvest, failed) = import(&limits, format!("{line}\n{line}\n{line}\n").into_bytes());
    assert_eq!(harvest.records, []);
    assert_eq!(failed[0].reason, "more than 2 records (limit advisory-records)");
}

#[test]
fn names_and_texts_that_are_no_text() {
    check_refused(
        record("\"affected\": [{\"package\": {\"ecosystem\": \"npm\", \"name\": \"\\ud800\"}}]"),
        "",
    );
    let mut bytes = npm("\"versions\": [\"?\"]");
    let at = bytes.iter().position(|b| *b == b'?').unwrap();
    bytes[at] = 0xff;
    check_refused(bytes, "");
    check_refused(record("\"aliases\": 5"), "invalid type");
    check_refused(br#"{"id": "", "modified": "x"}"#.to_vec(), "the id is empty");
}

/// Gives bytes without end, up to a number that must never be asked for.
struct Endless(usize);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(buffer.len()).expect("reading stops at the limit");
        Ok(buffer.len())
    }
}

#[test]
fn no_more_than_the_limit_is_read() {
    let result = read_limited(Endless(100_000), 10_000);
    assert!(matches!(result, Err(ReadError::TooLarge(10_000))));
    assert_eq!(read_limited(&b"1234"[..], 4).unwrap(), b"1234");
}
