//! Servers: their UUID and what they report of themselves.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The UUID of a server: 36 characters with dashes, or any 1 to 128 characters of
/// `A-Z a-z 0-9 - _` that another system gave it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerUuid(String);

/// Why a text is not a server UUID.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a server UUID: expected 1 to 128 letters, digits, '-' and '_'")]
pub struct InvalidServerUuid(String);

impl ServerUuid {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerUuid {
    type Err = InvalidServerUuid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if good {
            Ok(ServerUuid(text.to_owned()))
        } else {
            Err(InvalidServerUuid(text.chars().take(130).collect()))
        }
    }
}

impl fmt::Display for ServerUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for ServerUuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ServerUuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What an agent reports of its host. Absent facts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostFacts {
    /// The host name.
    pub hostname: String,
    /// The operating system's family: `linux`.
    pub os: String,
    /// The distribution's display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_name: Option<String>,
    /// The kernel release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// The processor architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The number of logical processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// The processor's model name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// The memory in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// All IP addresses but loopback and link-local ones, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<String>,
    /// All hardware addresses, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mac_addresses: Vec<String>,
    /// Containers that run now, where an engine could be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_containers: Option<u32>,
}
