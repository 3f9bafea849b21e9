//! Records that change the answers of a fleet: a hundred at a time.

use std::collections::{BTreeMap, BTreeSet};

use tallyman_engine::installation::Installation;
use tallyman_model::advisory::PackageKey;

use crate::Fallible;

/// How many sets hold the package versions of a key: here, how many versions there are.
pub(crate) type Versions = BTreeMap<PackageKey, usize>;

/// Counts the package versions of each key that records are made for.
pub(crate) async fn versions_in(installation: &Installation) -> Fallible<Versions> {
    let mut versions = Versions::new();
    let mut count = 0;
    let mut after = None;
    loop {
        let page = installation.store().list_package_versions_after(after, 10_000).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        count += page.len();
        for (_, version) in page {
            *versions.entry(tallyman_match::matcher::package_key(&version)).or_default() += 1;
        }
    }
    println!("fleet.package-versions={count} of {} packages", versions.len());
    versions.retain(|key, _| osv_name(key).is_some());
    Ok(versions)
}

/// The hundred keys of languages that the fewest package versions have.
pub(crate) fn rarest(versions: &Versions) -> BTreeSet<PackageKey> {
    let mut all: Vec<_> = versions.iter().filter(|(key, _)| key.release.is_none()).collect();
    all.sort_by_key(|(_, versions)| **versions);
    all.into_iter().take(100).map(|(key, _)| key.clone()).collect()
}

/// A hundred keys at equal distances, whatever has them.
pub(crate) fn any(versions: &Versions) -> BTreeSet<PackageKey> {
    let step = (versions.len() / 100).max(1);
    versions.keys().step_by(step).take(100).cloned().collect()
}

/// OSV's name of the ecosystem, of those that records are made for.
fn osv_name(key: &PackageKey) -> Option<String> {
    let release = key.release.as_ref().map(|release| (release.id(), release.release()));
    match (key.ecosystem.name(), release) {
        ("deb", Some(("debian", number))) => Some(format!("Debian:{number}")),
        ("pypi", None) => Some("PyPI".to_owned()),
        ("npm", None) => Some("npm".to_owned()),
        ("maven", None) => Some("Maven".to_owned()),
        ("gem", None) => Some("RubyGems".to_owned()),
        ("golang", None) => Some("Go".to_owned()),
        ("cargo", None) => Some("crates.io".to_owned()),
        _ => None,
    }
}

/// An OSV record that says that every version is affected.
pub(crate) fn record(prefix: &str, at: usize, key: &PackageKey) -> String {
    serde_json::json!({
        "schema_version": "1.6.0",
        "id": format!("BENCH-{prefix}-{at}"),
        "modified": "2026-01-01T00:00:00Z",
        "affected": [{
            "package": {"ecosystem": osv_name(key), "name": key.name},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }],
    })
    .to_string()
}
