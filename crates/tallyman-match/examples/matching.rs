//! Measures a compiled index in process, for `benches/match.sh`.
//!
//!   matching open INDEX RUNS               the time to open it
//!   matching match INDEX PACKAGES RUNS     the time to match package versions, JSON, one a line
//!   matching records INDEX                 the feed and the id of each record, one a line
//!
//! Prints lines `name=value unit`: least, median and greatest of the runs.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use tallyman_match::index::AdvisoryIndex;
use tallyman_match::matcher::find_vulnerabilities;
use tallyman_model::package::PackageVersion;

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["open", index, runs] => open(Path::new(index), runs.parse()?),
        ["match", index, packages, runs] => match_all(Path::new(index), packages, runs.parse()?),
        ["records", index] => records(Path::new(index)),
        _ => Err("matching open|match|records INDEX [PACKAGES] [RUNS]".into()),
    }
}

fn open(path: &Path, runs: usize) -> Fallible<()> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let begun = Instant::now();
        let index = AdvisoryIndex::open(path)?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        drop(index);
    }
    print("open", "us", times);
    Ok(())
}

fn match_all(path: &Path, packages: &str, runs: usize) -> Fallible<()> {
    let lines = std::fs::read_to_string(packages)?;
    let packages: Vec<PackageVersion> =
        lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let index = AdvisoryIndex::open(path)?;
    let mut times = Vec::new();
    let mut findings = 0;
    for _ in 0..runs {
        let begun = Instant::now();
        findings = 0;
        for package in &packages {
            findings += find_vulnerabilities(&index, package)?.findings.len();
        }
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    println!("match.packages={} packages", packages.len());
    println!("match.findings={findings} findings");
    if let Some(first) = times.first() {
        println!("match.first={first:.0} us");
    }
    print("match", "us", times);
    Ok(())
}

fn records(path: &Path) -> Fallible<()> {
    let index = AdvisoryIndex::open(path)?;
    let mut all = BTreeSet::new();
    for key in index.keys() {
        all.extend(index.find(&key?)?.into_iter().map(|one| (one.feed, one.id)));
    }
    all.iter().for_each(|(feed, id)| println!("{feed}\t{id}"));
    Ok(())
}

fn print(name: &str, unit: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    let last = times.len().saturating_sub(1);
    for (which, place) in [("min", 0), ("median", last / 2), ("max", last)] {
        println!("{name}.{which}={:.0} {unit}", at(place));
    }
}
