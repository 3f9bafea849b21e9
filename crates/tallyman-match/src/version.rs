//! The order of versions, one scheme for each ecosystem.
//!
//! [`compare`] is all that the rest of the crate uses. A scheme is a file in `version/` and one
//! line in [`SCHEMES`]; nothing here knows advisories.

mod apk;
mod deb;
mod digits;
mod golang;
mod pep440;
mod semver;

use std::cmp::Ordering;

use tallyman_model::package::Ecosystem;

/// Why a text has no place in an ecosystem's order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{version}` is not a version of the {ecosystem} ecosystem")]
pub struct InvalidVersion {
    /// The ecosystem whose order was asked for.
    pub ecosystem: Ecosystem,
    /// The text.
    pub version: String,
}

/// Which of the two texts of a comparison is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A version scheme: an order, and a test for what takes part in ranges.
struct Scheme {
    ecosystem: Ecosystem,
    compare: fn(&str, &str) -> Result<Ordering, Side>,
    is_rankable: fn(&str) -> bool,
}

/// All schemes. A new ecosystem is a line here and a file.
const SCHEMES: [Scheme; 6] = [
    Scheme { ecosystem: Ecosystem::Deb, compare: deb::compare, is_rankable: deb::is_rankable },
    Scheme { ecosystem: Ecosystem::Apk, compare: apk::compare, is_rankable: apk::is_rankable },
    Scheme {
        ecosystem: Ecosystem::PyPi,
        compare: pep440::compare,
        is_rankable: pep440::is_rankable,
    },
    Scheme {
        ecosystem: Ecosystem::Npm,
        compare: semver::compare,
        is_rankable: semver::is_rankable,
    },
    Scheme { ecosystem: Ecosystem::Go, compare: golang::compare, is_rankable: golang::is_rankable },
    Scheme {
        ecosystem: Ecosystem::Cargo,
        compare: semver::compare,
        is_rankable: semver::is_rankable,
    },
];

/// Compares two versions as the ecosystem's own tool does.
///
/// # Errors
/// Names the text that the ecosystem's tool would refuse outright. Texts that the tool merely
/// warns of (dpkg, apk) or once accepted (Python before PEP 440) keep their historical place.
pub fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Result<Ordering, InvalidVersion> {
    let scheme = scheme(ecosystem);
    (scheme.compare)(a, b).map_err(|side| {
        let version = match side {
            Side::Left => a,
            Side::Right => b,
        };
        InvalidVersion { ecosystem, version: version.to_owned() }
    })
}

/// Tells whether a version may be looked for in ranges. One that may not is only ever found
/// where an advisory lists it word for word.
pub fn is_rankable(ecosystem: Ecosystem, version: &str) -> bool {
    (scheme(ecosystem).is_rankable)(version)
}

fn scheme(ecosystem: Ecosystem) -> &'static Scheme {
    SCHEMES
        .iter()
        .find(|scheme| scheme.ecosystem == ecosystem)
        .expect("every ecosystem has a line in the list of schemes")
}

#[cfg(test)]
mod tests;
