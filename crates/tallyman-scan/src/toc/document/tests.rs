use serde_json::{Value, json};
use tallyman_model::limits::Limits;

use super::{Chunk, ChunkContent, Toc, parse};

const END: u64 = 1000;

fn parsed(entries: &Value) -> Result<Toc, String> {
    let text = json!({"version": 1, "entries": entries, "tarSplitDigest": "any"}).to_string();
    parse(text.as_bytes(), END, &Limits::default())
}

fn digest(byte: u8) -> String {
    format!("sha256:{}", hex::encode([byte; 32]))
}

fn bytes(start: u64, end: u64, size: u64, byte: u8) -> Chunk {
    Chunk { start, end, size, digest: [byte; 32], content: ChunkContent::Missing }
}

#[test]
fn chunks_end_where_the_next_one_begins_or_the_table_says() {
    let toc = parsed(&json!([
        {"name": "etc/os-release", "type": "reg", "size": 10, "offset": 50, "digest": digest(1)},
        {"name": "x.bin", "type": "reg", "size": 10, "offset": 100},
        {"name": "etc", "type": "dir"},
        {"name": "usr/lib/os-release", "type": "reg", "size": 30, "offset": 200, "endOffset": 290,
         "chunkSize": 10, "chunkDigest": digest(2), "digest": digest(9)},
        {"name": "usr/lib/os-release", "type": "chunk", "offset": 220, "chunkOffset": 10,
         "chunkSize": 5, "chunkType": "zeros"},
        {"type": "chunk", "offset": 240, "chunkOffset": 15, "chunkDigest": digest(3)},
        {"name": "y.bin", "type": "reg", "size": 1, "offset": 300},
        {"name": "lib/apk/db/installed", "type": "reg", "size": 7, "offset": 400,
         "chunkDigest": digest(4), "digest": digest(9)},
    ]))
    .expect("a sound table");
    let (digest, content) = ([0; 32], ChunkContent::Zeros);
    let zeros = Chunk { start: 220, end: 240, size: 5, digest, content };
    assert_eq!(
        toc.chunks,
        [
            bytes(50, 100, 10, 1),
            bytes(200, 220, 10, 2),
            zeros,
            bytes(240, 290, 15, 3),
            bytes(400, END, 7, 4),
        ]
    );
    let firsts: Vec<_> = toc.entries.iter().map(|entry| entry.first_chunk).collect();
    assert_eq!(firsts, [Some(0), None, None, Some(1), None, Some(4)]);
}

#[test]
fn an_empty_list_may_be_written_as_null() {
    assert_eq!(parsed(&Value::Null).expect("a sound table").entries, []);
}

#[test]
fn a_table_that_contradicts_itself_is_refused() {
    let file = |extra: Value| {
        let mut entry = json!({"name": "etc/os-release", "type": "reg", "size": 10, "offset": 50,
            "digest": digest(1)});
        for (name, value) in extra.as_object().expect("an object") {
            entry[name] = value.clone();
        }
        entry
    };
    let sound = file(json!({}));
    for (entries, expect) in [
        (json!([{"name": "a", "type": "socket"}]), "unknown variant"),
        (json!([{"name": "a"}]), "missing field `type`"),
        (json!([{"name": "a\0b", "type": "dir"}]), "NUL"),
        (json!([{"name": "a", "type": "symlink", "linkName": "\0"}]), "NUL"),
        (json!([{"type": "chunk", "offset": 1}]), "belongs to no file"),
        (
            json!([sound, {"type": "chunk", "offset": 60, "chunkOffset": 10}]),
            "no bytes of its file",
        ),
        (json!([sound, sound]), "not in the order"),
        (json!([file(json!({"offset": 2000}))]), "outside the layer"),
        (json!([file(json!({"endOffset": 50}))]), "outside the layer"),
        (json!([file(json!({"innerOffset": 5}))]), "packed together"),
        (json!([file(json!({"chunkOffset": 5}))]), "not in the order"),
        (json!([file(json!({"chunkSize": 11}))]), "no bytes of its file"),
        (json!([file(json!({"chunkSize": 9}))]), "has no SHA-256"),
        (json!([file(json!({"chunkSize": 9, "chunkDigest": digest(1)}))]), "do not make up"),
        (json!([file(json!({"digest": ""}))]), "has no SHA-256"),
        (json!([file(json!({"digest": "sha256:00"}))]), "malformed"),
        (json!([file(json!({"chunkType": "holes"}))]), "unknown type"),
        (json!([file(json!({"size": -1}))]), "invalid value"),
    ] {
        let error = parsed(&entries).expect_err(expect);
        assert!(error.contains(expect), "{error}, not {expect}");
    }
    let limits = Limits { layer_entries: 1, ..Limits::default() };
    let text = json!({"version": 1, "entries": [{"type": "dir"}, {"type": "dir"}]}).to_string();
    let error = parse(text.as_bytes(), END, &limits).expect_err("too many");
    assert!(error.contains("too many entries"), "{error}");
}
