//! Digests of bytes, and the check that bytes are those a digest names.

use ring::digest::{Context, SHA256, SHA512};
use tallyman_model::digest::{Algorithm, Digest};

use crate::error::SourceError;

/// Computes a digest piece by piece.
pub(crate) struct Hasher {
    algorithm: Algorithm,
    context: Context,
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let context = Context::new(match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        });
        Hasher { algorithm, context }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        let hash = self.context.finish();
        match self.algorithm {
            Algorithm::Sha256 => {
                Digest::from_sha256(hash.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
            }
            Algorithm::Sha512 => {
                Digest::from_sha512(hash.as_ref().try_into().expect("SHA-512 gives 64 bytes"))
            }
        }
    }
}

pub(crate) fn digest_of(bytes: &[u8], algorithm: Algorithm) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// Checks that `bytes` are those that `expected` names.
pub(crate) fn verify(subject: &str, bytes: &[u8], expected: &Digest) -> Result<(), SourceError> {
    let actual = digest_of(bytes, expected.algorithm());
    if actual == *expected {
        return Ok(());
    }
    Err(SourceError::DigestMismatch {
        subject: subject.to_owned(),
        expected: expected.clone(),
        actual,
    })
}
