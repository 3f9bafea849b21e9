//! Finds the table of contents in the layer and opens it.
//!
//! eStargz says where it is in the layer's last bytes (docs/estargz.md, "Footer"); its table is the
//! last file of the tar, in a gzip member of its own. Of zstd:chunked the descriptor's annotations
//! say it (containers/storage, package `chunked`); its table is a frame inside a skippable frame.

use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::slice;

use flate2::bufread::GzDecoder;
use ring::digest::{Context, SHA256, SHA512};
use tallyman_model::digest::{Algorithm, Digest};
use tallyman_model::image::{LayerToc, TocFormat};

use crate::decompress::ZSTD_WINDOW_LOG_MAX;
use crate::tar::header::Block;
use crate::toc::ReadRanges;
use crate::toc::unpack::Packing;

/// The name of the table in the tar of an eStargz layer.
pub(crate) const ESTARGZ_TOC: &str = "stargz.index.json";

/// A larger table is not worth its while: it is held in memory.
const TOC_BYTES_MAX: u64 = 128 << 20;

/// eStargz: an empty gzip member with the offset in its extra field.
const FOOTER_BYTES: usize = 51;

/// zstd:chunked: the magic number and length of the skippable frame (RFC 8878, section 3.1.2).
const FRAME_HEADER_BYTES: u64 = 8;

/// Where a table of contents is.
#[derive(Debug)]
pub(crate) struct Located {
    /// The packed table.
    pub(crate) range: Range<u64>,
    /// Where the files end.
    pub(crate) content_end: u64,
    pub(crate) packing: Packing,
}

/// Finds out where the table is.
pub(crate) fn locate(
    toc: &LayerToc,
    size_bytes: u64,
    read: &ReadRanges<'_>,
) -> Result<Located, String> {
    let located = match toc.format {
        TocFormat::Estargz => {
            let start = size_bytes.checked_sub(FOOTER_BYTES as u64).ok_or("it has no footer")?;
            let mut footer = [0; FOOTER_BYTES];
            let stream = read(slice::from_ref(&(start..size_bytes)));
            stream.and_then(|mut it| it.read_exact(&mut footer)).map_err(|it| it.to_string())?;
            let offset = parse_footer(&footer).ok_or("its footer is not that of eStargz")?;
            Located { range: offset..start, content_end: offset, packing: Packing::Gzip }
        }
        TocFormat::ZstdChunked { offset, length } => {
            let end = offset.checked_add(length).ok_or("its place is outside the layer")?;
            let content_end = offset.saturating_sub(FRAME_HEADER_BYTES);
            Located { range: offset..end, content_end, packing: Packing::Zstd }
        }
    };
    let Range { start, end } = located.range;
    if start >= end || end > size_bytes || end.saturating_sub(start) > TOC_BYTES_MAX {
        return Err("its place is outside the layer, or it is too large".to_owned());
    }
    Ok(located)
}

fn parse_footer(footer: &[u8]) -> Option<u64> {
    let (head, rest) = footer.split_at_checked(10)?;
    let (extra, rest) = rest.split_at_checked(6)?;
    let (offset, rest) = rest.split_at_checked(16)?;
    // Deflate with an extra field, whose only subfield is `SG`.
    let is_right = head.starts_with(&[0x1f, 0x8b, 8, 4])
        && extra == [26, 0, b'S', b'G', 22, 0]
        && rest.starts_with(b"STARGZ");
    let offset = std::str::from_utf8(offset).ok().filter(|_| is_right)?;
    u64::from_str_radix(offset, 16).ok()
}

