//! Entries for fuzzing: bytes from outside are shown to one parser, and what it makes of them is
//! dropped. Programs have no use for them.

use std::path::Path;

use tallyman_model::limits::Limits;

use crate::container::Reader;
use crate::database::{bundle, exchange};

/// Shows a file of advisories, in whatever it is packed; tells how many records it holds.
pub fn feed(path: &Path, limits: &Limits) -> usize {
    let mut ignore = |_: &crate::feed::Progress| {};
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut reader = Reader::new(limits, folder, &mut ignore);
    reader.read_path(path);
    reader.harvest.len()
}

/// Shows a document to the parser of one format (`csaf`, `oval`, `updateinfo`, `kev`, `epss`, `cve`),
/// whatever it is; tells how many records it holds.
pub fn document(format: &str, bytes: &[u8], limits: &Limits) -> usize {
    crate::feed::read_as(format, bytes, limits)
}

/// Shows a file that an installation has exported; tells whether it is one.
pub fn exported(bytes: &[u8], limits: &Limits) -> bool {
    bundle::is_whole(bytes, limits)
}

/// Shows a bundle whose digest is not looked at; tells whether it is one.
pub fn carried(bytes: &[u8], limits: &Limits) -> bool {
    exchange::is_whole(bytes, limits)
}
