//! `tallyman demo`: the whole thing on this machine, from an image to a signed answer.

mod clients;
mod show;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde_json::Value;
use tallyman_engine::accounts::{AGENT_POLICY, AccountError, Accounts};
use tallyman_engine::api_client::{ApiClient, Credentials, SignatureVersion};
use tallyman_engine::host_snapshot::{self, SnapshotLayer};
use tallyman_engine::installation::Installation;
use tallyman_model::host::ServerUuid;
use tallyman_model::limits::Limits;
use tallyman_model::platform::Platform;
use tallyman_source::layout_writer::tar_writer::{EntryMeta, TarWriter};
use tallyman_source::layout_writer::{LayerPacking, LayoutWriter, NewImage, WrittenLayer};
use tallyman_source::location::Location;
use tallyman_source::open::Sources;

use crate::cli::demo::Demo;
use crate::cli::options::RegistryArgs;
use crate::commands::agent::{self, Found};
use crate::commands::serve::{Running, wait_for_end};
use crate::commands::setup::{self, Access};
use crate::exit::Exit;
use crate::output;
use crate::progress::Progress;

/// The users that the demonstration makes: one for clients, one for the agent.
const CLIENT_USER: &str = "demo";
const AGENT_USER: &str = "demo-agent";
const CLIENT_POLICY: &str = "AliyunYundunSASFullAccess";

/// What the packed host is called.
const SNAPSHOT_NAME: &str = "host-snapshot:latest";

pub(super) async fn run(args: Demo) -> anyhow::Result<Exit> {
    let limits = setup::limits(&args.limits)?;
    let installation = Arc::new(open(&args.data, limits.clone()).await?);
    if let Some(region) = args.region.as_deref().filter(|region| !region.is_empty()) {
        installation.store().set_region(region).await.context("keeping the region")?;
    }
    let sources = demo_sources(&installation, args.image.as_deref())?;
    let running =
        Running::start(Arc::clone(&installation), sources.clone(), args.listen, None).await?;
    let server = format!("http://{}", running.address);
    let accounts = Accounts::new(installation.store().clone(), Arc::clone(installation.clock()));
    let agent_key = make_key(&accounts, &installation, AGENT_USER, AGENT_POLICY.name).await?;
    let client_key = make_key(&accounts, &installation, CLIENT_USER, CLIENT_POLICY).await?;

    let uuid = agent::server_uuid(None, installation.data())?;
    let found = find_images(&args, &installation, &sources).await?;
    let agent_client = setup::client_for(&server, agent_key)?;
    let (data, reading) = (installation.data(), (sources, &limits));
    let outcome = agent::report(&agent_client, data, reading, uuid.clone(), found).await?;
    output::note(&format!(
        "Reported {} images of this host; {} layers were analysed.",
        outcome.images, outcome.analyzed_layers
    ));

    let client = setup::client_for(&server, client_key.clone())?;
    let answer = describe(&client, &uuid).await?;
    let access = Access {
        endpoint: running.address.to_string(),
        access_key_id: client_key.access_key_id.clone(),
        access_key_secret: client_key.secret.expose().to_owned(),
        server_uuids: vec![uuid.to_string()],
    };
    access.write(&installation.data().access())?;
    output::line(&show::table(&answer))?;
    output::json(&answer)?;
    output::note(&clients::text(&access, &args.data));
    if args.once {
        running.stop().await;
        return Ok(Exit::Clean);
    }
    output::note(&format!("Serving on {server}. Ctrl-C ends it."));
    wait_for_end().await?;
    running.stop().await;
    Ok(Exit::Clean)
}

async fn open(data: &Path, limits: Limits) -> anyhow::Result<Installation> {
    let spinner = Progress::new().spinner("loading the shipped advisories");
    let installation = setup::open(data, limits).await;
    spinner.finish_and_clear();
    installation
}

fn demo_sources(installation: &Installation, image: Option<&str>) -> anyhow::Result<Sources> {
    let registry = RegistryArgs::default();
    let location = image.and_then(|image| Location::parse(image).ok());
    let (data, limits) = (installation.data(), installation.limits());
    setup::sources(data, &registry, limits, None, location.as_ref())
}

