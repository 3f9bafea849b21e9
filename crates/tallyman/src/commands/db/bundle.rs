//! `tallyman db export` and `db keygen`, and the taking of bundles.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use tallyman_engine::installation::{DataDirectory, Installation};
use tallyman_match::database::ImportReport;
use tallyman_match::database::exchange::{Since, Trust, is_unsigned_bundle};
use tallyman_match::signing::{PublicKey, SigningKey};

use crate::cli::options::{DataArgs, OutputFormat, TrustArgs};
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output;

/// A key's line is 72 characters; a file of this size has more than anybody pins.
const MAX_KEY_FILE_BYTES: u64 = 64 << 10;

#[derive(Serialize)]
struct Exported {
    file: String,
    revision: String,
    since: Option<String>,
    records: u64,
    removed: u64,
    size_bytes: u64,
    signed_by: Option<String>,
}

pub(super) async fn export(
    file: PathBuf,
    since: Option<String>,
    sign_key: Option<PathBuf>,
    data: &DataArgs,
    format: OutputFormat,
) -> anyhow::Result<Exit> {
    let key = sign_key.as_deref().map(read_secret_key).transpose()?;
    let signed_by = key.as_ref().map(|key| key.public().to_string());
    let since = since.map(|text| match Path::new(&text).is_file() {
        true => Since::File(text.into()),
        false => Since::Revision(text),
    });
    let installation = setup::installation(data).await?;
    let exported = installation
        .advisories()
        .export_bundle(file.clone(), since, key)
        .await
        .with_context(|| format!("writing {}", file.display()))?;
    let exported = Exported {
        file: file.display().to_string(),
        revision: exported.revision,
        since: exported.base,
        records: exported.records,
        removed: exported.removed,
        size_bytes: exported.size_bytes,
        signed_by,
    };
    match format {
        OutputFormat::Json => output::json(&exported)?,
        OutputFormat::Table => show(&exported),
    }
    Ok(Exit::Clean)
}

fn show(exported: &Exported) {
    let Exported { file, revision, since, records, removed, size_bytes, signed_by } = exported;
    let size = output::bytes(*size_bytes);
    match since {
        None => output::note(&format!("All feeds are in {file}: {records} records, {size}.")),
        Some(since) => output::note(&format!(
            "{file} leads from revision {since} on: {records} records, {removed} removed, {size}."
        )),
    }
    output::note(&format!("Revision {revision}"));
    match signed_by {
        Some(key) => output::note(&format!("Signed by {key}")),
        None => output::note("It is not signed (--sign-key)."),
    }
}

pub(super) fn keygen(file: &Path) -> anyhow::Result<Exit> {
    let (key, text) = SigningKey::generate().context("making a key")?;
    let mut opened = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("creating {}", file.display()))?;
    opened
        .write_all(text.as_bytes())
        .and_then(|()| opened.sync_all())
        .with_context(|| format!("writing {}", file.display()))?;
    output::note(&format!("The secret key is in {}. Others pin this one:", file.display()));
    output::line(&key.public().to_string())?;
    Ok(Exit::Clean)
}

fn read_secret_key(path: &Path) -> anyhow::Result<SigningKey> {
    let text = read_small(path)?;
    SigningKey::parse(&text).with_context(|| format!("reading the key in {}", path.display()))
}

fn read_small(path: &Path) -> anyhow::Result<String> {
    let metadata = fs::metadata(path).with_context(|| format!("reading {}", path.display()))?;
    if metadata.len() > MAX_KEY_FILE_BYTES {
        bail!("{} is too large for a file of keys", path.display());
    }
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Returns whose bundles are taken: those of the options, and those of the data directory.
pub(super) fn trust(args: &TrustArgs, data: &DataDirectory) -> anyhow::Result<Trust> {
    let mut keys = Vec::new();
    for text in args.trust_key.iter().filter(|text| !text.is_empty()) {
        match text.parse::<PublicKey>() {
            Ok(key) => keys.push(key),
            Err(_) if Path::new(text).is_file() => keys.extend(read_keys(Path::new(text))?),
            Err(error) => bail!(UsageError(format!("`{text}` is no key and no file: {error}"))),
        }
    }
    let pinned = data.trusted_keys();
    if pinned.exists() {
        keys.extend(read_keys(&pinned)?);
    }
    Ok(Trust { keys, allows_older: args.allow_older })
}

/// Reads a file of public keys, one a line; what follows `#` is for people.
fn read_keys(path: &Path) -> anyhow::Result<Vec<PublicKey>> {
    let text = read_small(path)?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let keys: Result<Vec<PublicKey>, _> =
        lines.filter(|line| !line.is_empty()).map(str::parse).collect();
    let keys = keys.with_context(|| format!("reading the keys in {}", path.display()))?;
    if keys.is_empty() {
        // An empty file is a slip of the hand, and must not mean that everybody is trusted.
        bail!("{} pins no key; remove it, or write keys into it", path.display());
    }
    Ok(keys)
}

/// Takes a bundle in place of what is there.
pub(super) async fn take(
    installation: &Installation,
    path: PathBuf,
    trust: &Trust,
) -> anyhow::Result<ImportReport> {
    let shown = path.display().to_string();
    let imported = installation
        .advisories()
        .import_bundle(path, trust.clone())
        .await
        .context("importing the bundle; nothing was changed")?;
    match (&imported.signed_by, imported.is_signed) {
        (Some(key), _) => tracing::info!(%key, "the bundle is signed by a pinned key"),
        (None, true) => output::note(&format!(
            "warning: {shown} is signed, but no key is pinned (--trust-key), so nobody vouches for it"
        )),
        (None, false) => output::note(&format!(
            "warning: {shown} is not signed, and no key is pinned (--trust-key)"
        )),
    }
    let revision = installation.advisories().current().revision().to_owned();
    if revision != imported.revision {
        tracing::warn!(
            exported = imported.revision,
            revision,
            "the content is the same, but this version of the program compiles it to another revision"
        );
    }
    Ok(imported.report)
}

/// Bundles of the first form have no place for a signature.
pub(super) fn refuse_unsigned(paths: &[PathBuf], trust: &Trust) -> anyhow::Result<()> {
    if let (false, Some(path)) =
        (trust.keys.is_empty(), paths.iter().find(|path| is_unsigned_bundle(path)))
    {
        bail!(
            "{} is not signed: keys are pinned; ask for a signed one; nothing was imported",
            path.display()
        );
    }
    Ok(())
}
