//! Scanning a root filesystem: a directory goes through the same analysis as a layer.
//!
//! A directory has no manifest and no configuration, and what it holds is known only once it has
//! been read, so nothing of it is stored: the digest in its report is that of the stream that was
//! analysed, and its platform is that of most of its programs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tallyman_model::image::Compression;
use tallyman_model::inventory::LayerInventory;
use tallyman_model::limits::Limits;
use tallyman_model::platform::Platform;
use tallyman_scan::architecture::platform_of_program;
use tallyman_scan::error::LayerError;
use tallyman_scan::interest::{self, interest};
use tallyman_scan::layer::{LayerInput, analyze_layer};
use tallyman_source::directory::{DirectoryOptions, DirectoryReader, Interest, Mounts, SeenFile};
use tallyman_source::error::SourceError;
use tallyman_source::location::Location;

use crate::analysis::{AnalysisProgress, ImageBudget, chain, check_totals};
use crate::blocking;
use crate::installation::Installation;
use crate::report::{ReportImage, ReportLayer, ScanReport};
use crate::scan::{ScanError, failed, report};

const MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

/// A directory to scan.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Where it is.
    pub path: PathBuf,
    /// Whether other file systems beneath it are read as well.
    pub mounts: Mounts,
    /// The platform that its programs must be for.
    pub platform: Option<Platform>,
}

/// How many programs there are for each platform.
type Programs = Arc<Mutex<BTreeMap<String, (u64, Platform)>>>;

/// Scans a root filesystem.
///
/// # Errors
///
/// Any [`ScanError`]. What could not be read of the directory is in the report.
pub async fn scan_directory(
    installation: &Installation,
    directory: Directory,
    progress: Arc<AnalysisProgress>,
) -> Result<ScanReport, ScanError> {
    let name = Location::Directory { path: directory.path.clone() }.to_string();
    let limits = installation.limits().clone();
    let (image, inventory) =
        blocking::run(move || read(&name, &directory, &limits, &progress)).await?;
    match inventory {
        Ok(inventory) => report(installation, image, vec![Arc::new(inventory)]).await,
        Err(reason) => Ok(failed(installation, image, reason)),
    }
}

/// What was read, or why it cannot be analysed.
type ReadDirectory = (ReportImage, Result<LayerInventory, String>);

fn read(
    name: &str,
    directory: &Directory,
    limits: &Limits,
    progress: &AnalysisProgress,
) -> Result<ReadDirectory, ScanError> {
    let programs = Programs::default();
    let options = DirectoryOptions { mounts: directory.mounts, limits: limits.clone() };
    let filter = filter(Arc::clone(&programs), limits.clone());
    let mut reader =
        DirectoryReader::open(&directory.path, &options, filter).map_err(ScanError::Source)?;
    let budget = ImageBudget::new(limits);
    let input = LayerInput {
        reader: &mut budget.timed(&mut reader),
        compression: Compression::None,
        expected: None,
        size_bytes: None,
    };
    let analyzed = analyze_layer(input, budget.shared(), &|read| {
        progress.done_bytes.store(read, Ordering::Relaxed);
    });
    let analyzed = analyzed.map_err(|error| budget.explain(error));
    let platform = most_frequent(&programs);
    check_platform(name, directory.platform.as_ref(), platform.as_ref())?;
    let mut image = ReportImage {
        name: name.to_owned(),
        manifest_digest: None,
        config_digest: None,
        platform: platform.map(|platform| platform.to_string()),
        created: None,
        size_bytes: 0,
        layers: Vec::new(),
    };
    let mut layer = match analyzed {
        Ok(layer) => layer,
        Err(Ok(LayerError::Read(error))) => {
            return Err(ScanError::Source(source_error(&directory.path, error)));
        }
        Err(Ok(error)) => return Ok((image, Err(chain(&error)))),
        Err(Err(error)) => return Ok((image, Err(chain(&error)))),
    };
    image.size_bytes = layer.inventory.uncompressed_bytes;
    image.layers.push(ReportLayer {
        digest: layer.digest,
        size_bytes: image.size_bytes,
        media_type: MEDIA_TYPE.to_owned(),
    });
    layer.inventory.diagnostics.extend(reader.into_diagnostics());
    layer.inventory.diagnostics.sort();
    let checked = check_totals([&layer.inventory], limits);
    let inventory = checked.map(|()| layer.inventory).map_err(|error| chain(&error));
    Ok((image, inventory))
}

/// Asks the analyzers what they want, and notes the platforms of the programs among it.
fn filter(programs: Programs, limits: Limits) -> Box<dyn Fn(&SeenFile<'_>) -> Interest + Send> {
    Box::new(move |file| {
        if let Some(platform) = file.head.and_then(platform_of_program) {
            let mut programs = programs.lock().unwrap_or_else(PoisonError::into_inner);
            let (count, _) = programs.entry(platform.to_string()).or_insert((0, platform));
            *count = count.saturating_add(1);
        }
        match interest(file.path, file.size_bytes, file.mode, file.head, &limits) {
            interest::Interest::Name => Interest::Name,
            interest::Interest::Head => Interest::Head,
            interest::Interest::Content { limit, loss } => Interest::Content { limit, loss },
        }
    })
}

fn most_frequent(programs: &Programs) -> Option<Platform> {
    let programs = programs.lock().unwrap_or_else(PoisonError::into_inner);
    let most = programs.values().max_by_key(|(count, _)| *count);
    most.map(|(_, platform)| platform.clone())
}

fn check_platform(
    name: &str,
    wanted: Option<&Platform>,
    found: Option<&Platform>,
) -> Result<(), ScanError> {
    match wanted {
        Some(wanted) if !found.is_some_and(|found| found.satisfies(wanted)) => {
            Err(ScanError::Source(SourceError::PlatformNotFound {
                subject: name.to_owned(),
                wanted: wanted.clone(),
                available: found.iter().map(ToString::to_string).collect(),
            }))
        }
        _ => Ok(()),
    }
}

/// Takes back the error that the reader carried.
fn source_error(path: &std::path::Path, error: std::io::Error) -> SourceError {
    match error.downcast::<SourceError>() {
        Ok(error) => error,
        Err(source) => SourceError::Io { path: path.to_owned(), source },
    }
}