/// Makes the user if it is not there, and gives it one new key in place of its old ones.
async fn make_key(
    accounts: &Accounts,
    installation: &Installation,
    user: &str,
    policy: &str,
) -> anyhow::Result<Credentials> {
    match accounts.create_user(user).await {
        Ok(_) | Err(AccountError::Exists { .. }) => {}
        Err(error) => return Err(error).context("making a user"),
    }
    accounts.attach_policy(user, policy).await.context("attaching a policy")?;
    for old in installation.store().list_access_keys(Some(user)).await? {
        accounts.delete_key(&old.access_key_id).await.context("deleting an old key")?;
    }
    accounts.create_key(Some(user)).await.context("making an AccessKey")
}

/// The image that was asked for, else what this host's engines have, else this host itself.
async fn find_images(
    args: &Demo,
    installation: &Installation,
    sources: &Sources,
) -> anyhow::Result<Found> {
    let mut found = Found::default();
    if let Some(image) = args.image.as_deref().filter(|image| !image.is_empty()) {
        let location = Location::parse(image)
            .map_err(|error| anyhow::anyhow!("failed to {error}"))
            .with_context(|| format!("opening {image}"))?;
        found.add_location(sources, &location).await?;
        return Ok(found);
    }
    found.add_engines(&[]).await?;
    if found.images.is_empty() {
        let layout = pack_host(installation).await?;
        let location = Location::OciLayout { path: layout, reference: None };
        found.add_location(sources, &location).await?;
    }
    Ok(found)
}

async fn pack_host(installation: &Installation) -> anyhow::Result<PathBuf> {
    let spinner = Progress::new().spinner("packing a snapshot of this host's packages");
    let layout = installation.data().root().join("host-snapshot");
    let created_ms = installation.clock().now_ms();
    let written = layout.clone();
    let result = tallyman_engine::blocking::run(move || {
        // A layout of an earlier run holds blobs that nothing names any more.
        match fs::remove_dir_all(&written) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(anyhow::Error::from(error));
            }
            _ => {}
        }
        let layers = host_snapshot::choose(Path::new("/"));
        if layers.is_empty() {
            bail!("nothing on this host names packages; give an image with --image");
        }
        write_layout(&written, layers, created_ms)
    })
    .await;
    spinner.finish_and_clear();
    result.context("packing a snapshot of this host")?;
    Ok(layout)
}

fn write_layout(layout: &Path, layers: Vec<SnapshotLayer>, created_ms: i64) -> anyhow::Result<()> {
    let mut writer = LayoutWriter::create(layout)?;
    let mut written: Vec<WrittenLayer> = Vec::new();
    for layer in layers {
        written.push(writer.write_layer(LayerPacking::Gzip, |out| {
            let mut tar = TarWriter::new(out);
            for (path, on_host) in &layer.files {
                add_file(&mut tar, path, on_host)?;
            }
            tar.finish().map(|_| ())
        })?);
    }
    let image = NewImage {
        reference: SNAPSHOT_NAME,
        platform: &Platform::host(),
        created_ms,
        layers: &written,
    };
    writer.write_image(&image)?;
    Ok(())
}

fn add_file<W: std::io::Write>(
    tar: &mut TarWriter<W>,
    path: &str,
    on_host: &Path,
) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(file) = fs::File::open(on_host) else { return Ok(()) };
    let metadata = file.metadata()?;
    let meta =
        EntryMeta { path, mode: metadata.permissions().mode() & 0o7777, modified_seconds: 0 };
    // A file that grows meanwhile must not break the archive.
    let mut content = std::io::Read::take(file, metadata.len());
    tar.file(meta, metadata.len(), &mut content)
}

async fn describe(client: &ApiClient, uuid: &ServerUuid) -> anyhow::Result<Value> {
    let parameters = [("Uuids".to_owned(), uuid.to_string())];
    let answer = client
        .call("DescribeImageInfoList", &parameters, SignatureVersion::V3)
        .await
        .context("calling DescribeImageInfoList")?;
    let value: Value =
        serde_json::from_slice(&answer.body).context("reading the answer of our own server")?;
    match answer.status {
        200 => Ok(value),
        status => bail!("DescribeImageInfoList was answered with HTTP status {status}: {value}"),
    }
}
