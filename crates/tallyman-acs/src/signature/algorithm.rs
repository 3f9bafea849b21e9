//! The keyed and plain hashes behind the schemes.

use hmac::{Hmac, KeyInit, Mac};
use ring::{digest, hmac as ring_hmac};
use sm3::{Digest as _, Sm3};

use crate::signature::Scheme;

/// Names the hash of a V3 scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sm3,
}

impl Hash {
    /// Returns the hash that a scheme computes over the body and the canonical request.
    pub(crate) fn of(scheme: Scheme) -> Self {
        match scheme {
            Scheme::V3HmacSm3 => Self::Sm3,
            Scheme::V1HmacSha1
            | Scheme::V1RsaSha256
            | Scheme::V3HmacSha256
            | Scheme::V3RsaSha256 => Self::Sha256,
        }
    }

    /// Returns the digest in lower-case hexadecimal.
    pub(crate) fn hex_digest(self, data: &[u8]) -> String {
        match self {
            Self::Sha256 => hex::encode(digest::digest(&digest::SHA256, data)),
            Self::Sm3 => hex::encode(Sm3::digest(data)),
        }
    }

    /// Returns the HMAC of a message.
    pub(crate) fn hmac(self, secret: &[u8], message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => {
                let key = ring_hmac::Key::new(ring_hmac::HMAC_SHA256, secret);
                ring_hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Sm3 => hmac_sm3(secret, message).finalize().into_bytes().to_vec(),
        }
    }

    /// Returns whether a tag is the HMAC of a message, in constant time.
    pub(crate) fn verifies(self, secret: &[u8], message: &[u8], tag: &[u8]) -> bool {
        match self {
            Self::Sha256 => {
                let key = ring_hmac::Key::new(ring_hmac::HMAC_SHA256, secret);
                ring_hmac::verify(&key, message, tag).is_ok()
            }
            Self::Sm3 => hmac_sm3(secret, message).verify_slice(tag).is_ok(),
        }
    }
}

/// Returns the key of V1, which is the secret with an ampersand (legacy of its OAuth 1 origin).
pub(crate) fn v1_key(secret: &str) -> ring_hmac::Key {
    let key = format!("{secret}&");
    ring_hmac::Key::new(ring_hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes())
}

/// Decodes a signature in hexadecimal. Only lower case is a signature, so that each has one form.
pub(crate) fn decode_lower_hex(text: &str) -> Option<Vec<u8>> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    hex::decode(text).ok()
}

fn hmac_sm3(secret: &[u8], message: &[u8]) -> Hmac<Sm3> {
    let mut mac = Hmac::<Sm3>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests;
