//! Checks for this repository, run as `cargo xtask tidy`.
//!
//! What the compiler and clippy cannot see is checked here: which crate may know which, where SQL
//! and printing may live, whether the documentation hangs together, and how commits are worded.

mod cargo;
mod repository;
mod rust_text;
mod spdx;
mod tidy;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;

use crate::repository::Repository;

const USAGE: &str = "\
usage: cargo xtask tidy [CHECK…]

Checks what the compiler cannot see. Without a name, all checks run.
Exit codes: 0 nothing to report, 1 complaints, 2 usage.
";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, names)) if command == "tidy" => run_tidy(names),
        Some((command, _)) if matches!(command.as_str(), "help" | "--help" | "-h") => {
            io::stdout().write_all(usage().as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        _ => refuse_usage(""),
    }
}

fn run_tidy(names: &[String]) -> anyhow::Result<ExitCode> {
    let checks = match tidy::select(names) {
        Ok(checks) => checks,
        Err(unknown) => return refuse_usage(&format!("there is no check `{unknown}`\n")),
    };
    let repository = Repository::open().context("failed to read the repository")?;
    let mut complaints = Vec::new();
    for check in checks {
        let found = (check.run)(&repository)
            .with_context(|| format!("failed to run the check `{}`", check.name))?;
        complaints.extend(found.into_iter().map(|complaint| (complaint, check.name)));
    }
    complaints.sort();

    let mut out = io::stdout().lock();
    for (complaint, name) in &complaints {
        writeln!(out, "{complaint} [{name}]")?;
    }
    writeln!(out, "tidy: {} files, {} complaints", repository.files().len(), complaints.len())?;
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn usage() -> String {
    let mut text = USAGE.to_owned();
    text.push_str("\nchecks:\n");
    for check in tidy::CHECKS {
        text.push_str(&format!("  {:<12} {}\n", check.name, check.about));
    }
    text
}

fn refuse_usage(reason: &str) -> anyhow::Result<ExitCode> {
    io::stderr().write_all(format!("{reason}{}", usage()).as_bytes())?;
    Ok(ExitCode::from(2))
}
