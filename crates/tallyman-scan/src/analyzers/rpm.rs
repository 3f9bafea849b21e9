//! rpm's databases of installed packages, in the three formats that rpm has had: a hash of Berkeley
//! DB (`Packages`), ndb (`Packages.db`) and SQLite (`rpmdb.sqlite`).
//!
//! Each format holds one header blob a package (`rpm/header.rs`); the formats' own files only find
//! the blobs. A file that contradicts itself anywhere is a fault: half a database is none.

mod berkeley;
mod bytes;
mod header;
mod ndb;
mod sqlite;

use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Package, SourcePackage};

use crate::analyzers::{
    Analysis, Analyzer, Candidate, Fault, FileClass, Owned, PathBudget, Reading, is_token,
};
use crate::path::split;

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "rpm",
    version: 1,
    class: FileClass::Database,
    wants,
    reading: Reading::Whole(analyze),
};

/// Where distributions keep the database: the default, that of SUSE and newer Fedora, and that of
/// images built as ostree commits.
const DIRECTORIES: [&str; 3] = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];

/// Tells whether a directory holds the database.
pub(crate) fn is_database_directory(path: &str) -> bool {
    DIRECTORIES.contains(&path)
}

fn wants(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.base, "Packages" | "Packages.db" | "rpmdb.sqlite")
        && is_database_directory(split(candidate.path).0)
}

fn analyze(path: &str, content: &[u8], limits: &Limits) -> Analysis {
    if content.is_empty() {
        return Err(Fault::new("the database is empty"));
    }
    let mut found = Found::new(content, limits);
    match split(path).1 {
        "rpmdb.sqlite" => sqlite::each_blob(content, |blob| found.add(blob))?,
        "Packages.db" => ndb::each_blob(content, |blob| found.add(blob))?,
        _ => berkeley::each_blob(content, |blob| found.add(blob))?,
    }
    Ok(found.finish())
}

/// Writes a version as advisories do: without an epoch that is 0.
fn with_epoch(epoch: u32, version: &str, release: &str) -> String {
    match epoch {
        0 => format!("{version}-{release}"),
        epoch => format!("{epoch}:{version}-{release}"),
    }
}

/// Takes `openssl-3.0.7-27.el9.src.rpm` apart. The name of the file has no epoch; it is the
/// package's, since all packages of one source share it unless they say otherwise.
pub(crate) fn source_of(file: &str, epoch: u32) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let source =
        SourcePackage { name: name.to_owned(), version: with_epoch(epoch, version, release) };
    [name, version, release].iter().all(|part| is_token(part)).then_some(source)
}

/// What the headers of a database say.
struct Found<'a> {
    limits: &'a Limits,
    packages: Vec<Package>,
    owned: Owned,
    paths: PathBudget,
}

impl<'a> Found<'a> {
    fn new(content: &[u8], limits: &'a Limits) -> Self {
        Found {
            limits,
            packages: Vec::new(),
            owned: Owned::default(),
            paths: PathBudget::of(content),
        }
    }

    fn add(&mut self, blob: &[u8]) -> Result<(), Fault> {
        let header = header::Header::parse(blob)?;
        let Some(package) = header.package()? else {
            return Ok(());
        };
        if self.packages.len() >= self.limits.layer_packages {
            return Err(Fault::too_many_packages(self.limits.layer_packages));
        }
        self.packages.push(package);
        header.each_file(|path| {
            self.paths.take(path.len())?;
            self.owned.add(path);
            Ok(())
        })
    }

    fn finish(mut self) -> Vec<Evidence> {
        self.packages.sort_unstable();
        self.packages.dedup();
        let packages = (!self.packages.is_empty()).then_some(Evidence::Packages(self.packages));
        packages.into_iter().chain(self.owned.finish()).collect()
    }
}

#[cfg(test)]
mod tests;
