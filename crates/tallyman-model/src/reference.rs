//! Image references: `host[:port]/name[:tag][@digest]`
//! (distribution, reference grammar; Docker's default registry and `library/` prefix).

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// The registry that a reference without a host means.
pub const DEFAULT_REGISTRY: &str = "docker.io";

const DEFAULT_TAG: &str = "latest";
const MAX_NAME_BYTES: usize = 255;

/// A parsed reference. At least one of tag and digest is always known to the reader: a reference
/// with neither gets the tag `latest`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an image reference.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct InvalidReference {
    text: String,
    reason: &'static str,
}

impl ImageReference {
    /// Returns the registry's host and port, `docker.io` where none was given.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the repository's full name, such as `library/alpine`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag, unless the reference is by digest alone.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest, where the reference has one.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Returns the same reference, pinned to a digest.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        ImageReference { digest: Some(digest), ..self.clone() }
    }

    /// Returns the repository without its last component (`library`), empty where there is none.
    pub fn namespace(&self) -> &str {
        self.repository.rsplit_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// Returns the last component of the repository (`alpine`).
    pub fn name(&self) -> &str {
        self.repository.rsplit_once('/').map_or(&self.repository, |(_, name)| name)
    }

    /// Returns what a registry is asked for: the digest where there is one, else the tag.
    pub fn version(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => DEFAULT_TAG.to_owned(),
        }
    }
}

impl FromStr for ImageReference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |reason| InvalidReference { text: text.chars().take(300).collect(), reason };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse().map_err(|_| invalid("the digest is malformed"))?))
            }
            None => (text, None),
        };
        let (path, tag) = split_tag(rest);
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(invalid("the tag is malformed"));
        }
        let (registry, repository) = split_registry(path);
        if !is_host(registry) {
            return Err(invalid("the registry's host is malformed"));
        }
        let is_docker = registry == DEFAULT_REGISTRY && !repository.contains('/');
        let prefix = if is_docker && !repository.is_empty() { "library/" } else { "" };
        let repository = format!("{prefix}{repository}");
        if repository.is_empty() || repository.len() > MAX_NAME_BYTES {
            return Err(invalid("the repository's name must have 1 to 255 characters"));
        }
        if !repository.split('/').all(is_path_component) {
            return Err(invalid("a repository's name is made of a-z, 0-9, '.', '_', '-' and '/'"));
        }
        let tag = match (tag, &digest) {
            (None, None) => Some(DEFAULT_TAG.to_owned()),
            (tag, _) => tag.map(str::to_owned),
        };
        Ok(ImageReference { registry: registry.to_owned(), repository, tag, digest })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// A colon before the last slash belongs to the port, not to a tag.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (text, None),
    }
}

fn split_registry(path: &str) -> (&str, &str) {
    match path.split_once('/') {
        Some(("index.docker.io", rest)) => (DEFAULT_REGISTRY, rest),
        Some((first, rest))
            if first.contains(['.', ':']) || first == "localhost" || first.starts_with('[') =>
        {
            (first, rest)
        }
        _ => (DEFAULT_REGISTRY, path),
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((address, rest)) => {
                if address.parse::<std::net::Ipv6Addr>().is_err() {
                    return false;
                }
                ("v6", if rest.is_empty() { None } else { Some(rest.trim_start_matches(':')) })
            }
            None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let name_is_good = !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
    name_is_good && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// `alpha-numeric *( ( "." | "_" | "__" | *"-" ) alpha-numeric )`, lower case.
fn is_path_component(component: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut rest = component.as_bytes();
    loop {
        let run = rest.iter().take_while(|b| plain(**b)).count();
        if run == 0 {
            return false;
        }
        rest = &rest[run..];
        let separator = rest.iter().take_while(|b| matches!(b, b'.' | b'_' | b'-')).count();
        if separator == 0 {
            return rest.is_empty();
        }
        let (head, tail) = rest.split_at(separator);
        if !matches!(head, b"." | b"_" | b"__") && !head.iter().all(|b| *b == b'-') {
            return false;
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests;
