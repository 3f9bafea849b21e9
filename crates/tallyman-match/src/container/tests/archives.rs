use std::io::Write;
use std::path::Path;

use tallyman_model::limits::Limits;

use crate::container::{ReadError, Reader};
use crate::feed::Harvest;

fn record(id: &str) -> String {
    format!(
        r#"{{"id": "{id}", "modified": "2024-01-01T00:00:00Z", "affected": [
            {{"package": {{"ecosystem": "npm", "name": "a"}}, "versions": ["1.0.0"]}}]}}"#
    )
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mtime(1_000);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut output);
    for (name, bytes) in files {
        let file = archive.new_file(name).compression_method(rawzip::CompressionMethod::DEFLATE);
        let (mut entry, config) = file.start().unwrap();
        let encoder =
            flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
        let mut writer = config.wrap(encoder);
        writer.write_all(bytes).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    output
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn read(path: &Path) -> (Harvest, Vec<(String, ReadError)>) {
    let mut ignore = |_: &_| {};
    let limits = Limits::default();
    let folder = tempfile::tempdir().unwrap();
    let mut reader = Reader::new(&limits, folder.path(), &mut ignore);
    reader.read_path(path);
    (reader.harvest, reader.failed)
}

fn ids(harvest: &Harvest) -> Vec<&str> {
    harvest.records.iter().map(|record| record.advisory.id.as_str()).collect()
}

#[test]
fn feeds_come_in_folders_and_archives_of_all_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("a.json", record("A").as_bytes());
    write("b/b.json.gz", &gzip(record("B").as_bytes()));
    write("b/c.json.zst", &zstd(record("C").as_bytes()));
    write("d.tar", &tar(&[("x/d.json", record("D").as_bytes()), ("README.md", b"# Read me")]));
    write("e.tar.gz", &gzip(&tar(&[("e.json", record("E").as_bytes())])));
    write("f.tar.zst", &zstd(&tar(&[("f.json.gz", &gzip(record("F").as_bytes()))])));
    write("g.zip", &zip(&[("all/g.json", record("G").as_bytes()), ("all/h", b"")]));
    std::os::unix::fs::symlink("a.json", folder.path().join("z-link.json")).unwrap();
    let (harvest, failed) = read(folder.path());
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(ids(&harvest), ["A", "B", "C", "D", "E", "F", "G"]);
}

#[test]
fn a_broken_file_in_a_folder_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let good =
        tar(&[("a.json", record("A").as_bytes()), ("b.json", b"{\"id\": \"B\", \"affected\": 1}")]);
    let packed = zstd(&good);
    std::fs::write(folder.path().join("1.tar.zst"), &packed).unwrap();
    std::fs::write(folder.path().join("2.tar.zst"), &packed[..packed.len() - 4]).unwrap();
    let (harvest, failed) = read(folder.path());
    assert_eq!(ids(&harvest), ["A"]);
    assert_eq!(harvest.refused.len(), 1);
    assert!(harvest.refused[0].name.ends_with("1.tar.zst: b.json"));
    assert_eq!(failed.len(), 1);
    assert!(failed[0].0.ends_with("2.tar.zst"));
}

#[test]
fn a_broken_member_of_an_archive_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.tar");
    let broken = gzip(record("B").as_bytes());
    let broken = &broken[..broken.len() - 5];
    std::fs::write(&path, tar(&[("b.gz", broken), ("a.json", record("A").as_bytes())])).unwrap();
    let (harvest, failed) = read(&path);
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(ids(&harvest), ["A"]);
    assert!(harvest.refused[0].name.ends_with("feed.tar: b.gz"));
}

#[test]
fn an_archive_that_is_cut_anywhere_fails_or_has_whole_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.tar.zst");
    let whole =
        zstd(&tar(&[("a.json", record("A").as_bytes()), ("b.json", record("B").as_bytes())]));
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let (harvest, failed) = read(&path);
        assert_eq!((harvest.records.len(), failed.len()), (0, 1), "{length} bytes");
    }
}

#[test]
fn a_path_that_is_not_there_is_a_failure() {
    let (_, failed) = read(Path::new("/nowhere/at-all"));
    assert_eq!(failed.len(), 1);
}
