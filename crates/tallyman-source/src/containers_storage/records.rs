//! The lists of a store: `images.json` and `layers.json`, and how its files are named.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tallyman_model::digest::Digest;

use crate::containers_storage::read_bounded;
use crate::containers_storage::settings::StoreRoot;
use crate::document::json;
use crate::error::SourceError;

/// The bytes of one list. A layer takes some 500 of them.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// An image as `images.json` has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ImageRecord {
    pub(super) id: String,
    #[serde(default)]
    pub(super) digest: Option<Digest>,
    #[serde(default)]
    pub(super) names: Vec<String>,
    /// The uppermost layer.
    #[serde(default)]
    pub(super) layer: Option<String>,
    #[serde(default)]
    pub(super) big_data_digests: BTreeMap<String, Digest>,
}

/// A layer as `layers.json` has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct LayerRecord {
    pub(super) id: String,
    #[serde(default)]
    pub(super) parent: Option<String>,
    #[serde(default)]
    pub(super) diff_digest: Option<Digest>,
    /// Negative where it is not known.
    #[serde(default)]
    pub(super) diff_size: Option<i64>,
}

/// What is in some stores, with the index of its store.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) images: Vec<(usize, ImageRecord)>,
    pub(super) layers: HashMap<String, (usize, LayerRecord)>,
}

impl Records {
    /// Reads the lists of all stores. What an earlier one has hides what a later one has.
    pub(super) fn read(roots: &[StoreRoot]) -> Result<Self, SourceError> {
        let mut records = Records::default();
        for (index, root) in roots.iter().enumerate() {
            for image in read::<ImageRecord>(root, "images")? {
                check_id(root, &image.id)?;
                if records.images.iter().all(|(_, known)| known.id != image.id) {
                    records.images.push((index, image));
                }
            }
            for layer in read::<LayerRecord>(root, "layers")? {
                check_id(root, &layer.id)?;
                records.layers.entry(layer.id.clone()).or_insert((index, layer));
            }
        }
        Ok(records)
    }
}

fn read<T: for<'a> Deserialize<'a>>(root: &StoreRoot, what: &str) -> Result<Vec<T>, SourceError> {
    let directory = root.path.join(format!("{}-{what}", root.driver.name()));
    let path = directory.join(format!("{what}.json"));
    match read_bounded(&path, "container store list", MAX_LIST_BYTES) {
        Ok(bytes) => json(&path.display().to_string(), &bytes),
        // A store in which nothing was ever pulled has no list of layers.
        Err(SourceError::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Ids become parts of paths.
fn check_id(root: &StoreRoot, id: &str) -> Result<(), SourceError> {
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !id.is_empty() && !id.starts_with('.') && id.bytes().all(is_sound) {
        return Ok(());
    }
    Err(SourceError::malformed(root.path.display().to_string(), format!("`{id}` is no id")))
}

/// Returns the name of the file in which the store keeps something under a key.
pub(super) fn big_data_name(key: &str) -> String {
    let is_plain = |byte: u8| matches!(byte, b'.' | b'0'..=b'9' | b'a'..=b'z');
    match key.bytes().all(is_plain) {
        true => key.to_owned(),
        false => format!("={}", STANDARD.encode(key)),
    }
}
