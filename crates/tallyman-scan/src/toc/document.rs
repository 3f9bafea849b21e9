//! The table of contents as it is written: one JSON document, the same for both formats but for a
//! few fields (stargz-snapshotter, docs/estargz.md, "TOC, TOCEntries and Footer"; containers/storage,
//! package `chunked`, type `FileMetadata`).
//!
//! It is read as a stream, and only what is needed later is kept. Whatever is not as expected makes
//! the table unusable: then the layer is read as a whole, which needs no table.

use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tallyman_model::limits::Limits;

use crate::analyzers::{self, Want};
use crate::path::normalize;
use crate::tar::EntryKind;

/// An entry of the layer's tar.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TocEntry {
    /// The path as it stands in the tar.
    pub(crate) path: Box<str>,
    /// The target of a link.
    pub(crate) link: Box<str>,
    pub(crate) kind: EntryKind,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    /// The index of its first chunk, if its content is wanted.
    pub(crate) first_chunk: Option<usize>,
    /// What of its content is wanted.
    pub(crate) want: Want,
}

/// A piece of a wanted file, which is packed on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Where the packed bytes begin in the layer.
    pub(crate) start: u64,
    /// Where they end at the latest.
    pub(crate) end: u64,
    /// The unpacked bytes.
    pub(crate) size: u64,
    /// The SHA-256 of the unpacked bytes; any where they are zeros.
    pub(crate) digest: [u8; 32],
    pub(crate) content: ChunkContent,
}

/// Where the content of a chunk comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChunkContent {
    /// It has to be fetched.
    Missing,
    /// It is zeros, or what nobody looks at.
    Zeros,
    /// It was fetched and verified before, or its beginning: nobody looks at the rest.
    Kept(Box<[u8]>),
}

impl Chunk {
    /// Tells whether the content has to be fetched.
    pub(crate) fn is_missing(&self) -> bool {
        match self.content {
            ChunkContent::Missing => true,
            ChunkContent::Zeros | ChunkContent::Kept(_) => false,
        }
    }
}

/// What a table of contents says.
#[derive(Debug, Default)]
pub(crate) struct Toc {
    pub(crate) entries: Vec<TocEntry>,
    /// The chunks of the wanted files, in the order of the layer.
    pub(crate) chunks: Vec<Chunk>,
}

