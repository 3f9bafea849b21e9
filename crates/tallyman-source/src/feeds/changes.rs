//! What changed since a provider of CSAF packed its archive: `changes.csv` (CSAF 2.0, section 7.1.13)
//! lists its documents with the time of the last change, the newest first; Red Hat's `deletions.csv`
//! lists in the same form those that are gone.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::{StreamExt as _, stream};
use tallyman_model::clock::parse_rfc3339;
use url::Url;

use crate::download::Downloader;
use crate::error::SourceError;
use crate::feeds::resolve::{beside, fetch_text_of};
use crate::feeds::{FeedSource, Mirrors, Publication};
use crate::registry::reply::plain;

/// Red Hat's list of some 50,000 documents has 3 MB.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// The largest document; Red Hat's on the kernel have some ten MB.
const MAX_DOCUMENT_BYTES: u64 = 128 << 20;

/// So many documents are fetched at once.
const AT_ONCE: usize = 8;

/// What changed between two times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The documents that are new or different, the oldest change first.
    pub documents: Vec<Url>,
    /// The names of the documents that are gone, without folder and ending: `cve-2024-44943`.
    pub deleted: Vec<String>,
    /// The time of the newest of these changes, milliseconds since the epoch.
    pub until_ms: i64,
}

impl Changes {
    /// Fetches the documents into a folder; returns how many bytes they have.
    ///
    /// # Errors
    ///
    /// A [`SourceError`], if any of them cannot be fetched or written.
    pub async fn fetch(&self, folder: &Path, downloader: &Downloader) -> Result<u64, SourceError> {
        let io_error = |source| SourceError::io(folder, source);
        tokio::fs::create_dir_all(folder).await.map_err(io_error)?;
        let fetch = |url: Url| async move {
            let name =
                url.path_segments().and_then(|mut parts| parts.next_back().map(str::to_owned));
            let bytes = downloader.fetch_small(&url, MAX_DOCUMENT_BYTES).await?;
            Ok::<_, SourceError>((name.unwrap_or_default(), bytes))
        };
        let documents = stream::iter(self.documents.iter().cloned());
        let mut fetched = documents.map(fetch).buffer_unordered(AT_ONCE);
        let mut received = 0_u64;
        while let Some(document) = fetched.next().await {
            let (name, bytes) = document?;
            received = received.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            tokio::fs::write(folder.join(name), bytes).await.map_err(io_error)?;
        }
        Ok(received)
    }
}

/// Lists what changed in a feed after a time, at most so many documents of it; `None` where the
/// publisher has no such lists.
///
/// # Errors
///
/// A [`SourceError`], if the lists cannot be fetched or read.
pub async fn changes(
    feed: &FeedSource,
    mirrors: &Mirrors,
    downloader: &Downloader,
    since_ms: i64,
    most: usize,
) -> Result<Option<Changes>, SourceError> {
    let Publication::NamedBy(pointer) = feed.publication else { return Ok(None) };
    let pointer: Url =
        pointer.parse().map_err(|_| SourceError::malformed(pointer, "it is no address"))?;
    let pointer = mirrors.replace(feed, &pointer);
    let Some(changed) = list(&pointer, "changes.csv", downloader).await? else { return Ok(None) };
    let deleted = list(&pointer, "deletions.csv", downloader).await?.unwrap_or_default();
    select(&pointer, &changed, &deleted, since_ms, most).map(Some)
}

/// Returns the day on which an archive was packed, by its name (`csaf_vex_2026-11-22.tar.zst`).
pub fn packed_ms(url: &str) -> Option<i64> {
    let name = url.rsplit('/').next()?;
    let day = name.rsplit('_').next()?.get(..10)?;
    parse_rfc3339(&format!("{day}T00:00:00Z"))
}

/// Documents with the times of their last changes.
type List = BTreeMap<String, i64>;

