//! The advisories that the program ships, so that it has answers before its first update.

/// Returns the shipped bundle, for
/// [`AdvisoryDatabase::install_bundle`](crate::database::AdvisoryDatabase::install_bundle).
/// `data/ATTRIBUTION.md` says where it is from.
pub fn shipped_bundle() -> &'static [u8] {
    include_bytes!("../data/advisories.bundle")
}
