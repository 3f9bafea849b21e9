//! The platform of an image: `os/architecture[/variant]`, as in an OCI image index.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An operating system and a processor, in Go's names (`linux`, `amd64`, `arm64`, `v8`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system.
    pub os: String,
    /// The processor architecture.
    pub architecture: String,
    /// The variant of the architecture, such as `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text is not a platform.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform: expected os/architecture[/variant], such as linux/arm64")]
pub struct InvalidPlatform(String);

impl Platform {
    /// Returns Linux on the architecture of this build.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            other => other,
        };
        Platform { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// Tells whether an image for `self` is what someone who asked for `wanted` gets.
    ///
    /// `arm64` and `arm64/v8` are the same platform.
    pub fn satisfies(&self, wanted: &Platform) -> bool {
        let variant = |platform: &Platform| {
            platform.variant.clone().filter(|v| !(platform.architecture == "arm64" && v == "v8"))
        };
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (wanted.variant.is_none() || variant(self) == variant(wanted))
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_word = |part: &&str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(is_word) {
            return Err(InvalidPlatform(text.to_owned()));
        }
        Ok(Platform {
            os: parts[0].to_ascii_lowercase(),
            architecture: parts[1].to_ascii_lowercase(),
            variant: parts.get(2).map(|v| v.to_ascii_lowercase()),
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = &self.variant {
            write!(f, "/{variant}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn platforms_match_with_and_without_a_variant() {
        let parse = |text: &str| text.parse::<Platform>().expect(text);
        assert!(parse("linux/arm64/v8").satisfies(&parse("linux/arm64")));
        assert!(parse("linux/arm64").satisfies(&parse("linux/arm64/v8")));
        assert!(!parse("linux/arm/v6").satisfies(&parse("linux/arm/v7")));
        assert!(!parse("windows/amd64").satisfies(&parse("linux/amd64")));
        assert!("linux".parse::<Platform>().is_err());
        assert!("linux//".parse::<Platform>().is_err());
    }
}
