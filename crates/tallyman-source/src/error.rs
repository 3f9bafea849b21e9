//! Why an image could not be opened. Every variant is something a caller treats differently: one
//! is tried again later, another asks for credentials, a third is the image's own fault.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tallyman_model::digest::Digest;
use tallyman_model::limits::Over;
use tallyman_model::platform::Platform;

/// The longest piece of outside text that a message repeats.
const MAX_QUOTED_CHARS: usize = 200;

/// Why an image, a layer or an engine could not be read. The messages read well after
/// "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The thing asked for does not exist.
    #[error("find {subject}: {hint}")]
    NotFound {
        /// What was looked for.
        subject: String,
        /// What to do next.
        hint: String,
    },
    /// The registry wants credentials, or others than it was given.
    #[error("sign in to {registry}: {hint}")]
    Unauthorized {
        /// The registry's host.
        registry: String,
        /// What to do next.
        hint: String,
    },
    /// A registry answered with a redirect that must not be followed.
    #[error("follow the redirect from {from} to {to}: {reason}")]
    ForbiddenRedirect {
        /// The address that answered, without its query.
        from: String,
        /// The address it named, without its query.
        to: String,
        /// The rule that forbids it.
        reason: String,
    },
    /// The host may not be connected to.
    #[error("connect to {host}: {reason}")]
    ForbiddenAddress {
        /// The host that was named.
        host: String,
        /// The rule that forbids it.
        reason: String,
    },
    /// The certificate of the host is not trusted.
    #[error(
        "trust the certificate of {host}: {reason}; a private certificate authority can be added in the settings"
    )]
    UntrustedCertificate {
        /// The host that was connected to.
        host: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// The bytes are not those that the digest names.
    #[error("verify {subject}: its digest is {actual}, expected {expected}")]
    DigestMismatch {
        /// What was read.
        subject: String,
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// The thing is larger than the limits allow.
    #[error("read {subject}: it is {}", Over { limit, value: *maximum })]
    LimitExceeded {
        /// What was read.
        subject: String,
        /// The name of the limit.
        limit: &'static str,
        /// Its value.
        maximum: u64,
    },
    /// The image does not exist for the platform.
    #[error("choose a platform of {subject}: there is no {wanted}; available: {}", list(available))]
    PlatformNotFound {
        /// The image.
        subject: String,
        /// The platform that was asked for, or that of this machine.
        wanted: Platform,
        /// The platforms of the image.
        available: Vec<String>,
    },
    /// Several images are in one archive or layout and the reference chooses none or several.
    #[error(
        "choose an image of {subject}: append a reference to the path, or ask for all of them; \
         available: {}",
        list(available)
    )]
    Ambiguous {
        /// The archive or layout.
        subject: String,
        /// The references in it.
        available: Vec<String>,
    },
    /// The thing is well-formed, but of a kind that is not supported.
    #[error("use {subject}: {reason}")]
    Unsupported {
        /// What was read.
        subject: String,
        /// What is not supported, and what to do instead.
        reason: String,
    },
    /// The bytes are not what their format demands.
    #[error("parse {subject}: {reason}")]
    Malformed {
        /// What was parsed.
        subject: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It may well work when tried again.
    #[error("reach {subject}: {reason}")]
    Transient {
        /// What was asked for.
        subject: String,
        /// What happened.
        reason: String,
        /// How long the other side asked to wait.
        retry_after: Option<Duration>,
    },
    /// The other side refused the request for a reason of its own.
    #[error("get {subject}: the answer was {status}{message}")]
    Refused {
        /// What was asked for.
        subject: String,
        /// The HTTP status.
        status: u16,
        /// The message of the other side, with its separator, or nothing.
        message: String,
    },
    /// A file could not be read or written.
    #[error("access {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl SourceError {
    /// Tells whether the same call may succeed when it is made again later.
    pub fn is_transient(&self) -> bool {
        matches!(self, SourceError::Transient { .. })
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            return SourceError::NotFound {
                subject: path.display().to_string(),
                hint: "it does not exist; check the path".to_owned(),
            };
        }
        SourceError::Io { path: path.to_owned(), source }
    }

    pub(crate) fn malformed(subject: impl Into<String>, reason: impl AsRef<str>) -> Self {
        SourceError::Malformed { subject: subject.into(), reason: quoted(reason.as_ref()) }
    }

    pub(crate) fn unsupported(subject: impl Into<String>, reason: impl AsRef<str>) -> Self {
        SourceError::Unsupported { subject: subject.into(), reason: quoted(reason.as_ref()) }
    }

    pub(crate) fn transient(subject: impl Into<String>, reason: impl AsRef<str>) -> Self {
        SourceError::Transient {
            subject: subject.into(),
            reason: quoted(reason.as_ref()),
            retry_after: None,
        }
    }
}

/// Makes outside text fit for a message: one line, of bounded length.
pub(crate) fn quoted(text: &str) -> String {
    let mut out: String =
        text.chars().take(MAX_QUOTED_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        out.push('…');
    }
    out
}

/// Lists at most twenty names: a hostile index can hold thousands.
pub(crate) fn list(names: &[String]) -> String {
    const MAX_LISTED: usize = 20;
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = names.iter().take(MAX_LISTED).map(|name| quoted(name)).collect();
    match names.len().saturating_sub(MAX_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
