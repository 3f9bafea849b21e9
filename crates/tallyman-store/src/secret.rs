//! Secrets at rest: sealed with ChaCha20-Poly1305 (RFC 8439) under a key that lives in a file of
//! its own, so that a copy of the database alone does not reveal them.
//!
//! The key file holds one key a line, in hexadecimal. The first line seals, every line opens:
//! rotation is a new first line, [`crate::store::Store::reseal_access_keys`], and the removal of
//! the old line.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use crate::ids::sha256;

const KEY_LEN: usize = 32;
const KEY_ID_LEN: usize = 8;
/// The first byte of what is sealed: how the rest is laid out.
const FORMAT: u8 = 1;
const HEADER_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// Returns the secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file could not be read or written.
    #[error("use the master key file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not a list of keys.
    #[error("read {}: expected lines of 64 hexadecimal digits", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// Everybody on the machine can read the file.
    #[error("use {}: every user can read it; set its mode to 0600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("make a master key: the system gives no random bytes")]
    NoRandomness,
}

/// The keys that seal and open the secrets in the database.
#[derive(Clone)]
pub struct MasterKey {
    keys: Arc<[SealingKey]>,
}

struct SealingKey {
    id: [u8; KEY_ID_LEN],
    key: LessSafeKey,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

impl MasterKey {
    /// Reads the key file, or makes one (mode 0600) where there is none.
    ///
    /// When several processes do so at once, all end up with the same key.
    pub fn load_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        let file_error = |source| MasterKeyError::File { path: path.to_owned(), source };
        match fs::read_to_string(path) {
            Ok(text) => return Self::load(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(file_error(error)),
        }
        let mut bytes = [0; KEY_LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_| MasterKeyError::NoRandomness)?;
        create_whole(path, &format!("{}\n", hex::encode(bytes))).map_err(file_error)?;
        Self::load(path, &fs::read_to_string(path).map_err(file_error)?)
    }

    /// Makes a master key of 32 random bytes that only lives in memory.
    pub fn ephemeral() -> Result<Self, MasterKeyError> {
        let mut bytes = [0; KEY_LEN];
        SystemRandom::new().fill(&mut bytes).map_err(|_| MasterKeyError::NoRandomness)?;
        let key = SealingKey::new(&bytes).ok_or(MasterKeyError::NoRandomness)?;
        Ok(MasterKey { keys: Arc::new([key]) })
    }

    fn load(path: &Path, text: &str) -> Result<Self, MasterKeyError> {
        if is_exposed(path) {
            return Err(MasterKeyError::Exposed { path: path.to_owned() });
        }
        let malformed = || MasterKeyError::Malformed { path: path.to_owned() };
        let read_line =
            |line: &str| hex::decode(line.trim()).ok().and_then(|bytes| SealingKey::new(&bytes));
        let keys = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(read_line)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(malformed)?;
        if keys.is_empty() { Err(malformed()) } else { Ok(MasterKey { keys: keys.into() }) }
    }

    /// Seals `secret`; it opens only together with the same `context`.
    pub(crate) fn seal(&self, secret: &Secret, context: &str) -> Result<Vec<u8>, &'static str> {
        let key = self.keys.first().ok_or("there is no master key")?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| "the system gives no random bytes")?;
        let mut sealed = secret.0.clone().into_bytes();
        key.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| "it could not be sealed")?;
        let mut bytes = Vec::with_capacity(HEADER_LEN + sealed.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&key.id);
        bytes.extend_from_slice(&nonce);
        bytes.append(&mut sealed);
        Ok(bytes)
    }

    /// Opens what [`MasterKey::seal`] made.
    pub(crate) fn unseal(&self, sealed: &[u8], context: &str) -> Result<Secret, &'static str> {
        let (header, body) =
            sealed.split_at_checked(HEADER_LEN).ok_or("what is stored is too short")?;
        let (format, header) = header.split_at(1);
        if format != [FORMAT] {
            return Err("it was sealed by a newer program");
        }
        let (id, nonce) = header.split_at(KEY_ID_LEN);
        let key = self
            .keys
            .iter()
            .find(|key| key.id == id)
            .ok_or("it was sealed under a key that is not in the master key file")?;
        let nonce =
            Nonce::try_assume_unique_for_key(nonce).map_err(|_| "its nonce is malformed")?;
        let mut bytes = body.to_vec();
        let opened = key
            .key
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut bytes)
            .map_err(|_| "it was changed, or belongs to another access key")?;
        let text = std::str::from_utf8(opened).map_err(|_| "it is not text")?;
        Ok(Secret::new(text))
    }
}

impl SealingKey {
    fn new(bytes: &[u8]) -> Option<Self> {
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, bytes).ok()?);
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&sha256(bytes)[..KEY_ID_LEN]);
        Some(SealingKey { id, key })
    }
}

/// Makes the file appear complete or not at all; a file that is there already stays.
fn create_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut suffix = [0; 8];
    SystemRandom::new()
        .fill(&mut suffix)
        .map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", hex::encode(suffix)));
    let draft = PathBuf::from(name);
    let mut file = create_private(&draft)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    });
    fs::remove_file(&draft)?;
    written?;
    sync_directory_of(path)
}

/// Makes a new file that only its owner can read.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A new name is only safe from a power cut once its directory is on the disk.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
