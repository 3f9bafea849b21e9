//! Versions that are commits. A record may name some of them (OSV's ranges of kind `GIT`); whether
//! others are affected only the repository's history tells, which nobody has here.

use tallyman_model::package::Ecosystem;

/// The hash of a commit in full: SHA-1, or SHA-256 in newer repositories.
const FULL: [usize; 2] = [40, 64];

/// How much of it Go puts into a pseudo-version (<https://go.dev/ref/mod#pseudo-versions>).
const IN_PSEUDO_VERSION: usize = 12;

/// Tells whether a text is a commit's hash in full.
pub(crate) fn is_commit(text: &str) -> bool {
    FULL.contains(&text.len()) && is_hexadecimal(text)
}

/// Tells whether a version is a commit that a record names.
pub(super) fn is_named(ecosystem: Ecosystem, version: &str, commit: &str) -> bool {
    if !is_commit(commit) {
        return false;
    }
    if ecosystem == Ecosystem::Go {
        let version = version.strip_suffix("+incompatible").unwrap_or(version);
        return version.rsplit_once('-').is_some_and(|(before, hash)| {
            let is_dated =
                before.len() > 14 && before.bytes().rev().take(14).all(|b| b.is_ascii_digit());
            is_dated && hash.len() == IN_PSEUDO_VERSION && commit.starts_with(hash)
        });
    }
    version == commit
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use tallyman_model::package::Ecosystem;

    use super::{is_commit, is_named};

    #[test]
    fn a_version_is_a_commit_in_full_or_a_pseudo_version_of_it() {
        let commit = "75b288015ac94e66e3d6715fb68a9b41bf046ec2";
        let check = |ecosystem, version: &str, expected: bool| {
            assert_eq!(is_named(ecosystem, version, commit), expected, "{version}");
        };
        check(Ecosystem::Go, "v0.0.0-20200622213623-75b288015ac9", true);
        check(Ecosystem::Go, "v2.1.1-0.20200622213623-75b288015ac9+incompatible", true);
        check(Ecosystem::Go, "v0.0.0-20200622213623-75b288015ac8", false);
        check(Ecosystem::Go, "v1.0.0-75b288015ac9", false);
        check(Ecosystem::Go, commit, false);
        check(Ecosystem::Swift, commit, true);
        check(Ecosystem::Swift, "75b288015ac9", false);
        assert!(is_commit(commit) && !is_commit("0") && !is_commit(&commit.to_uppercase()));
        assert!(!is_named(Ecosystem::Swift, "1.0.0", "1.0.0"));
    }
}
