//! The licences of what we depend on, against the list that this project accepts.

use super::Complaint;
use crate::cargo;
use crate::repository::Repository;
use crate::spdx;

/// Permissive licences only: nothing that would put terms on those who pass the program on,
/// beyond keeping notices. `deny.toml` names the same ones for cargo-deny.
const ACCEPTED: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    // Data only: the root certificates that some platforms bring.
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    // As permissive as BSD-3-Clause: the format in which Oracle publishes its definitions.
    "bzip2-1.0.6",
];

/// Checks every package of the lock file, and that `deny.toml` has the same list.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for package in cargo::locked_packages(repository.root())? {
        if !package.is_foreign {
            continue;
        }
        let licence = package.licence.as_deref().unwrap_or("no licence at all");
        if spdx::is_satisfied(licence, ACCEPTED) != Some(true) {
            let message = format!(
                "{} {} is under {licence}, which is not accepted",
                package.name, package.version
            );
            complaints.push(Complaint::new("Cargo.lock", 1, message));
        }
    }
    if let Some(deny) = repository.find("deny.toml") {
        let missing = ACCEPTED.iter().filter(|name| !deny.text.contains(&format!("\"{name}\"")));
        complaints.extend(missing.map(|name| {
            let message = format!("`{name}` is accepted by tidy but missing here");
            Complaint::new("deny.toml", 1, message)
        }));
    }
    Ok(complaints)
}
