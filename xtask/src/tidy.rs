//! The checks, and the complaint that each of them makes.
//!
//! A check is one file with one function from the repository to complaints. To add one, write the
//! file and its line in [`CHECKS`].

mod bans;
mod commits;
mod decisions;
mod documents;
mod edges;
mod licences;
mod lists;
mod manifests;
mod output;
mod shape;
mod sql;
mod unsafety;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::repository::Repository;

/// A check by name.
pub(crate) struct Check {
    /// The name on the command line and in complaints.
    pub(crate) name: &'static str,
    /// What it looks at, in a line.
    pub(crate) about: &'static str,
    /// The check itself.
    pub(crate) run: fn(&Repository) -> anyhow::Result<Vec<Complaint>>,
}

/// Every check there is.
pub(crate) const CHECKS: &[Check] = &[
    Check { name: "edges", about: "which crate may depend on which", run: edges::check },
    Check { name: "manifests", about: "versions live in the root manifest", run: manifests::check },
    Check { name: "licences", about: "licences of the dependencies", run: licences::check },
    Check { name: "bans", about: "no crate that a decision rules out", run: bans::check },
    Check { name: "sql", about: "only the store holds SQL", run: sql::check },
    Check {
        name: "output",
        about: "only the binary prints, exits, reads the environment",
        run: output::check,
    },
    Check { name: "unsafety", about: "unsafe code needs a decision", run: unsafety::check },
    Check { name: "shape", about: "how a source file is made", run: shape::check },
    Check { name: "lists", about: "each kind is named in its list", run: lists::check },
    Check { name: "documents", about: "links resolve, pages are reachable", run: documents::check },
    Check {
        name: "decisions",
        about: "decisions are numbered without gaps",
        run: decisions::check,
    },
    Check { name: "words", about: "no paths of one machine", run: words::check },
    Check { name: "commits", about: "how commits are worded", run: commits::check },
];

/// Returns the checks with the given names, or all; the error is a name that no check has.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Check>, &str> {
    if names.is_empty() {
        return Ok(CHECKS.iter().collect());
    }
    names
        .iter()
        .map(|name| CHECKS.iter().find(|check| check.name == name).ok_or(name.as_str()))
        .collect()
}

/// Something that is not as it should be, at a place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Complaint {
    /// The file, or the commit.
    pub(crate) place: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl Complaint {
    /// Makes a complaint.
    pub(crate) fn new(place: &str, line: usize, message: impl Into<String>) -> Self {
        Complaint { place: place.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.place, self.line, self.message)
    }
}
