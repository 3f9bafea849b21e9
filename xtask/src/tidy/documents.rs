//! The documentation hangs together: links resolve, and every page is reached from the index.

#[cfg(test)]
mod tests;

mod markdown;

use std::collections::BTreeSet;

use self::markdown::{Link, anchors, links};
use super::Complaint;
use crate::repository::{Repository, TextFile};

/// The page that every other page of `docs/` is reached from.
const INDEX: &str = "docs/README.md";

/// Checks every Markdown file.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let pages = || repository.files().iter().filter(|file| file.path.ends_with(".md"));
    let mut complaints: Vec<Complaint> =
        pages().flat_map(|page| check_links(repository, page)).collect();

    let reached = reached_pages(repository);
    for page in pages().filter(|page| page.path.starts_with("docs/")) {
        if !reached.contains(page.path.as_str()) {
            let message = format!("no link leads here from {INDEX}");
            complaints.push(Complaint::new(&page.path, 1, message));
        }
    }
    Ok(complaints)
}

fn check_links(repository: &Repository, page: &TextFile) -> Vec<Complaint> {
    let broken = |link: &Link| {
        let (path, anchor) = resolve(&page.path, link.target)?;
        if !path.is_empty() && !repository.holds(&path) {
            return Some(format!("the link to {} leads nowhere", link.target));
        }
        let anchor = anchor?;
        let target = repository.find(&path).filter(|target| target.path.ends_with(".md"))?;
        let known = anchors(&target.text).iter().any(|known| known == anchor);
        (!known).then(|| format!("{path} has no heading #{anchor}"))
    };
    links(&page.text)
        .iter()
        .filter_map(|link| broken(link).map(|why| Complaint::new(&page.path, link.line, why)))
        .collect()
}

fn reached_pages(repository: &Repository) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![INDEX.to_owned()];
    while let Some(path) = pending.pop() {
        let Some(page) = repository.find(&path).filter(|page| page.path.ends_with(".md")) else {
            continue;
        };
        if reached.insert(path.clone()) {
            let targets = links(&page.text);
            pending.extend(
                targets.iter().filter_map(|link| Some(resolve(&page.path, link.target)?.0)),
            );
        }
    }
    reached
}

/// Returns the path from the root and the anchor that a link on `page` leads to; `None` for a
/// link out of the repository.
fn resolve<'a>(page: &str, target: &'a str) -> Option<(String, Option<&'a str>)> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    if path.is_empty() {
        return Some((page.to_owned(), anchor));
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                // Past the root is nowhere, which no file of the repository is called.
                if parts.pop().is_none() {
                    return Some(("..".to_owned(), None));
                }
            }
            _ => parts.push(part),
        }
    }
    Some((parts.join("/"), anchor))
}
