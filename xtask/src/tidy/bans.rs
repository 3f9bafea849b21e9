//! Crates that a decision rules out, so that none of them comes in through another crate's defaults.

#[cfg(test)]
mod tests;

use super::Complaint;
use crate::repository::Repository;

/// A crate and the decision against it. `deny.toml` names the same ones for cargo-deny.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-rs", "docs/decisions/0004-one-crypto-library.md"),
    ("native-tls", "docs/decisions/0004-one-crypto-library.md"),
    ("openssl", "docs/decisions/0004-one-crypto-library.md"),
    ("sqlx", "docs/decisions/0007-sqlite-by-rusqlite.md"),
];

/// Checks the lock file, and that `deny.toml` has the same list.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for (name, decision) in BANNED {
        let entry = format!("name = \"{name}\"");
        if let Some(lock) = repository.find("Cargo.lock") {
            let line = lock.text.lines().position(|line| line == entry);
            complaints.extend(line.map(|index| {
                let message = format!("{decision} rules out `{name}`; turn off what brings it");
                Complaint::new(&lock.path, index + 1, message)
            }));
        }
        if let Some(deny) = repository.find("deny.toml")
            && !deny.text.contains(&format!("crate = \"{name}\", reason = \"{decision}\""))
        {
            let message = format!("`{name}` is banned by tidy but not here");
            complaints.push(Complaint::new(&deny.path, 1, message));
        }
    }
    Ok(complaints)
}
