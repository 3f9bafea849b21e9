//! Makes a bundle from feeds: `snapshot OUTPUT PATH…`. See `scripts/make-snapshot.sh`.

#![expect(clippy::print_stderr, reason = "a program says what it did")]

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tallyman_match::database::AdvisoryDatabase;
use tallyman_model::clock::{Clock, SystemClock, format_utc};
use tallyman_model::limits::Limits;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let output = arguments.next().ok_or("usage: snapshot OUTPUT PATH…")?;
    let paths: Vec<PathBuf> = arguments.collect();
    let folder = PathBuf::from(format!("{}.work", output.display()));
    let result = make(&output, &paths, &folder);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn make(output: &Path, paths: &[PathBuf], folder: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let database = AdvisoryDatabase::open(folder, Limits::default())?;
    let report = database.import(paths, SystemClock.now_ms(), &mut |_| {})?;
    eprintln!("imported in {} ms", start.elapsed().as_millis());
    for (feed, counts) in &report.feeds {
        eprintln!("{feed}: {counts:?}");
    }
    eprintln!("skipped: {:?}", report.skipped);
    for refusal in &report.refused {
        eprintln!("refused {}: {}", refusal.name, refusal.reason);
    }
    if let Some(failure) = report.failed.first() {
        return Err(format!("{}: {}", failure.name, failure.reason).into());
    }
    database.export(File::create(output)?)?;
    for feed in database.info()? {
        let date = feed.data_ms.map(format_utc).unwrap_or_default();
        eprintln!("{}: {} advisories, {date}, {}", feed.name, feed.advisories, feed.attribution);
    }
    eprintln!("{}: {} bytes", output.display(), output.metadata()?.len());
    Ok(())
}
