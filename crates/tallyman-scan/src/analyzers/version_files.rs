//! Runtimes and applications that no package manager brought and that write their version into a
//! text file: the `release` file of a JDK, WordPress's `version.php`, Composer's and Elixir's own
//! scripts. Programs that say it themselves are in `binaries.rs`.

use memchr::memmem;
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;
use tallyman_model::package::{Ecosystem, Package};

use crate::analyzers::{Analysis, Analyzer, Candidate, FileClass, Reading, is_token};

pub(crate) const ANALYZER: Analyzer = Analyzer {
    id: "version-files",
    version: 1,
    class: FileClass::Named,
    wants,
    reading: Reading::Whole(analyze),
};

/// A kind of file.
struct Kind {
    /// The end of the path.
    path: &'static str,
    read: fn(&[u8]) -> Option<Package>,
}

const KINDS: [Kind; 5] = [
    Kind { path: "release", read: read_jdk },
    Kind { path: "wp-includes/version.php", read: read_wordpress },
    Kind { path: "composer", read: read_composer },
    Kind { path: "composer.phar", read: read_composer },
    Kind { path: "elixir", read: read_elixir },
];

fn wants(candidate: &Candidate<'_>) -> bool {
    kind_of(candidate.path).is_some()
}

fn kind_of(path: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| {
        let directory = path.strip_suffix(kind.path);
        directory.is_some_and(|directory| directory.is_empty() || directory.ends_with('/'))
    })
}

/// Files of such names that are something else are nothing.
fn analyze(path: &str, content: &[u8], _limits: &Limits) -> Analysis {
    let package = kind_of(path).and_then(|kind| (kind.read)(content));
    Ok(package.map(|package| Evidence::Packages(vec![package])).into_iter().collect())
}

fn generic(name: &str, version: &str) -> Package {
    Package::new(Ecosystem::Generic, name, version)
}

/// JEP 223 and the JDK's build: lines of `KEY="value"`, of which the runtime's version is the most
/// complete.
fn read_jdk(content: &[u8]) -> Option<Package> {
    let value = |key: &str| quoted(content, &format!("{key}="), b'"', Place::LineStart);
    let version = value("JAVA_VERSION")?;
    let complete = value("JAVA_RUNTIME_VERSION").or_else(|| value("FULL_VERSION"));
    let is_azul = value("IMPLEMENTOR").is_some_and(|name| name.starts_with("Azul"));
    Some(generic(if is_azul { "zulu" } else { "openjdk" }, complete.unwrap_or(version)))
}

fn read_wordpress(content: &[u8]) -> Option<Package> {
    let version = quoted(content, "$wp_version = ", b'\'', Place::LineStart)?;
    Some(generic("wordpress", version))
}

/// The archive lists what Composer installed in it, itself first.
fn read_composer(content: &[u8]) -> Option<Package> {
    memmem::find(content, b"'name' => 'composer/composer'")?;
    let version = quoted(content, "'pretty_version' => ", b'\'', Place::Anywhere)?;
    Some(Package::new(Ecosystem::Composer, "composer/composer", version))
}

fn read_elixir(content: &[u8]) -> Option<Package> {
    let rest = behind(content, "ELIXIR_VERSION=", Place::LineStart)?;
    let end = memchr::memchr3(b'\n', b'\r', b' ', rest).unwrap_or(rest.len());
    let version = std::str::from_utf8(rest.get(..end)?).ok()?;
    let version = version.trim_matches('"');
    is_version(version).then(|| generic("elixir", version))
}

/// Where a key has to stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    Anywhere,
}

/// Returns the quoted value behind a key; a version if the key is one of a version.
fn quoted<'a>(content: &'a [u8], key: &str, quote: u8, place: Place) -> Option<&'a str> {
    let (first, rest) = behind(content, key, place)?.split_first()?;
    let end = memchr::memchr(quote, rest).filter(|_| *first == quote)?;
    let value = std::str::from_utf8(rest.get(..end)?).ok()?;
    let is_wanted = |value: &&str| !key.to_lowercase().contains("version") || is_version(value);
    Some(value).filter(is_wanted)
}

fn behind<'a>(content: &'a [u8], key: &str, place: Place) -> Option<&'a [u8]> {
    memmem::find_iter(content, key).find_map(|at| {
        let (before, rest) = content.split_at_checked(at)?;
        let is_there = place == Place::Anywhere || before.last().is_none_or(|byte| *byte == b'\n');
        is_there.then(|| rest.get(key.len()..)).flatten()
    })
}

fn is_version(text: &str) -> bool {
    is_token(text) && text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use tallyman_model::inventory::Evidence;
    use tallyman_model::limits::Limits;

    use super::{analyze, wants};
    use crate::analyzers::Candidate;

    fn found(path: &str, text: &str) -> Option<String> {
        assert!(wants(&Candidate::new(path, 100, 0o644)), "{path}");
        let evidence = analyze(path, text.as_bytes(), &Limits::default()).expect("no fault");
        match evidence.as_slice() {
            [] => None,
            [Evidence::Packages(packages)] => {
                Some(format!("{}@{}", packages[0].name, packages[0].version))
            }
            other => panic!("one list at most: {other:?}"),
        }
    }

    #[test]
    fn a_jdk_is_known_by_its_release_file() {
        let path = "opt/java/openjdk/release";
        let text = "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\n\
                    JAVA_VERSION=\"17.0.9\"\nOS_ARCH=\"x86_64\"\n";
        assert_eq!(found(path, text).as_deref(), Some("openjdk@17.0.9+9"));
        assert_eq!(
            found(path, "JAVA_VERSION=\"1.8.0_392\"\n").as_deref(),
            Some("openjdk@1.8.0_392")
        );
        let azul = "JAVA_VERSION=\"11\"\nIMPLEMENTOR=\"Azul Systems, Inc.\"\n";
        assert_eq!(found(path, azul).as_deref(), Some("zulu@11"));
        for other in
            ["", "Debian 12\n", "JAVA_VERSION=17\n", "JAVA_VERSION=\"17", "XJAVA_VERSION=\"1\""]
        {
            assert_eq!(found(path, other), None, "{other}");
        }
    }

    #[test]
    fn applications_are_known_by_their_version_files() {
        let text = "<?php\n/**\n * @global string $wp_version\n */\n$wp_version = '6.2.2';\n";
        let path = "var/www/html/wp-includes/version.php";
        assert_eq!(found(path, text).as_deref(), Some("wordpress@6.2.2"));
        let text = "#!/usr/bin/env php\n<?php\n__HALT_COMPILER(); ?>\0\u{1}'root' => array('name' => \
                    'composer/composer', 'pretty_version' => '2.5.8', 'reference' => 'x')";
        for path in ["usr/bin/composer", "composer.phar"] {
            assert_eq!(found(path, text).as_deref(), Some("composer/composer@2.5.8"), "{path}");
        }
        let text = "#!/bin/sh\nset -e\n\nELIXIR_VERSION=1.15.4\n\nif [ $# -eq 0 ]; then\n";
        assert_eq!(found("usr/local/bin/elixir", text).as_deref(), Some("elixir@1.15.4"));
        for path in ["usr/bin/composer", "wp-includes/version.php", "bin/elixir"] {
            assert_eq!(found(path, "#!/bin/sh\nexec other"), None, "{path}");
        }
    }

    #[test]
    fn only_files_of_these_names_are_read() {
        for path in
            ["opt/jre/releases", "myrelease", "version.php", "bin/elixirc", "a/composer.json"]
        {
            assert!(!wants(&Candidate::new(path, 100, 0o644)), "{path}");
        }
    }
}
