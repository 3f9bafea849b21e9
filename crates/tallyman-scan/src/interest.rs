//! What the analyzers want of a file, for callers that can leave the rest unread.

use tallyman_model::inventory::DiagnosticKind;
use tallyman_model::limits::{Limits, Over};

use crate::analyzers::{Candidate, has_magic, select};

/// What the analyzers want of a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// They make nothing of its content.
    Name,
    /// Its first bytes decide: they only want it if it is a program.
    Head,
    /// They want its content.
    Content {
        /// The limit on its size: of a larger file they only note that it is too large.
        limit: Over<'static>,
        /// How much of the answer is lost with it.
        loss: DiagnosticKind,
    },
}

/// Says what the analyzers want of the file with a normalised path; `head` are its first four bytes
/// or more, where they are known.
pub fn interest(
    path: &str,
    size_bytes: u64,
    mode: u32,
    head: Option<&[u8]>,
    limits: &Limits,
) -> Interest {
    let mut wanted = Interest::Name;
    for (_, analyzer) in select(&Candidate::new(path, size_bytes, mode)).iter() {
        let by_head = analyzer.class.is_program();
        let this = match head {
            None if by_head => Interest::Head,
            Some(head) if by_head && !has_magic(head) => Interest::Name,
            _ => {
                Interest::Content { limit: analyzer.max_bytes(limits), loss: analyzer.class.loss() }
            }
        };
        wanted = wanted.or(this);
    }
    wanted
}

impl Interest {
    fn or(self, other: Interest) -> Interest {
        match (self, other) {
            (Interest::Content { limit: a, loss: b }, Interest::Content { limit: c, loss: d }) => {
                let limit = if c.value > a.value { c } else { a };
                Interest::Content { limit, loss: b.max(d) }
            }
            (content @ Interest::Content { .. }, _) | (_, content @ Interest::Content { .. }) => {
                content
            }
            (Interest::Head, _) | (_, Interest::Head) => Interest::Head,
            (Interest::Name, Interest::Name) => Interest::Name,
        }
    }
}

#[cfg(test)]
mod tests {
    use tallyman_model::inventory::DiagnosticKind;
    use tallyman_model::limits::{Limits, Over};

    use super::{Interest, interest};

    fn wanted(path: &str, size: u64, mode: u32, head: Option<&[u8]>) -> Interest {
        interest(path, size, mode, head, &Limits::default())
    }

    #[test]
    fn a_database_is_wanted_as_a_whole_and_missed_badly() {
        let limits = Limits::default();
        let limit = Over { limit: "database-bytes", value: limits.database_bytes };
        let expected = Interest::Content { limit, loss: DiagnosticKind::Failed };
        assert_eq!(wanted("var/lib/dpkg/status", 5000, 0o644, None), expected);
    }

    #[test]
    fn a_program_is_wanted_when_it_is_one() {
        assert_eq!(wanted("usr/bin/x", 5000, 0o755, None), Interest::Head);
        assert_eq!(wanted("usr/bin/x", 5000, 0o755, Some(b"#!/bin/sh")), Interest::Name);
        let limits = Limits::default();
        let limit = Over { limit: "executable-bytes", value: limits.executable_bytes };
        let expected = Interest::Content { limit, loss: DiagnosticKind::Skipped };
        assert_eq!(wanted("usr/bin/x", 5000, 0o755, Some(b"\x7fELF\x02")), expected);
    }

    #[test]
    fn what_no_analyzer_knows_is_a_name() {
        assert_eq!(wanted("usr/share/doc/x/changelog.gz", 5000, 0o644, None), Interest::Name);
    }

    #[test]
    fn the_strongest_wish_counts() {
        let content = |value, loss| {
            let limit = Over { limit: "database-bytes", value };
            Interest::Content { limit, loss }
        };
        let (small, large) =
            (content(1, DiagnosticKind::Failed), content(9, DiagnosticKind::Skipped));
        assert_eq!(small.or(large), content(9, DiagnosticKind::Failed));
        assert_eq!(Interest::Head.or(small), small);
        assert_eq!(small.or(Interest::Head), small);
        assert_eq!(Interest::Name.or(Interest::Head), Interest::Head);
    }
}