async fn list(
    pointer: &Url,
    name: &str,
    downloader: &Downloader,
) -> Result<Option<List>, SourceError> {
    let url = beside(pointer, name)?;
    match fetch_text_of(&url, MAX_LIST_BYTES, downloader).await {
        Ok(text) => read(&url, &text).map(Some),
        // Not every mirror has them.
        Err(SourceError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads lines such as `"2024/cve-2024-1234.json","2024-08-28T09:39:21+00:00"`.
fn read(url: &Url, text: &str) -> Result<List, SourceError> {
    let mut list = List::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let entry = line.split_once(',').and_then(|(path, time)| {
            let path = path.trim().trim_matches('"');
            let time = parse_rfc3339(time.trim().trim_matches('"'))?;
            is_document(path).then(|| (path.to_owned(), time))
        });
        let malformed = || {
            let line: String = line.chars().take(80).collect();
            SourceError::malformed(plain(url), format!("it has the line `{line}`"))
        };
        let (path, time) = entry.ok_or_else(malformed)?;
        let newest = list.entry(path).or_insert(time);
        *newest = (*newest).max(time);
    }
    Ok(list)
}

/// A year and a file of it; nothing else is ever asked for.
fn is_document(path: &str) -> bool {
    let Some((year, file)) = path.split_once('/') else { return false };
    let is_year = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    let stem = file.strip_suffix(".json").unwrap_or("");
    let is_stem = stem.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    is_year && is_stem && (1..=100).contains(&stem.len())
}

fn select(
    pointer: &Url,
    changed: &List,
    deleted: &List,
    since_ms: i64,
    most: usize,
) -> Result<Changes, SourceError> {
    // What was deleted and came again is there.
    let is_gone = |path: &str| deleted.get(path) > changed.get(path);
    let mut newer: Vec<(i64, &str)> = changed
        .iter()
        .filter(|(path, time)| **time > since_ms && !is_gone(path))
        .map(|(path, time)| (*time, path.as_str()))
        .collect();
    newer.sort_unstable();
    // Those of one time stay together, so that it can be gone on after it.
    let last = most.checked_sub(1).and_then(|at| newer.get(at)).map(|(time, _)| *time);
    newer.retain(|(time, _)| last.is_none_or(|last| *time <= last));
    let mut changes = Changes { until_ms: since_ms, ..Changes::default() };
    for (time, path) in newer {
        changes.documents.push(beside(pointer, path)?);
        changes.until_ms = changes.until_ms.max(time);
    }
    let stem = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.trim_end_matches(".json").to_owned()
    };
    let gone = deleted.iter().filter(|(path, time)| **time > since_ms && is_gone(path));
    changes.deleted = gone.map(|(path, _)| stem(path)).collect();
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::{packed_ms, read, select};

    const CHANGED: &str = "\"2024/cve-2024-1.json\",\"2024-08-04T00:00:00+00:00\"\n\
        \"2024/cve-2024-2.json\",\"2024-08-03T00:00:00+00:00\"\n\
        \"2024/cve-2024-3.json\",\"2024-08-02T00:00:00+00:00\"\n\
        \"2024/cve-2024-4.json\",\"2024-08-01T00:00:00+00:00\"\n";
    const DELETED: &str = "\"2024/cve-2024-2.json\",\"2024-08-05T00:00:00+00:00\"\n\
        \"2024/cve-2024-1.json\",\"2024-08-01T12:00:00+00:00\"\n";

    #[test]
    fn what_changed_after_a_time_is_listed_the_oldest_change_first() {
        let url = "https://a.example/vex/archive_latest.txt".parse().unwrap();
        let (changed, deleted) = (read(&url, CHANGED).unwrap(), read(&url, DELETED).unwrap());
        let since = packed_ms("https://a.example/vex/csaf_vex_2024-08-01.tar.zst").unwrap();
        let show = |most: usize| {
            let changes = select(&url, &changed, &deleted, since, most).unwrap();
            let names = changes.documents.iter().map(|url| url.path().to_owned());
            (names.collect::<Vec<_>>(), changes.deleted, changes.until_ms - since)
        };
        let day = 86_400_000;
        let all = ["/vex/2024/cve-2024-3.json", "/vex/2024/cve-2024-1.json"];
        let gone = vec!["cve-2024-2".to_owned()];
        assert_eq!(show(10), (all.map(str::to_owned).to_vec(), gone.clone(), 3 * day));
        assert_eq!(show(1), (vec![all[0].to_owned()], gone, day));
    }

    #[test]
    fn lists_name_documents_and_nothing_else() {
        let url = "https://a.example/changes.csv".parse().unwrap();
        for path in
            ["2024/../x.json", "https://b.example/x.json", "2024/x", "x.json", "2024/a/b.json"]
        {
            let text = format!("\"{path}\",\"2024-08-04T00:00:00+00:00\"");
            let error = read(&url, &text).unwrap_err().to_string();
            assert!(error.contains(path), "{error}");
        }
        assert!(read(&url, "\"2024/x.json\",\"yesterday\"").is_err());
        assert!(read(&url, "<html>").is_err());
        assert_eq!(packed_ms("https://a.example/latest.tar.zst"), None);
    }
}
