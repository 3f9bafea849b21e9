//! What this host is: its facts for the fleet's list and a UUID that stays.
//!
//! Everything is read from files below a root directory, so that tests bring their own.

use std::fs;
use std::path::{Path, PathBuf};

use tallyman_model::host::{HostFacts, ServerUuid};

/// Makes a UUID for a host that has nothing to make one of.
pub fn random_uuid() -> ServerUuid {
    uuid::Uuid::new_v4().to_string().parse().expect("a UUID is a server UUID")
}

/// Reads what the kernel and the distribution say of a Linux host.
#[derive(Clone, Debug)]
pub struct HostReader {
    root: PathBuf,
}

impl HostReader {
    /// Reads below `root`, which is `/` for the host itself.
    pub fn new(root: &Path) -> Self {
        HostReader { root: root.to_owned() }
    }

    /// Returns the facts that could be read.
    pub fn facts(&self) -> HostFacts {
        let os_release = self.text("etc/os-release").or_else(|| self.text("usr/lib/os-release"));
        let cpu_info = self.text("proc/cpuinfo").unwrap_or_default();
        HostFacts {
            hostname: self.line("proc/sys/kernel/hostname").unwrap_or_default(),
            os: "linux".to_owned(),
            os_name: os_release.as_deref().and_then(pretty_name),
            kernel: self.line("proc/sys/kernel/osrelease"),
            architecture: Some(std::env::consts::ARCH.to_owned()),
            cores: count(cpu_info.lines().filter(|line| line.starts_with("processor")).count()),
            cpu_model: value_of(&cpu_info, "model name"),
            memory_mib: self.memory_mib(),
            ip_addresses: self.ip_addresses(),
            mac_addresses: self.mac_addresses(),
            running_containers: None,
        }
    }

    /// Returns a UUID made of the machine id and the firmware's system UUID: re-installing the
    /// agent keeps it, and machines cloned by a hypervisor differ in the second part.
    ///
    /// `None` where the host has neither.
    pub fn uuid(&self) -> Option<ServerUuid> {
        let machine = self.line("etc/machine-id").or_else(|| self.line("var/lib/dbus/machine-id"));
        let system = self.line("sys/class/dmi/id/product_uuid");
        if machine.is_none() && system.is_none() {
            return None;
        }
        let seed = format!(
            "tallyman-server\n{}\n{}",
            machine.unwrap_or_default(),
            system.unwrap_or_default().to_ascii_lowercase()
        );
        let hash = ring::digest::digest(&ring::digest::SHA256, seed.as_bytes());
        let bytes: [u8; 16] = hash.as_ref().get(..16)?.try_into().ok()?;
        uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string().parse().ok()
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    fn line(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let line = text.lines().next()?.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }

    fn memory_mib(&self) -> Option<u64> {
        let info = self.text("proc/meminfo")?;
        let total = value_of(&info, "MemTotal")?;
        let kib: u64 = total.split_whitespace().next()?.parse().ok()?;
        Some(kib / 1024)
    }

    /// IPv4 from the routing table's local host entries, IPv6 from the interface list.
    fn ip_addresses(&self) -> Vec<String> {
        let mut addresses: Vec<std::net::IpAddr> = Vec::new();
        let mut candidate = None;
        for line in self.text("proc/net/fib_trie").unwrap_or_default().lines() {
            let line = line.trim();
            if let Some(address) = line.strip_prefix("|-- ") {
                candidate = address.parse::<std::net::Ipv4Addr>().ok();
            } else if line == "/32 host LOCAL" {
                addresses.extend(candidate.take().map(std::net::IpAddr::from));
            }
        }
        for line in self.text("proc/net/if_inet6").unwrap_or_default().lines() {
            let word = line.split_whitespace().next().unwrap_or_default();
            let address = u128::from_str_radix(word, 16).map(std::net::Ipv6Addr::from);
            addresses.extend(address.ok().map(std::net::IpAddr::from));
        }
        addresses.retain(|address| is_reachable(*address));
        addresses.sort_unstable();
        addresses.dedup();
        addresses.iter().map(ToString::to_string).collect()
    }

    fn mac_addresses(&self) -> Vec<String> {
        let Ok(interfaces) = fs::read_dir(self.root.join("sys/class/net")) else {
            return Vec::new();
        };
        let mut addresses: Vec<String> = interfaces
            .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("address")).ok())
            .map(|address| address.trim().to_ascii_lowercase())
            .filter(|address| address.len() == 17 && address != "00:00:00:00:00:00")
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

fn is_reachable(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        std::net::IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    }
}

fn count(number: usize) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number > 0)
}

/// Finds `key: value` as the files below /proc write it.
fn value_of(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

fn pretty_name(os_release: &str) -> Option<String> {
    let value = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests;
