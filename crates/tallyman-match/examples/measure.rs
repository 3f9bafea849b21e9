//! Prints how long the shipped bundle takes to install, compile, open and match.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use std::error::Error;
use std::time::Instant;

use tallyman_match::database::AdvisoryDatabase;
use tallyman_match::matcher::find_vulnerabilities;
use tallyman_match::snapshot::shipped_bundle;
use tallyman_model::distribution::DistributionRelease;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package, PackageVersion};

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
    let packages: Vec<PackageVersion> = (0..1000).map(package).collect();
    let start = Instant::now();
    let mut findings = 0;
    for package in &packages {
        findings += find_vulnerabilities(&index, package)?.findings.len();
    }
    println!("1000 package versions matched in {:?}: {findings} findings", start.elapsed());
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// A mix like that of an application image: many distribution packages, known and unknown names.
fn package(i: usize) -> PackageVersion {
    let deb = Some("debian:12");
    let samples = [
        (Ecosystem::Deb, "openssl", "3.0.9-1", deb),
        (Ecosystem::Deb, "linux", "6.1.0-1", deb),
        (Ecosystem::Deb, "curl", "7.88.1-10", deb),
        (Ecosystem::Deb, "zlib", "1:1.2.13.dfsg-1", deb),
        (Ecosystem::PyPi, "jinja2", "2.4.1", None),
        (Ecosystem::PyPi, "django", "2.2", None),
        (Ecosystem::Npm, "lodash", "4.17.15", None),
        (Ecosystem::Go, "stdlib", "1.20", None),
        (Ecosystem::Cargo, "time", "0.1.42", None),
        (Ecosystem::Npm, "left-pad", "1.0.0", None),
    ];
    let (ecosystem, name, version, release) = samples[i % samples.len()];
    let package = Package {
        ecosystem,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: None,
        source: None,
    };
    PackageVersion { package, release: release.map(DistributionRelease::from_stored) }
}