/// Begins to read the table.
pub(crate) fn open<'a>(
    toc: &LayerToc,
    located: &Located,
    read: &'a ReadRanges<'a>,
) -> Result<TocJson<'a>, String> {
    let failed = |error: io::Error| error.to_string();
    let stream = read(slice::from_ref(&located.range)).map_err(failed)?;
    let source = match toc.format {
        TocFormat::Estargz => {
            let mut gzip = GzDecoder::new(BufReader::new(stream));
            let mut block = Block::zeroed();
            gzip.read_exact(block.bytes_mut()).map_err(failed)?;
            let header = block.parse()?;
            let mut path = Vec::new();
            block.write_path(header.format, &mut path);
            if !matches!(header.type_flag, 0 | b'0') || path != ESTARGZ_TOC.as_bytes() {
                return Err("the last member holds another file".to_owned());
            }
            let json = gzip.take(header.size);
            Source::Estargz(Box::new(BufReader::new(Hashing::new(json, toc.digest.algorithm()))))
        }
        TocFormat::ZstdChunked { .. } => {
            let packed = BufReader::new(Hashing::new(stream, toc.digest.algorithm()));
            let mut decoder = zstd::Decoder::with_buffer(packed).map_err(failed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(failed)?;
            Source::ZstdChunked(Box::new(BufReader::new(decoder)))
        }
    };
    Ok(TocJson { source, expected: toc.digest.clone(), total: 0 })
}

type Stream<'a> = Box<dyn Read + 'a>;
type Member<'a> = io::Take<GzDecoder<BufReader<Stream<'a>>>>;
type Frame<'a> = zstd::Decoder<'static, BufReader<Hashing<Stream<'a>>>>;

enum Source<'a> {
    Estargz(Box<BufReader<Hashing<Member<'a>>>>),
    ZstdChunked(Box<BufReader<Frame<'a>>>),
}

/// The JSON of a table; what it gives is not verified before [`TocJson::verify`].
pub(crate) struct TocJson<'a> {
    source: Source<'a>,
    expected: Digest,
    total: u64,
}

impl TocJson<'_> {
    /// Returns the bytes of JSON so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Reads what is left and compares the digest of all.
    pub(crate) fn verify(&mut self) -> Result<(), String> {
        io::copy(self, &mut io::sink()).map_err(|error| error.to_string())?;
        let found = match &mut self.source {
            Source::Estargz(json) => json.get_mut().finish(),
            Source::ZstdChunked(json) => json.get_mut().get_mut().get_mut().finish(),
        };
        match found.map_err(|error| error.to_string())? == self.expected {
            true => Ok(()),
            false => Err("its digest is not the one that the manifest states".to_owned()),
        }
    }
}

impl Read for TocJson<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.source {
            Source::Estargz(json) => json.read(out)?,
            Source::ZstdChunked(json) => json.read(out)?,
        };
        self.total = self.total.saturating_add(count as u64);
        if self.total > TOC_BYTES_MAX {
            return Err(io::Error::other("it is too large"));
        }
        Ok(count)
    }
}

/// Hashes what is read through it.
struct Hashing<R> {
    inner: R,
    algorithm: Algorithm,
    hash: Context,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R, algorithm: Algorithm) -> Self {
        let hash = Context::new(match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        });
        Hashing { inner, algorithm, hash }
    }

    /// Reads what is left and returns the digest of all.
    fn finish(&mut self) -> io::Result<Digest> {
        io::copy(self, &mut io::sink())?;
        let hash = self.hash.clone().finish();
        let wrong_length = |_| io::Error::other("the hash has an unexpected length");
        match self.algorithm {
            Algorithm::Sha256 => hash.as_ref().try_into().map(Digest::from_sha256),
            Algorithm::Sha512 => hash.as_ref().try_into().map(Digest::from_sha512),
        }
        .map_err(wrong_length)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.hash.update(out.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::parse_footer;

    #[test]
    fn only_the_footer_of_estargz_names_a_place() {
        let mut footer = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 26, 0, b'S', b'G', 22, 0];
        footer.extend(b"00000000000012abSTARGZ\x01\0\0\xff\xff\0\0\0\0\0\0\0\0");
        assert_eq!(footer.len(), 51);
        assert_eq!(parse_footer(&footer), Some(0x12ab));
        for at in [0, 3, 10, 12, 14, 20, 32, 37] {
            let mut other = footer.clone();
            other[at] = b'!';
            assert_eq!(parse_footer(&other), None, "{at}");
        }
        assert_eq!(parse_footer(&footer[..37]), None);
    }
}
