//! Keys that sign bundles of advisories, and those that are trusted (Ed25519, RFC 8032).

use std::fmt;
use std::str::FromStr;

use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

const PREFIX: &str = "ed25519:";
/// What a file with a secret key begins with, so that it is not taken for anything else.
const SECRET_PREFIX: &str = "tallyman-secret-key-1:";

/// A text or file that is no key.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKey {
    /// A public key in another form.
    #[error("a public key is written {PREFIX} and 64 hexadecimal digits, as `db keygen` prints it")]
    Public,
    /// A secret key in another form.
    #[error("it holds no secret key that `db keygen` made")]
    Secret,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// A public key, written as `ed25519:` and hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(InvalidKey::Public)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| InvalidKey::Public)?;
        Ok(PublicKey(bytes))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A secret key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl SigningKey {
    /// Makes a key, and the text of the file that keeps it.
    ///
    /// # Errors
    ///
    /// [`InvalidKey::NoRandomness`].
    pub fn generate() -> Result<(Self, String), InvalidKey> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| InvalidKey::NoRandomness)?;
        let text = format!("{SECRET_PREFIX}{}\n", hex::encode(document.as_ref()));
        Ok((Self::parse(&text)?, text))
    }

    /// Reads the text of a key's file.
    ///
    /// # Errors
    ///
    /// [`InvalidKey::Secret`].
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let digits = text.trim().strip_prefix(SECRET_PREFIX).ok_or(InvalidKey::Secret)?;
        let document = hex::decode(digits).map_err(|_| InvalidKey::Secret)?;
        let pair = Ed25519KeyPair::from_pkcs8(&document).map_err(|_| InvalidKey::Secret)?;
        Ok(SigningKey { pair })
    }

    /// Returns the key that others need to check what this one signs.
    pub fn public(&self) -> PublicKey {
        let bytes = self.pair.public_key().as_ref();
        PublicKey(bytes.try_into().expect("an Ed25519 public key has 32 bytes"))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        let signature = hex::encode(self.pair.sign(message).as_ref());
        Signature { key: self.public().to_string(), signature }
    }
}

/// A signature, and by which key it claims to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Signature {
    pub(crate) key: String,
    signature: String,
}

impl Signature {
    /// Tells whether it is by this key and of this message.
    pub(crate) fn is_by(&self, key: &PublicKey, message: &[u8]) -> bool {
        let Ok(signature) = hex::decode(&self.signature) else { return false };
        UnparsedPublicKey::new(&ED25519, key.0).verify(message, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{PublicKey, SigningKey};

    #[test]
    fn a_signature_holds_for_its_message_and_its_key_only() {
        let (key, text) = SigningKey::generate().unwrap();
        let again = SigningKey::parse(&text).unwrap();
        assert_eq!(again.public(), key.public());
        let signature = again.sign(b"message");
        assert!(signature.is_by(&key.public(), b"message"));
        assert!(!signature.is_by(&key.public(), b"Message"));
        let (other, _) = SigningKey::generate().unwrap();
        assert!(!signature.is_by(&other.public(), b"message"));
        assert_eq!(format!("{key:?}"), "***");
    }

    #[test]
    fn keys_are_read_as_they_are_written_and_nothing_else_is() {
        let (key, text) = SigningKey::generate().unwrap();
        let written = key.public().to_string();
        assert_eq!(written.parse::<PublicKey>().unwrap(), key.public());
        for wrong in ["", "ed25519:", "ed25519:zz", &written[..70], &text] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
        }
        assert!(SigningKey::parse(&written).is_err());
    }
}
