//! Prints how long the shipped bundle takes to install, compile, open and match.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use std::error::Error;
use std::time::Instant;

use tallyman_match::database::AdvisoryDatabase;
use tallyman_match::matcher::find_vulnerabilities;
use tallyman_match::snapshot::shipped_bundle;
use tallyman_model::advisory::PackageKey;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Package, PackageVersion};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("tallyman-measure-{}", std::process::id()));
    let start = Instant::now();
    let database = AdvisoryDatabase::open(&folder, Limits::default())?;
    database.install_bundle(shipped_bundle(), 0)?;
    println!("bundle: {} bytes, installed in {:?}", shipped_bundle().len(), start.elapsed());
    let start = Instant::now();
    let index = database.open_index()?;
    println!("index compiled in {:?}", start.elapsed());
    let start = Instant::now();
    database.open_index()?;
    println!("index opened in {:?}", start.elapsed());
    let size = folder.join(format!("index-{}.tix", index.revision())).metadata()?.len();
    println!("index: {size} bytes, {} keys", index.key_count());
    let keys = index.keys().collect::<Result<Vec<_>, _>>()?;
    // Images hold known and unknown packages; take every key in turn until there are enough.
    let packages: Vec<PackageVersion> = keys
        .iter()
        .step_by(keys.len().div_ceil(1000).max(1))
        .cycle()
        .take(1000)
        .map(package)
        .collect();
    let start = Instant::now();
    let mut findings = 0;
    for package in &packages {
        findings += find_vulnerabilities(&index, package)?.findings.len();
    }
    println!("1000 package versions matched in {:?}: {findings} findings", start.elapsed());
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// A version low enough to be affected by a part of what is known.
fn package(key: &PackageKey) -> PackageVersion {
    let package = Package::new(key.ecosystem, key.name.clone(), "1.2.3");
    PackageVersion { package, release: key.release.clone() }
}
