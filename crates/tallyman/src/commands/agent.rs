//! `tallyman agent`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use tallyman_engine::agent::client::{AgentIdentity, Round, RoundOutcome};
use tallyman_engine::agent::collect::{HostImage, Opener, list_engine, list_location};
use tallyman_engine::analysis::AnalysisProgress;
use tallyman_engine::api_client::ApiClient;
use tallyman_engine::host::HostReader;
use tallyman_engine::installation::DataDirectory;
use tallyman_model::host::ServerUuid;
use tallyman_model::limits::Limits;
use tallyman_source::engine::default_sockets;
use tallyman_source::location::Location;
use tallyman_source::open::Sources;

use crate::cli::agent::Agent;
use crate::cli::options::RegistryArgs;
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output;
use crate::paths::non_empty;
use crate::progress::Progress;

pub(super) async fn run(args: Agent) -> anyhow::Result<Exit> {
    let data = DataDirectory::new(&args.data.directory()?);
    let client = setup::client(&args.endpoint, &args.data).await?;
    let registry = RegistryArgs::default();
    let limits = setup::limits(&args.limits)?;
    let sources = setup::sources(&data, &registry, &limits, None, None)?;
    let uuid = server_uuid(args.server_uuid.as_deref(), &data)?;
    let mut found = Found::default();
    for path in &args.oci_layout {
        let location = Location::OciLayout { path: path.clone(), reference: None };
        found.add_location(&sources, &location).await?;
    }
    if !args.no_engines {
        found.add_engines(&args.docker_socket).await?;
    }
    let outcome = report(&client, &data, (sources, &limits), uuid.clone(), found).await?;
    output::note(&format!(
        "Reported {} images as server {uuid}; {} layers were analysed{}.",
        outcome.images,
        outcome.analyzed_layers,
        match outcome.failed_images {
            0 => String::new(),
            failed => format!(", {failed} images could not be analysed"),
        }
    ));
    Ok(Exit::Clean)
}

/// The images of this host, and how many containers run.
#[derive(Default)]
pub(super) struct Found {
    pub(super) images: Vec<HostImage>,
    running_containers: Option<u32>,
}

impl Found {
    pub(super) async fn add_location(
        &mut self,
        sources: &Sources,
        location: &Location,
    ) -> anyhow::Result<()> {
        let listed = list_location(sources, location)
            .await
            .map_err(|error| anyhow::anyhow!("failed to {error}"))
            .with_context(|| format!("opening {location}"))?;
        self.images.extend(listed);
        Ok(())
    }

    /// Adds what the named engines have; without names, those at the well-known places that
    /// answer. An engine that is named and does not answer is an error.
    pub(super) async fn add_engines(&mut self, named: &[PathBuf]) -> anyhow::Result<()> {
        let known = match named {
            [] => default_sockets(non_empty("XDG_RUNTIME_DIR").map(PathBuf::from).as_deref()),
            named => named.to_vec(),
        };
        for socket in known {
            if named.is_empty() && !socket.exists() {
                continue;
            }
            match list_engine(&socket).await {
                Ok(contents) => {
                    self.images.extend(contents.images);
                    let running = self.running_containers.unwrap_or(0);
                    self.running_containers = Some(running + contents.running_containers);
                }
                Err(error) if named.is_empty() => {
                    tracing::warn!(%error, socket = %socket.display(), "an engine does not answer");
                }
                Err(error) => bail!("failed to {error} (engine at {})", socket.display()),
            }
        }
        Ok(())
    }
}

/// Returns the UUID that was given, else the host's own, else one that is kept in the data
/// directory.
pub(super) fn server_uuid(given: Option<&str>, data: &DataDirectory) -> anyhow::Result<ServerUuid> {
    if let Some(given) = given {
        return given.parse().map_err(|error| anyhow::Error::new(UsageError(format!("{error}"))));
    }
    if let Some(uuid) = HostReader::new(std::path::Path::new("/")).uuid() {
        return Ok(uuid);
    }
    let path = data.root().join("server-uuid");
    if let Ok(text) = std::fs::read_to_string(&path) {
        return text.trim().parse().with_context(|| format!("reading {}", path.display()));
    }
    let uuid = tallyman_engine::host::random_uuid();
    std::fs::create_dir_all(data.root())
        .and_then(|()| std::fs::write(&path, uuid.as_str()))
        .with_context(|| format!("keeping the server's UUID in {}", path.display()))?;
    Ok(uuid)
}

/// Reports this host with the images that were found.
pub(super) async fn report(
    client: &ApiClient,
    data: &DataDirectory,
    (sources, limits): (Sources, &Limits),
    server_uuid: ServerUuid,
    found: Found,
) -> anyhow::Result<RoundOutcome> {
    let mut facts = HostReader::new(std::path::Path::new("/")).facts();
    facts.running_containers = found.running_containers;
    let opener = Opener {
        sources,
        temporary: data.temporary(),
        memory: data.agent(),
        max_export_bytes: limits.layer_uncompressed_bytes,
    };
    let progress = Progress::new();
    let shown = std::sync::Mutex::new(Vec::new());
    let show = |name: &str, bytes: Arc<AnalysisProgress>| {
        let watched = progress.watch(name, bytes);
        shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(watched);
    };
    let round = Round { client, opener: &opener, limits, progress: &show };
    let identity = AgentIdentity { server_uuid, facts };
    let outcome = round.run(identity, Some(found.images)).await;
    for watched in shown.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        watched.finish();
    }
    outcome.context("reporting this host")
}
