//! The exit codes, and how errors become one.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done, and there is nothing to report.
    Clean,
    /// What was looked for was found: a vulnerability of the severity of `--fail-on` or above,
    /// a line that does not hold, or a difference.
    Found,
    /// The command line was wrong. Clap uses the same number.
    Usage,
    /// Something could not be analysed or done.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Clean => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
        })
    }
}

/// A mistake on the command line that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

impl Exit {
    /// Returns the worse of two ends: what is not known outranks what was found.
    pub(crate) fn worst(self, other: Exit) -> Exit {
        let rank = |exit: Exit| match exit {
            Exit::Clean => 0,
            Exit::Found => 1,
            Exit::Failed => 2,
            Exit::Usage => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    /// Chooses the exit code for an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.chain().any(|cause| cause.is::<UsageError>()) { Exit::Usage } else { Exit::Failed }
    }
}
