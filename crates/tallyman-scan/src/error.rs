//! Why a layer could not be analysed. A bad file inside a layer is a diagnostic, not an error.

use std::io;

use tallyman_model::digest::Digest;
use tallyman_model::image::Compression;
use tallyman_model::limits::Over;

/// Why a layer has no inventory: the image that holds it has failed, it is not clean.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The source broke off; nothing is known about the layer.
    #[error("the stored bytes of the layer could not be read")]
    Read(#[source] io::Error),
    /// The bytes are not those that were asked for.
    #[error("the layer was to have the digest {expected}, its bytes have {found}")]
    DigestMismatch {
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of the bytes that came.
        found: Digest,
    },
    /// The number of bytes is not the one that was announced.
    #[error("the layer was to have {expected} bytes, {found} came before reading stopped")]
    SizeMismatch {
        /// The size that was announced.
        expected: u64,
        /// The bytes that were read; fewer than the source holds if it holds too many.
        found: u64,
    },
    /// The layer as a whole, or the image that it is a part of, is larger than allowed.
    #[error("it is {}", Over { limit, value: *value })]
    LimitExceeded {
        /// The field of [`tallyman_model::limits::Limits`].
        limit: &'static str,
        /// Its value.
        value: u64,
    },
    /// The compressed stream is truncated or corrupt.
    #[error("the layer could not be decompressed as {compression:?}")]
    Decompress {
        /// The compression that the bytes themselves show.
        compression: Compression,
        /// What the decompressor says.
        #[source]
        source: io::Error,
    },
    /// The tar is truncated or malformed.
    #[error("the layer's tar is broken at byte {offset}: {reason}")]
    Tar {
        /// The offset in the decompressed stream.
        offset: u64,
        /// What was wrong.
        reason: &'static str,
    },
    /// A file is not the one that the layer's table of contents names.
    #[error("the layer's table of contents does not fit its file {path}: {reason}")]
    ContentMismatch {
        /// The path, as the table gives it.
        path: String,
        /// What was wrong.
        reason: &'static str,
    },
}

impl LayerError {
    /// Tells whether the stored bytes cannot be read any further, so that their digest stays
    /// unknown.
    pub(crate) fn ends_the_input(&self) -> bool {
        match self {
            LayerError::Read(_) | LayerError::SizeMismatch { .. } => true,
            LayerError::LimitExceeded { limit, .. } => *limit == "layer-bytes",
            LayerError::DigestMismatch { .. }
            | LayerError::Decompress { .. }
            | LayerError::Tar { .. }
            | LayerError::ContentMismatch { .. } => false,
        }
    }
}

/// Carries an error through the readers in between, which only know [`io::Error`].
impl From<LayerError> for io::Error {
    fn from(error: LayerError) -> Self {
        io::Error::other(error)
    }
}

/// Takes back what a reader carried; what did not come from here came from the source.
impl From<io::Error> for LayerError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<LayerError>() {
            Ok(error) => error,
            Err(error) => LayerError::Read(error),
        }
    }
}
