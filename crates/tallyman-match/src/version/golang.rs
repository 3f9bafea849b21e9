//! The order of Go modules (golang.org/x/mod/semver, "Module version numbering") and of Go
//! releases (go.dev/doc/toolchain, "Version numbering").
//!
//! `1.21rc2` of a release is what the vulnerability database writes `1.21.0-rc.2`: a letter run
//! that stands right behind a number is a pre-release whose number is an identifier of its own.
//! `1.21` is 1.21.0 here, as it is to modules; Go's toolchains take it for the language version,
//! which comes before the first release candidate, but no release ever bore that name.

use std::cmp::Ordering;

use super::Side;
use super::semver::{Version, compare_prereleases};

/// Compares two versions of a module, of `stdlib` or of `toolchain`.
pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, Side> {
    let left = parse(a).ok_or(Side::Left)?;
    let right = parse(b).ok_or(Side::Right)?;
    let prereleases = || compare_prereleases(identifiers(&left), identifiers(&right));
    Ok(left.compare_numbers(&right).then_with(prereleases))
}

/// Every version that can be read has its place in a range.
pub(super) fn is_rankable(version: &str) -> bool {
    parse(version).is_some()
}

/// Reads `v1.2.3`, `1.2.3`, `go1.21rc2` and `go1.22.0 X:experiment`.
fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    let text = text.split(' ').next().unwrap_or(text);
    Version::parse(text.strip_prefix("go").unwrap_or(text))
}

fn identifiers<'a>(version: &Version<'a>) -> impl Iterator<Item = &'a str> {
    let prerelease = version.prerelease();
    let letters = prerelease.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, number) = prerelease.split_at(letters);
    let (head, tail) = match number.bytes().next() {
        Some(b'0'..=b'9') if version.is_attached() && !letters.is_empty() => {
            (letters, Some(number))
        }
        _ => (prerelease, None),
    };
    head.split('.').chain(tail.into_iter().flat_map(|tail| tail.split('.')))
}
