//! The search for the version of one program, window by window.

use std::str;

use memchr::memmem::Finder;

use crate::analyzers::binaries::Window;
use crate::analyzers::binaries::table::Sign;
use crate::analyzers::binaries::version::{Shape, VERSION_BYTES_MAX, at_end, at_start};
use crate::analyzers::is_token;

/// Looks for all signs of a program; of those that are there, the first of the list counts.
pub(super) struct Search {
    signs: Vec<SignSearch>,
}

struct SignSearch {
    sign: &'static Sign,
    finder: Finder<'static>,
    /// What the version begins with, if the file name tells: `3.11`.
    begins_with: String,
    found: Vec<String>,
}

impl Search {
    pub(super) fn new(signs: &'static [Sign], base: &str) -> Self {
        let signs = signs.iter().map(|sign| SignSearch {
            sign,
            finder: Finder::new(sign.text()),
            begins_with: version_in_name(base).to_owned(),
            found: Vec::new(),
        });
        Search { signs: signs.collect() }
    }

    pub(super) fn see(&mut self, window: Window<'_>) {
        self.signs.iter_mut().for_each(|sign| sign.see(window));
    }

    pub(super) fn finish(self) -> Option<String> {
        self.signs.into_iter().find_map(SignSearch::finish)
    }
}

impl SignSearch {
    fn see(&mut self, window: Window<'_>) {
        let most = if self.sign.is_sole() { 2 } else { 1 };
        if self.found.len() >= most {
            return;
        }
        for at in self.finder.find_iter(window.bytes) {
            let Some(version) = self.version_beside(window, at) else {
                continue;
            };
            if !self.found.iter().any(|found| found == version) {
                self.found.push(version.to_owned());
            }
            if self.found.len() >= most {
                return;
            }
        }
    }

    /// Two versions that could both be meant are none.
    fn finish(self) -> Option<String> {
        match (self.sign.is_sole(), self.found.as_slice()) {
            (false, [version, ..]) | (true, [version]) => Some(version.clone()),
            (_, _) => None,
        }
    }

    fn version_beside<'a>(&self, window: Window<'a>, at: usize) -> Option<&'a str> {
        let (before, found) = window.bytes.split_at_checked(at)?;
        let behind = found.get(self.sign.text().len()..)?;
        match self.sign {
            Sign::After(_, shape) => at_start(behind, *shape, !window.is_last),
            Sign::AfterWithin(_, end, shape) => {
                let version = at_start(behind, *shape, !window.is_last)?;
                let rest = behind.get(version.len()..behind.len().min(VERSION_BYTES_MAX))?;
                memchr::memmem::find(rest, end.as_bytes()).map(|_| version)
            }
            Sign::Before(_, shape) => at_end(before, *shape, !window.is_first),
            Sign::Alone(_, majors, shape) => alone(behind, *shape, !window.is_last)
                .filter(|version| majors.contains(&major(version))),
            Sign::AloneAsNamed(shape) => {
                alone(behind, *shape, !window.is_last).filter(|version| self.is_named(version))
            }
            Sign::BuildOfContainer(shape) => container_build(before, behind, *shape, window),
            Sign::BuildAtTime(shape) => timed_build(before, *shape, window),
            Sign::JavaLauncher => java_launcher(before, behind, window),
        }
    }

    fn is_named(&self, version: &str) -> bool {
        let rest = version.strip_prefix(&self.begins_with);
        !self.begins_with.is_empty() && rest.is_some_and(|rest| !rest.starts_with(char::is_numeric))
    }
}

/// A version with a NUL behind it; one before it was the text.
fn alone(behind: &[u8], shape: Shape, goes_on: bool) -> Option<&str> {
    let version = at_start(behind, shape, goes_on)?;
    (behind.get(version.len()) == Some(&0)).then_some(version)
}

fn major(version: &str) -> u32 {
    let digits = version.split('.').next().unwrap_or_default();
    digits.parse().unwrap_or(u32::MAX)
}

/// The version, the host name and the time of a build: `7.0.14` `841ce7054bd9` `-1542359302…`, where
/// the host is a container, whose name has twelve digits.
fn container_build<'a>(
    before: &'a [u8],
    behind: &[u8],
    shape: Shape,
    window: Window<'_>,
) -> Option<&'a str> {
    let is_time = behind.len() >= 9 && behind.iter().take(9).all(u8::is_ascii_digit);
    let (version, host) = before.split_at_checked(before.len().checked_sub(12)?)?;
    let is_host = host.iter().all(u8::is_ascii_hexdigit);
    (is_time && is_host).then_some(())?;
    at_end(version, shape, !window.is_first)
}

/// The version with the time of the build and nothing between: `7.0.15` `1790282056` `000000000`.
fn timed_build<'a>(before: &'a [u8], shape: Shape, window: Window<'_>) -> Option<&'a str> {
    let (version, time) = before.split_at_checked(before.len().checked_sub(10)?)?;
    time.iter().all(u8::is_ascii_digit).then_some(())?;
    at_end(version, shape, !window.is_first)
}

/// The two versions of a Java launcher stand behind the names of the runtime and the program, or
/// before them: `openjdk java 0.0 17.0.15+6`, each ended by a NUL.
fn java_launcher<'a>(before: &'a [u8], behind: &'a [u8], window: Window<'_>) -> Option<&'a str> {
    let is_cut_before = !window.is_first && before.len() < JAVA_BYTES;
    let is_cut_behind = !window.is_last && behind.len() < JAVA_BYTES;
    if is_cut_before || is_cut_behind {
        return None;
    }
    let is_version = |field: &&[u8]| {
        (3..VERSION_BYTES_MAX).contains(&field.len())
            && field.first().is_some_and(u8::is_ascii_digit)
    };
    let mut fields = behind.get(..behind.len().min(JAVA_BYTES))?.split(|byte| *byte == 0);
    let (release, after, rest) = (fields.next()?, fields.next(), fields.next());
    // The last field may go on, unless another one follows.
    let after = after.filter(|after| rest.is_some() && is_version(&release) && is_version(after));
    let version = after.or_else(|| last_field(before, window).filter(is_version))?;
    str::from_utf8(version).ok().filter(|version| is_token(version))
}

/// Returns the last field before a text, with any number of NULs between; what goes on further ahead
/// than the text's window does is none.
fn last_field<'a>(before: &'a [u8], window: Window<'_>) -> Option<&'a [u8]> {
    let near = before.get(before.len().saturating_sub(JAVA_BYTES)..)?.strip_suffix(b"\0")?;
    let is_whole = window.is_first && before.len() <= JAVA_BYTES;
    let end = near.iter().rposition(|byte| *byte != 0)?.checked_add(1)?;
    let fields = near.get(..end)?;
    match fields.iter().rposition(|byte| *byte == 0) {
        Some(at) => fields.get(at.checked_add(1)?..),
        None => is_whole.then_some(fields),
    }
}

/// The two versions of a Java launcher with what ends them: what is looked at on either side.
const JAVA_BYTES: usize = 100;

/// Returns the version that ends a file name: `3.11` of `python3.11` and `libpython3.11.so.1.0`.
fn version_in_name(base: &str) -> &str {
    let stem = base.split(".so").next().unwrap_or(base);
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let stem = stem.trim_end_matches(char::is_alphabetic);
    let name = stem.trim_end_matches(is_part);
    let version = stem.get(name.len()..).unwrap_or_default();
    if version.contains('.') { version } else { "" }
}
