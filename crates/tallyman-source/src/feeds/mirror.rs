//! Mirrors: other places that have what a publisher has, under the same paths.

use std::str::FromStr;

use url::Url;

use crate::feeds::FeedSource;

/// One replacement: `WHAT=BASE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// A feed's name, a host, or `*`.
    what: String,
    base: Url,
}

/// A text that names no mirror.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no mirror: write FEED=URL, HOST=URL or *=URL")]
pub struct InvalidMirror(String);

impl FromStr for Mirror {
    type Err = InvalidMirror;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidMirror(text.to_owned());
        let (what, base) = text.split_once('=').ok_or_else(invalid)?;
        let base = if base.ends_with('/') { base.to_owned() } else { format!("{base}/") };
        let base: Url = base.parse().map_err(|_| invalid())?;
        let is_web = matches!(base.scheme(), "https" | "http") && base.query().is_none();
        if what.is_empty() || !is_web {
            return Err(invalid());
        }
        Ok(Mirror { what: what.to_owned(), base })
    }
}

/// All mirrors; of several that fit, that of the feed goes before that of the host, and both before
/// that of everything.
#[derive(Clone, Debug, Default)]
pub struct Mirrors(pub Vec<Mirror>);

impl Mirrors {
    /// Returns where a file is fetched from. The mirror's address takes the place of the publisher's
    /// scheme and host; that of everything keeps the host as the first part of the path.
    pub fn replace(&self, feed: &FeedSource, url: &Url) -> Url {
        let host = url.host_str().unwrap_or_default();
        let find = |what: &str| self.0.iter().find(|m| m.what.eq_ignore_ascii_case(what));
        let path = url.path().trim_start_matches('/');
        let (base, path) = match (find(feed.name).or_else(|| find(host)), find("*")) {
            (Some(mirror), _) => (&mirror.base, path.to_owned()),
            (None, Some(mirror)) => (&mirror.base, format!("{host}/{path}")),
            (None, None) => return url.clone(),
        };
        let mut replaced = base.clone();
        replaced.set_path(&format!("{}{path}", base.path()));
        replaced.set_query(url.query());
        replaced
    }
}
