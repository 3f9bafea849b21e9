//! Of which files a feed consists just now. Small documents that say so are fetched here: the name of
//! the newest archive, a repository's metadata, a release.

use quick_xml::events::{BytesStart, Event};
use serde::Deserialize;
use tallyman_model::digest::Digest;
use url::Url;

use crate::download::Downloader;
use crate::error::SourceError;
use crate::feeds::{FeedSource, Mirrors, Publication};
use crate::registry::reply::plain;

/// The documents that are read here are small; GitHub's of a release with its files is the largest.
const MAX_DOCUMENT_BYTES: u64 = 4 << 20;
/// A list of mirrors has one line, rarely several, of which the first is taken.
const MAX_LINES: usize = 100;
const OSV_BASE: &str = "https://osv-vulnerabilities.storage.googleapis.com/";

/// One file of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedFile {
    /// Where it is fetched from.
    pub url: Url,
    /// The digest that its publisher gives.
    pub digest: Option<Digest>,
    /// The size that its publisher gives.
    pub size_bytes: Option<u64>,
}

impl FeedFile {
    fn at(url: Url) -> Self {
        FeedFile { url, digest: None, size_bytes: None }
    }
}

/// Finds the files of a feed. An address in what is fetched here is relative to where that is, so that
/// a mirror is enough for the whole feed.
///
/// # Errors
///
/// A [`SourceError`], if a document that names them cannot be fetched or read.
pub async fn resolve(
    feed: &FeedSource,
    mirrors: &Mirrors,
    downloader: &Downloader,
) -> Result<Vec<FeedFile>, SourceError> {
    let address = |text: &str| -> Result<Url, SourceError> {
        let url = text.parse().map_err(|_| SourceError::malformed(text, "it is no address"))?;
        Ok(mirrors.replace(feed, &url))
    };
    match feed.publication {
        Publication::Osv(_) | Publication::Files(_) => {
            let urls = addresses(feed).into_iter();
            Ok(urls.map(|url| FeedFile::at(mirrors.replace(feed, &url))).collect())
        }
        Publication::NamedBy(pointer) => named_by(&address(pointer)?, downloader).await,
        Publication::Repositories(lists) => {
            let mut files = Vec::new();
            for list in lists {
                files.push(
                    updateinfo(&address(list)?, |url| mirrors.replace(feed, url), downloader)
                        .await?,
                );
            }
            Ok(files)
        }
        Publication::Release { api, ending } => {
            let api = address(api)?;
            let bytes = downloader.fetch_small(&api, MAX_DOCUMENT_BYTES).await?;
            let mut file = find_asset(&api, &bytes, ending)?;
            file.url = mirrors.replace(feed, &file.url);
            Ok(vec![file])
        }
    }
}

/// Returns the addresses of a feed's files, where they are always the same.
pub fn addresses(feed: &FeedSource) -> Vec<Url> {
    match feed.publication {
        Publication::Osv(ecosystem) => {
            let Ok(mut url) = OSV_BASE.parse::<Url>() else { return Vec::new() };
            if let Ok(mut path) = url.path_segments_mut() {
                path.clear().push(ecosystem).push("all.zip");
            }
            vec![url]
        }
        Publication::Files(urls) => urls.iter().filter_map(|url| url.parse().ok()).collect(),
        Publication::NamedBy(_) | Publication::Repositories(_) | Publication::Release { .. } => {
            Vec::new()
        }
    }
}

