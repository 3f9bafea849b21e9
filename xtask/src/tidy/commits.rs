//! How commits are worded: `area: Imperative subject`, and a body that says why.

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::Complaint;
use crate::repository::Repository;

/// The characters that a subject may have.
const MAX_SUBJECT: usize = 72;

/// Checks the commits reachable from HEAD that no remote has; without git or its directory there are none.
pub(super) fn check(repository: &Repository) -> anyhow::Result<Vec<Complaint>> {
    let log = read_log(repository.root())?;
    let mut complaints = Vec::new();
    for entry in log.split('\0').filter(|entry| !entry.trim().is_empty()) {
        let (hash, message) = entry.trim_start().split_once('\n').unwrap_or((entry, ""));
        complaints
            .extend(judge(message).into_iter().map(|(line, why)| Complaint::new(hash, line, why)));
    }
    Ok(complaints)
}

/// Returns the commits that are neither merges nor published already, when it is too late to reword
/// them, each as its short hash, a line break and the message.
fn read_log(root: &Path) -> anyhow::Result<String> {
    if !root.join(".git").exists() {
        return Ok(String::new());
    }
    let output = Command::new("git")
        .args(["log", "-z", "--no-merges", "--format=%h%n%B", "HEAD", "--not", "--remotes"])
        .current_dir(root)
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error).context("failed to run git log"),
    };
    if !output.status.success() {
        bail!("git log failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns what is wrong with a commit's message, with the line it is on.
fn judge(message: &str) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    let mut lines = message.lines();
    let subject = lines.next().unwrap_or_default();
    if let Err(why) = judge_subject(subject) {
        wrong.push((1, format!("{why}: `{subject}`")));
    }
    if lines.next().is_some_and(|line| !line.trim().is_empty()) {
        wrong.push((2, "leave the line after the subject empty".to_owned()));
    }
    if !lines.any(|line| !line.trim().is_empty()) {
        wrong.push((1, format!("say why in a body: `{subject}`")));
    }
    wrong
}

fn judge_subject(subject: &str) -> Result<(), &'static str> {
    let is_area = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_/,".contains(c);
    let (area, summary) = subject.split_once(": ").ok_or("write `area: Imperative subject`")?;
    if area.is_empty() || !area.chars().all(is_area) {
        return Err("name the area in small letters");
    }
    let verb = summary.split_whitespace().next().unwrap_or_default();
    if !verb.starts_with(|c: char| c.is_uppercase()) {
        return Err("begin the subject with a capital");
    }
    if !is_imperative(verb) {
        return Err("word the subject as an order (`Add`, not `Added` or `Adds`)");
    }
    if subject.chars().count() > MAX_SUBJECT {
        return Err("keep the subject within 72 characters");
    }
    if subject.ends_with('.') {
        return Err("end the subject without a full stop");
    }
    Ok(())
}

/// Guesses from the ending; words that only look like another form are named.
fn is_imperative(verb: &str) -> bool {
    const LOOK_ALIKE: &[&str] = &[
        "Bring", "Embed", "Exceed", "Feed", "Need", "Ping", "Proceed", "Seed", "Shed", "Speed",
        "String",
    ];
    let other_form = ["ed", "ing"].iter().any(|ending| verb.ends_with(ending))
        || (verb.ends_with('s') && !["ss", "us", "is", "as"].iter().any(|e| verb.ends_with(e)));
    !other_form || LOOK_ALIKE.contains(&verb)
}
