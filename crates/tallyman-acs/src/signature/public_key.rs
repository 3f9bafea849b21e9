//! The public half of an RSA key pair, read from PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

/// The algorithm identifier of RSA keys: OID 1.2.840.113549.1.1.1 with NULL (RFC 3279, 2.3.1).
const RSA_ALGORITHM: &[u8] =
    &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const TAG_SEQUENCE: u8 = 0x30;
const TAG_BIT_STRING: u8 = 0x03;

/// Holds an RSA public key. Verification refuses keys of less than 2,048 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The RSAPublicKey structure of PKCS#1 (RFC 8017, A.1.1), which is what ring reads.
    pkcs1_der: Vec<u8>,
}

/// Says why a PEM text is not a usable public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The markers of a `PUBLIC KEY` block are missing or what is between them is not base64.
    #[error("the text is not a PEM block of type PUBLIC KEY")]
    NotPem,
    /// The block does not hold an RSA key.
    #[error("the PEM block does not hold an RSA public key")]
    NotRsa,
}

impl PublicKey {
    /// Parses a `-----BEGIN PUBLIC KEY-----` block.
    pub fn parse_pem(pem: &str) -> Result<Self, PublicKeyError> {
        let block = pem
            .trim()
            .strip_prefix("-----BEGIN PUBLIC KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
            .ok_or(PublicKeyError::NotPem)?;
        let base64: String = block.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| PublicKeyError::NotPem)?;
        let pkcs1 = strip_subject_public_key_info(&der).ok_or(PublicKeyError::NotRsa)?;
        Ok(Self { pkcs1_der: pkcs1.to_vec() })
    }

    /// Returns whether the signature is that of the message, PKCS#1 v1.5 with SHA-256.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.pkcs1_der)
            .verify(message, signature)
            .is_ok()
    }
}

/// Takes the key out of its SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
fn strip_subject_public_key_info(der: &[u8]) -> Option<&[u8]> {
    let (info, rest) = read_element(der, TAG_SEQUENCE)?;
    let (algorithm, key) = read_element(info, TAG_SEQUENCE)?;
    let (bits, after_key) = read_element(key, TAG_BIT_STRING)?;
    if !rest.is_empty() || !after_key.is_empty() || algorithm != RSA_ALGORITHM {
        return None;
    }
    // The first octet counts the unused bits, of which a key has none.
    bits.strip_prefix(&[0])
}

/// Splits a DER element of the given tag into its content and what follows it.
fn read_element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        0x81 => {
            let (&low, rest) = rest.split_first()?;
            (usize::from(low), rest)
        }
        0x82 => {
            let (bytes, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*bytes)), rest)
        }
        // No RSA key that ring accepts needs longer lengths.
        0x80 | 0x83.. => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests;