async fn named_by(pointer: &Url, downloader: &Downloader) -> Result<Vec<FeedFile>, SourceError> {
    let name = fetch_text(pointer, downloader).await?;
    let name = name.trim();
    let is_name = !name.is_empty()
        && name.len() <= 200
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !name.starts_with('.');
    if !is_name {
        return Err(SourceError::malformed(plain(pointer), "it does not name an archive"));
    }
    let url = beside(pointer, name)?;
    let sidecar = beside(pointer, &format!("{name}.sha256"))?;
    let digest = match fetch_text(&sidecar, downloader).await {
        Ok(text) => Some(read_sidecar(&sidecar, &text)?),
        // Not every mirror has the digests beside the archives.
        Err(SourceError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(vec![FeedFile { url, digest, size_bytes: None }])
}

/// Reads what `sha256sum` writes: the digest, and after it the name.
fn read_sidecar(url: &Url, text: &str) -> Result<Digest, SourceError> {
    let word = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    format!("sha256:{word}")
        .parse()
        .map_err(|_| SourceError::malformed(plain(url), "it does not begin with a SHA-256"))
}

pub(super) fn beside(url: &Url, name: &str) -> Result<Url, SourceError> {
    url.join(name).map_err(|_| SourceError::malformed(plain(url), "it names no address"))
}

async fn fetch_text(url: &Url, downloader: &Downloader) -> Result<String, SourceError> {
    fetch_text_of(url, MAX_DOCUMENT_BYTES, downloader).await
}

pub(super) async fn fetch_text_of(
    url: &Url,
    max_bytes: u64,
    downloader: &Downloader,
) -> Result<String, SourceError> {
    let bytes = downloader.fetch_small(url, max_bytes).await?;
    String::from_utf8(bytes).map_err(|_| SourceError::malformed(plain(url), "it is not UTF-8"))
}

/// Finds the updateinfo of a repository: mirror list, then `repodata/repomd.xml`, then the file.
async fn updateinfo(
    list: &Url,
    mirrored: impl Fn(&Url) -> Url,
    downloader: &Downloader,
) -> Result<FeedFile, SourceError> {
    let text = fetch_text(list, downloader).await?;
    let base = text.lines().take(MAX_LINES).map(str::trim).find(|line| !line.is_empty());
    let malformed = || SourceError::malformed(plain(list), "it names no mirror");
    let base = base.ok_or_else(malformed)?.trim_end_matches('/');
    let base: Url = format!("{base}/").parse().map_err(|_| malformed())?;
    let base = mirrored(&base);
    let metadata = base.join("repodata/repomd.xml").map_err(|_| malformed())?;
    let bytes = downloader.fetch_small(&metadata, MAX_DOCUMENT_BYTES).await?;
    read_repomd(&base, &metadata, &bytes)
}

/// Reads the entry for updateinfo in a repository's metadata (createrepo_c, `repomd.xml`).
fn read_repomd(base: &Url, metadata: &Url, bytes: &[u8]) -> Result<FeedFile, SourceError> {
    let malformed = |reason: &str| SourceError::malformed(plain(metadata), reason);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut is_inside = false;
    let mut checksum_kind = None;
    let (mut digest, mut size_bytes, mut location) = (None, None, None);
    let mut element = String::new();
    loop {
        let event = reader.read_event().map_err(|error| malformed(&error.to_string()))?;
        match event {
            Event::Eof => break,
            Event::Start(start) | Event::Empty(start) => {
                element = start.local_name().as_ref().to_owned();
                match element.as_str() {
                    "data" => {
                        is_inside = attribute(&start, "type").as_deref() == Some("updateinfo")
                    }
                    "checksum" => checksum_kind = attribute(&start, "type"),
                    "location" if is_inside => location = attribute(&start, "href"),
                    _ => {}
                }
            }
            Event::Text(text) if is_inside => {
                let text = text.trim().to_owned();
                match element.as_str() {
                    "checksum" if !text.is_empty() => {
                        let kind = checksum_kind.as_deref().unwrap_or_default();
                        digest = digest.or_else(|| format!("{kind}:{text}").parse().ok());
                    }
                    "size" if !text.is_empty() => size_bytes = text.parse().ok(),
                    _ => {}
                }
            }
            Event::End(end) => {
                element.clear();
                is_inside = is_inside && end.local_name().as_ref() != "data";
            }
            _ => {}
        }
    }
    let location = location.ok_or_else(|| malformed("it names no updateinfo"))?;
    let url = base.join(&location).map_err(|_| malformed("its updateinfo has no address"))?;
    if url.origin() != base.origin() {
        return Err(malformed("its updateinfo is on another host"));
    }
    Ok(FeedFile { url, digest, size_bytes })
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().filter_map(Result::ok).find(|a| a.key.as_ref() == name)?;
    Some(found.value.into_owned())
}

#[derive(Deserialize)]
struct Release {
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    browser_download_url: String,
    size: u64,
    /// GitHub's own, since 2025.
    #[serde(default)]
    digest: Option<String>,
}

fn find_asset(api: &Url, bytes: &[u8], ending: &str) -> Result<FeedFile, SourceError> {
    let release: Release = serde_json::from_slice(bytes)
        .map_err(|error| SourceError::malformed(plain(api), error.to_string()))?;
    let asset = release.assets.into_iter().find(|asset| asset.name.ends_with(ending));
    let asset = asset.ok_or_else(|| {
        SourceError::malformed(plain(api), format!("it has no file that ends in {ending}"))
    })?;
    let digest = asset.digest.and_then(|digest| digest.parse().ok());
    let url = asset.browser_download_url.parse();
    let url = url.map_err(|_| SourceError::malformed(plain(api), "its file has no address"))?;
    Ok(FeedFile { url, digest, size_bytes: Some(asset.size) })
}

#[cfg(test)]
mod tests {
    use super::{find_asset, read_repomd, read_sidecar};

    #[test]
    fn the_updateinfo_of_a_repository_is_found_with_its_checksum() {
        let sha = "ab".repeat(32);
        let text = format!(
            r#"<repomd xmlns="http://linux.duke.edu/metadata/repo">
            <data type="primary"><checksum type="sha256">{}</checksum><location href="repodata/p.xml.gz"/></data>
            <data type="updateinfo"><checksum type="sha256">{sha}</checksum>
            <open-checksum type="sha256">{}</open-checksum>
            <location href="repodata/u.xml.gz"/><size>123</size><open-size>999</open-size></data></repomd>"#,
            "11".repeat(32),
            "22".repeat(32),
        );
        let base = "https://mirror.example/core/".parse().unwrap();
        let file = read_repomd(&base, &base, text.as_bytes()).unwrap();
        assert_eq!(file.url.as_str(), "https://mirror.example/core/repodata/u.xml.gz");
        assert_eq!(file.size_bytes, Some(123));
        assert_eq!(file.digest.unwrap().hex(), sha);
    }

    #[test]
    fn an_updateinfo_on_another_host_is_refused() {
        let base = "https://mirror.example/core/".parse().unwrap();
        let text = r#"<repomd><data type="updateinfo"><location href="https://elsewhere.example/u"/></data></repomd>"#;
        let error = read_repomd(&base, &base, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("another host"), "{error}");
        assert!(read_repomd(&base, &base, b"<repomd/>").is_err());
        assert!(read_repomd(&base, &base, b"<repomd><").is_err());
    }

    #[test]
    fn the_file_of_a_release_is_found_by_its_ending() {
        let api = "https://api.github.com/x".parse().unwrap();
        let text = r#"{"assets":[{"name":"delta.zip","browser_download_url":"https://github.com/d","size":1},
            {"name":"2026-01-01_all.zip.zip","browser_download_url":"https://github.com/a","size":2,
             "digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}"#;
        let file = find_asset(&api, text.as_bytes(), "_all.zip.zip").unwrap();
        assert_eq!((file.url.as_str(), file.size_bytes), ("https://github.com/a", Some(2)));
        assert!(file.digest.is_some());
        assert!(find_asset(&api, text.as_bytes(), "nothing").is_err());
    }

    #[test]
    fn the_digest_beside_an_archive_is_read() {
        let url = "https://a.example/x.sha256".parse().unwrap();
        let sha = "AB".repeat(32);
        assert!(read_sidecar(&url, &format!("{sha}  x.tar.zst\n")).is_ok());
        assert!(read_sidecar(&url, "<html>").is_err());
    }
}