/// Parses a table whose chunks all end before `end`, and keeps the chunks of the files that an
/// analyzer wants.
pub(crate) fn parse(reader: impl Read, end: u64, limits: &Limits) -> Result<Toc, String> {
    let mut builder = Builder::new(limits);
    let mut json = serde_json::Deserializer::from_reader(reader);
    Document(&mut builder).deserialize(&mut json).map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    builder.finish(end)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawKind {
    Dir,
    Reg,
    Symlink,
    Hardlink,
    Char,
    Block,
    Fifo,
    Chunk,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry {
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    kind: RawKind,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    mode: i64,
    #[serde(default)]
    link_name: String,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    end_offset: u64,
    #[serde(default)]
    inner_offset: u64,
    #[serde(default)]
    chunk_offset: u64,
    #[serde(default)]
    chunk_size: u64,
    #[serde(default)]
    chunk_type: String,
    #[serde(default)]
    chunk_digest: String,
    #[serde(default)]
    digest: String,
}

struct Document<'b, 'l>(&'b mut Builder<'l>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of contents")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut version = 0;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => version = map.next_value::<u64>()?,
                "entries" => map.next_value_seed(Entries(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if version == 1 { Ok(()) } else { Err(de::Error::custom("its version is not 1")) }
    }
}

struct Entries<'b, 'l>(&'b mut Builder<'l>);

impl<'de> DeserializeSeed<'de> for Entries<'_, '_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Go writes an empty list as null.
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<RawEntry>()? {
            self.0.add(entry).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

/// The regular file whose chunks come.
#[derive(Default)]
struct OpenFile {
    size: u64,
    /// How much of it the chunks so far hold.
    covered: u64,
    /// Where its packed bytes end, if the table says so.
    end: Option<u64>,
    is_wanted: bool,
}

struct Builder<'l> {
    limits: &'l Limits,
    toc: Toc,
    file: Option<OpenFile>,
    /// Where the packed bytes of the last chunk begin: they come in the order of the layer.
    last_start: Option<u64>,
    /// Tells whether the last chunk that was kept still needs its end.
    needs_end: bool,
    path: String,
}

impl<'l> Builder<'l> {
    fn new(limits: &'l Limits) -> Self {
        let (file, last_start, needs_end) = (None, None, false);
        Builder { limits, toc: Toc::default(), file, last_start, needs_end, path: String::new() }
    }

    fn add(&mut self, raw: RawEntry) -> Result<(), &'static str> {
        let kind = match raw.kind {
            RawKind::Chunk => return self.add_chunk(&raw),
            RawKind::Reg => EntryKind::Regular,
            RawKind::Dir => EntryKind::Directory,
            RawKind::Symlink => EntryKind::Symlink,
            RawKind::Hardlink => EntryKind::HardLink,
            RawKind::Char | RawKind::Block | RawKind::Fifo => EntryKind::Special,
        };
        self.finish_file()?;
        if self.toc.entries.len() as u64 >= self.limits.layer_entries {
            return Err("it has too many entries");
        }
        if raw.name.contains('\0') || raw.link_name.contains('\0') {
            return Err("a path holds a NUL byte");
        }
        let is_file = kind == EntryKind::Regular;
        // What cannot be a mode counts as executable, as it does in a tar.
        let mode = u32::try_from(raw.mode).unwrap_or(0o777);
        let size = if is_file { raw.size } else { 0 };
        let want = if size > 0 { self.want(&raw.name, size, mode) } else { Want::Nothing };
        let is_wanted = want != Want::Nothing;
        self.toc.entries.push(TocEntry {
            path: raw.name.as_str().into(),
            link: raw.link_name.as_str().into(),
            kind,
            size,
            mode,
            first_chunk: is_wanted.then_some(self.toc.chunks.len()),
            want,
        });
        if size > 0 {
            let end = (raw.end_offset > 0).then_some(raw.end_offset);
            self.file = Some(OpenFile { size, covered: 0, end, is_wanted });
            self.add_chunk(&raw)?;
        }
        Ok(())
    }

    fn want(&mut self, name: &str, size: u64, mode: u32) -> Want {
        let is_path = name.len() <= self.limits.path_bytes
            && normalize(name.as_bytes(), &mut self.path).is_ok();
        match is_path {
            true => analyzers::want(&self.path, size, mode, self.limits),
            false => Want::Nothing,
        }
    }

    fn add_chunk(&mut self, raw: &RawEntry) -> Result<(), &'static str> {
        let Some(file) = &mut self.file else {
            return Err("a chunk belongs to no file");
        };
        if raw.inner_offset != 0 {
            return Err("several chunks are packed together");
        }
        if raw.chunk_offset != file.covered || self.last_start >= Some(raw.offset) {
            return Err("the chunks are not in the order of the layer");
        }
        let left = file.size.saturating_sub(file.covered);
        let size = if raw.chunk_size == 0 { left } else { raw.chunk_size };
        if size == 0 || size > left {
            return Err("a chunk has no bytes of its file");
        }
        let is_whole = size == file.size;
        file.covered = file.covered.saturating_add(size);
        let is_wanted = file.is_wanted;
        self.last_start = Some(raw.offset);
        self.end_chunk(raw.offset);
        if is_wanted {
            let (digest, content) = match raw.chunk_type.as_str() {
                "" => (digest_of(raw, is_whole)?, ChunkContent::Missing),
                "zeros" => ([0; 32], ChunkContent::Zeros),
                _ => return Err("a chunk is of an unknown type"),
            };
            self.toc.chunks.push(Chunk { start: raw.offset, end: 0, size, digest, content });
            self.needs_end = true;
        }
        Ok(())
    }

    /// Ends the last chunk where the next one begins.
    fn end_chunk(&mut self, end: u64) {
        if std::mem::take(&mut self.needs_end)
            && let Some(last) = self.toc.chunks.last_mut()
        {
            last.end = end;
        }
    }

    fn finish_file(&mut self) -> Result<(), &'static str> {
        let Some(file) = self.file.take() else { return Ok(()) };
        if file.covered != file.size {
            return Err("the chunks of a file do not make up its size");
        }
        if let Some(end) = file.end {
            self.end_chunk(end);
        }
        Ok(())
    }

    fn finish(mut self, end: u64) -> Result<Toc, String> {
        self.finish_file()?;
        self.end_chunk(end);
        let is_sound = |chunk: &Chunk| chunk.start < chunk.end && chunk.end <= end;
        if self.toc.chunks.iter().all(is_sound) {
            Ok(self.toc)
        } else {
            Err("a chunk lies outside the layer".to_owned())
        }
    }
}

/// Returns the SHA-256 of a chunk; that of the file stands for its only one.
fn digest_of(raw: &RawEntry, is_whole: bool) -> Result<[u8; 32], &'static str> {
    let text = match raw.chunk_digest.as_str() {
        "" if is_whole => &raw.digest,
        text => text,
    };
    let mut bytes = [0; 32];
    let hex = text.strip_prefix("sha256:").ok_or("a chunk has no SHA-256")?;
    hex::decode_to_slice(hex, &mut bytes).map_err(|_| "a chunk's digest is malformed")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
