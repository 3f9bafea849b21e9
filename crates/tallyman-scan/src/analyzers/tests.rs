use std::collections::HashSet;

use tallyman_model::limits::Limits;

use super::{ANALYZERS, Candidate, LIMITS_WITHOUT_EFFECT, fingerprint, is_token, list, select};

/// The analyzers of programs, which look into everything that may be one.
const PROGRAMS: [&str; 3] = ["go", "cargo", "dotnet-bundle"];

fn wanted_by(path: &str, size: u64, mode: u32) -> Vec<&'static str> {
    select(&Candidate::new(path, size, mode)).iter().map(|(_, analyzer)| analyzer.id).collect()
}

#[test]
fn files_go_to_the_analyzers_that_read_them() {
    for (path, expected) in [
        ("etc/os-release", "os-release"),
        ("usr/lib/os-release", "os-release"),
        ("etc/alpine-release", "os-release"),
        ("etc/debian_version", "os-release"),
        ("var/lib/dpkg/status", "dpkg"),
        ("var/lib/dpkg/status.d/base", "dpkg"),
        ("var/lib/dpkg/status.d/base.md5sums", "dpkg-files"),
        ("var/lib/dpkg/info/base.list", "dpkg-files"),
        ("lib/apk/db/installed", "apk"),
        ("usr/lib/apk/db/installed", "apk"),
        ("var/lib/rpm/rpmdb.sqlite", "rpm"),
        ("var/lib/rpm/rpmdb.sqlite-wal", "rpm-journal"),
        ("var/lib/rpmmanifest/container-manifest-2", "rpm-manifest"),
        ("var/lib/pacman/local/curl-8.5.0-1/desc", "pacman"),
        ("var/lib/pacman/local/curl-8.5.0-1/files", "pacman-files"),
        ("var/db/pkg/dev-libs/openssl-3.0.13/PF", "portage"),
        ("var/db/pkg/dev-libs/openssl-3.0.13/CONTENTS", "portage-files"),
        ("usr/lib/opkg/status", "opkg"),
        ("usr/lib/opkg/info/busybox.list", "opkg-files"),
        ("usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA", "python"),
        ("x/six.egg-info/PKG-INFO", "python"),
        ("x/six.egg/EGG-INFO/PKG-INFO", "python"),
        ("x/six-1.16.0.egg-info", "python"),
        ("usr/lib/node_modules/npm/package.json", "npm"),
        ("node_modules/@scope/name/package.json", "npm"),
        ("a/node_modules/b/node_modules/c/package.json", "npm"),
        ("opt/conda/conda-meta/openssl-3.0.11-h0_1.json", "conda"),
        ("srv/uv.lock", "python-lock"),
        ("srv/Pipfile.lock", "pipfile-lock"),
        ("srv/requirements.txt", "requirements"),
        ("usr/lib/ruby/gems/3.1.0/specifications/a-1.gemspec", "gem"),
        ("srv/Gemfile.lock", "gemfile-lock"),
        ("srv/vendor/composer/installed.json", "composer"),
        ("srv/composer.lock", "composer"),
        ("srv/Cargo.lock", "cargo-lock"),
        ("srv/shop.deps.json", "dotnet"),
        ("srv/packages.lock.json", "nuget"),
        ("srv/pubspec.lock", "pub-lock"),
        ("srv/mix.lock", "hex-lock"),
        ("srv/rebar.lock", "hex-lock"),
        ("srv/Package.resolved", "swift-lock"),
        ("usr/lib/R/library/a/DESCRIPTION", "cran"),
        ("srv/cabal.project.freeze", "hackage-lock"),
        ("srv/stack.yaml.lock", "hackage-lock"),
        ("usr/lib/luarocks/rocks-5.1/a/1-1/a-1-1.rockspec", "luarocks"),
        ("srv/conan.lock", "conan"),
        ("srv/go.mod", "go-mod"),
        ("srv/package.json", "npm"),
        ("node_modules/a/dist/b/package.json", "npm"),
        ("srv/package-lock.json", "npm-lock"),
        ("npm-shrinkwrap.json", "npm-lock"),
        ("srv/yarn.lock", "yarn-lock"),
        ("srv/pnpm-lock.yaml", "pnpm-lock"),
        ("srv/bun.lock", "bun-lock"),
        ("etc/ld.so.preload", "preload"),
    ] {
        let by = wanted_by(path, 5000, 0o644);
        let by: Vec<_> = by.into_iter().filter(|id| !PROGRAMS.contains(id)).collect();
        assert_eq!(by, [expected], "{path}");
    }
}

#[test]
fn other_files_are_not_read() {
    for path in [
        "x/etc/os-release.d",
        "srv/etc/os-release.txt",
        "var/lib/dpkg/status-old.gz",
        "var/lib/dpkg/status.d/x/base.txt",
        "node_modules/.package-lock.json",
        "node_modules/a/package-lock.json",
        "node_modules/a/yarn.lock",
        "x/METADATA.txt",
        "usr/lib/libc.so.6",
    ] {
        assert_eq!(wanted_by(path, 5000, 0o644), <[&str; 0]>::default(), "{path}");
    }
    assert_eq!(wanted_by("a.txt", 67, 0o644), <[&str; 0]>::default());
    assert_eq!(wanted_by("a.txt", 68, 0o644), ["eicar"]);
    assert_eq!(wanted_by("a.txt", 128, 0o644), ["eicar"]);
    assert_eq!(wanted_by("a.txt", 129, 0o755), PROGRAMS);
    assert_eq!(wanted_by("a", 129, 0o644), PROGRAMS);
    assert_eq!(wanted_by("a.so", 129, 0o644), PROGRAMS);
}

#[test]
fn ids_are_unique_and_the_fingerprint_is_stable() {
    let ids: HashSet<_> = list().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), ANALYZERS.len());
    assert!(ANALYZERS.len() <= 64, "a selection has a bit for each");
    let limits = Limits::default();
    assert_eq!(fingerprint(&limits), fingerprint(&limits));
    assert_eq!(fingerprint(&limits).len(), 32);
}

#[test]
fn the_fingerprint_covers_the_limits_that_change_results_and_no_others() {
    let fingerprint_of = |value: serde_json::Value| {
        fingerprint(&serde_json::from_value::<Limits>(value).expect("a limit"))
    };
    let defaults = serde_json::to_value(Limits::default()).expect("a structure of numbers");
    let names: Vec<&String> = defaults.as_object().expect("an object").keys().collect();
    for name in LIMITS_WITHOUT_EFFECT {
        assert!(names.iter().any(|known| *known == name), "{name}");
    }
    for name in names {
        let is_same =
            fingerprint_of(serde_json::json!({ name: 7 })) == fingerprint(&Limits::default());
        assert_eq!(is_same, LIMITS_WITHOUT_EFFECT.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn names_and_versions_are_short_and_printable() {
    for good in ["a", "@scope/name", "1.0~rc1+b2", "2:9.0-1", "\u{e4}"] {
        assert!(is_token(good), "{good}");
    }
    for bad in ["", "a b", "a\n", "\u{1b}[31m", "\u{85}", &"x".repeat(1025)] {
        assert!(!is_token(bad), "{bad:?}");
    }
}
