//! The least that any scan of an image costs: read each compressed layer once, check its SHA-256
//! and inflate it, on all processors and with the libraries that Tallyman uses. What comes out of
//! the inflater is thrown away.
//!
//! `floor LAYOUT` reads the OCI layout whose `index.json` names one image. It prints how many
//! bytes went in and came out, so that nothing can be optimised away.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context, bail, ensure};
use flate2::{Decompress, FlushDecompress, Status};
use ring::digest::{Context as Hash, SHA256};
use serde_json::Value;

const BLOCK_BYTES: usize = 128 << 10;
const WINDOW_BYTES: usize = 256 << 10;
const WINDOW_BITS: u8 = 15;

/// How many blocks may wait for their hash.
const WAITING: usize = 3;

struct Layer {
    path: PathBuf,
    sha256: String,
    size: u64,
}

fn main() -> anyhow::Result<()> {
    let layout = std::env::args_os().nth(1).context("usage: floor LAYOUT")?;
    let mut layers = layers(Path::new(&layout))?;
    layers.sort_by_key(|layer| std::cmp::Reverse(layer.size));
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let work = || -> anyhow::Result<()> {
        while let Some(layer) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let inflated =
                read_layer(layer).with_context(|| format!("reading {}", layer.path.display()))?;
            bytes.fetch_add(inflated, Ordering::Relaxed);
        }
        Ok(())
    };
    let width = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..width).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })?;
    let stored: u64 = layers.iter().map(|layer| layer.size).sum();
    writeln!(std::io::stdout(), "{stored} {}", bytes.into_inner())?;
    Ok(())
}

/// Returns the layers of the first image that the layout names.
fn layers(layout: &Path) -> anyhow::Result<Vec<Layer>> {
    let blob = |digest: &str| layout.join("blobs").join(digest.replace(':', "/"));
    let read = |path: &Path| -> anyhow::Result<Value> {
        let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    };
    let text = |value: &Value, what: &str| -> anyhow::Result<String> {
        Ok(value.as_str().with_context(|| format!("no {what}"))?.to_owned())
    };
    let index = read(&layout.join("index.json"))?;
    let manifest = read(&blob(&text(&index["manifests"][0]["digest"], "manifest")?))?;
    let layers = manifest["layers"].as_array().context("the manifest lists no layers")?;
    layers
        .iter()
        .map(|layer| {
            let digest = text(&layer["digest"], "digest of a layer")?;
            let sha256 = digest.strip_prefix("sha256:").context("not a SHA-256")?.to_owned();
            let size = layer["size"].as_u64().context("no size of a layer")?;
            Ok(Layer { path: blob(&digest), sha256, size })
        })
        .collect()
}

/// Reads one layer; returns how many bytes came out.
fn read_layer(layer: &Layer) -> anyhow::Result<u64> {
    let mut file = File::open(&layer.path)?;
    let (to_hash, blocks) = sync_channel::<Vec<u8>>(WAITING);
    let (back, used) = sync_channel::<Vec<u8>>(WAITING + 2);
    let hash = thread::spawn(move || {
        let mut hash = Hash::new(&SHA256);
        for block in blocks {
            hash.update(&block);
            let _ = back.send(block);
        }
        hash.finish()
    });
    let mut inflate = Decompress::new_gzip(WINDOW_BITS);
    let mut window = vec![0; WINDOW_BYTES];
    let (mut total, mut is_open) = (0_u64, true);
    for count in 0.. {
        let mut block = match count {
            0..=WAITING => Vec::new(),
            _ => used.recv()?,
        };
        block.resize(BLOCK_BYTES, 0);
        let read = fill(&mut file, &mut block)?;
        block.truncate(read);
        if read == 0 {
            break;
        }
        let mut rest = block.as_slice();
        while is_open && !rest.is_empty() {
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(rest, &mut window, FlushDecompress::None)?;
            let consumed = usize::try_from(inflate.total_in() - read)?;
            total += inflate.total_out() - written;
            rest = rest.get(consumed..).unwrap_or_default();
            is_open = status != Status::StreamEnd;
        }
        to_hash.send(block)?;
    }
    drop(to_hash);
    let Ok(found) = hash.join() else { bail!("the hash failed") };
    ensure!(hex::encode(found) == layer.sha256, "it has another digest");
    ensure!(!is_open, "it ends too early");
    Ok(total)
}

fn fill(file: &mut File, block: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = block.get_mut(filled..).filter(|free| !free.is_empty()) {
        match file.read(free)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
