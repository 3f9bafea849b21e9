//! Whether a downloaded file is the one that its publisher means: its size, the digest that stands
//! beside it, and the checksum that Google Cloud Storage sends along.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use tallyman_model::digest::{Algorithm, Digest};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use crate::download::Wanted;
use crate::download::files::Partial;
use crate::error::SourceError;
use crate::registry::reply::plain;
use crate::verify::Hasher;

const BUFFER_BYTES: usize = 256 << 10;

/// Reads the whole file, and returns its SHA-256.
pub(crate) async fn check(
    wanted: &Wanted,
    partial: &Partial,
    crc32c: Option<u32>,
) -> Result<Digest, SourceError> {
    let subject = plain(&wanted.url);
    if let Some(expected) = wanted.size_bytes.filter(|size| *size != partial.size_bytes) {
        let reason = format!("it has {} bytes, its publisher says {expected}", partial.size_bytes);
        return Err(SourceError::malformed(subject, reason));
    }
    let mut own = Hasher::new(Algorithm::Sha256);
    let expected = wanted.digest.as_ref();
    let mut other = expected
        .filter(|digest| digest.algorithm() != Algorithm::Sha256)
        .map(|digest| Hasher::new(digest.algorithm()));
    let mut crc = Crc32c::default();
    let path = partial.part();
    let io = |error| SourceError::io(&path, error);
    let mut file = File::open(&path).await.map_err(io)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = file.read(&mut buffer).await.map_err(io)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        own.update(bytes);
        if let Some(other) = &mut other {
            other.update(bytes);
        }
        if crc32c.is_some() {
            crc.update(bytes);
        }
    }
    let digest = own.finish();
    if let Some(expected) = expected {
        let actual = other.map_or_else(|| digest.clone(), Hasher::finish);
        if actual != *expected {
            let expected = expected.clone();
            return Err(SourceError::DigestMismatch { subject, expected, actual });
        }
    }
    match crc32c {
        Some(expected) if crc.value() != expected => {
            let actual = crc.value();
            let reason = format!("its CRC32C is {actual:08x}, the storage says {expected:08x}");
            Err(SourceError::malformed(subject, reason))
        }
        _ => Ok(digest),
    }
}

/// Finds the CRC32C of an object, which the header `x-goog-hash` gives in base 64 and big-endian
/// (Cloud Storage, "Request and response headers"); several hashes stand in one header or in several.
pub(crate) fn stored_crc32c(headers: &HeaderMap) -> Option<u32> {
    let values = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|hash| {
        let bytes = STANDARD.decode(hash.trim().strip_prefix("crc32c=")?).ok()?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    })
}

/// The checksum of RFC 3720, appendix B.4 (Castagnoli's polynomial, reflected).
pub(crate) struct Crc32c(u32);

const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    let mut seed: u32 = 0;
    while byte < 256 {
        let mut value = seed;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
        seed += 1;
    }
    table
};

impl Default for Crc32c {
    fn default() -> Self {
        Crc32c(u32::MAX)
    }
}

impl Crc32c {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let [low, ..] = self.0.to_le_bytes();
            self.0 = TABLE[usize::from(low ^ byte)] ^ (self.0 >> 8);
        }
    }

    pub(crate) fn value(&self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Crc32c;

    #[test]
    fn the_checksum_is_that_of_the_examples_in_rfc_3720() {
        let ascending: Vec<u8> = (0..32).collect();
        for (bytes, expected) in
            [(vec![0; 32], 0x8a91_36aa), (vec![0xff; 32], 0x62a8_ab43), (ascending, 0x46dd_794e)]
        {
            let mut crc = Crc32c::default();
            bytes.chunks(5).for_each(|chunk| crc.update(chunk));
            assert_eq!(crc.value(), expected);
        }
    }
}
