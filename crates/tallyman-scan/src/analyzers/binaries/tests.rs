use proptest::prelude::{prop, prop_assert_eq, proptest};
use tallyman_model::inventory::Evidence;
use tallyman_model::limits::Limits;

use super::{ANALYZER, wants};
use crate::analyzers::{Candidate, Report};
use crate::testing::read_file_in_pieces;

fn names(report: &Report) -> Vec<String> {
    let packages = report.evidence.iter().flat_map(|evidence| match evidence {
        Evidence::Packages(packages) => packages,
        other => panic!("no packages: {other:?}"),
    });
    packages.map(|package| format!("{}@{}", package.name, package.version)).collect()
}

/// What is found in a program that holds a text among others; `|` stands for NUL.
fn found(base: &str, text: &str) -> Vec<String> {
    let text = text.replace('|', "\0");
    let noise = "\0error: %s in line %d\0".repeat(20);
    let program = format!("\x7fELF{noise}{text}{noise}");
    let path = format!("usr/local/bin/{base}");
    let limits = Limits::default();
    let report = read_file_in_pieces(&ANALYZER, &path, program.as_bytes(), &limits, usize::MAX);
    for size in [1, 7, 100, 200] {
        let pieces = read_file_in_pieces(&ANALYZER, &path, program.as_bytes(), &limits, size);
        assert_eq!(pieces, report, "{base} in pieces of {size}");
    }
    names(&report)
}

#[test]
fn programs_are_known_by_the_version_that_they_say() {
    for (base, text, expected) in [
        ("node", "|node.js/v18.20.4|", "node@18.20.4"),
        ("libnode.so.108", "|node.js/v18.20.4|", "node@18.20.4"),
        ("python3.11", "|3.11.2|", "python@3.11.2"),
        ("python3.13", "|3.13.0rc1|", "python@3.13.0rc1"),
        ("libpython3.11.so.1.0", "|3.1.4|3.11.2|", "python@3.11.2"),
        ("libpython3.7m.so.1.0", "|3.7.3|", "python@3.7.3"),
        ("ruby3.1", "|ruby 3.1.2p20 (2022-04-12 revision", "ruby@3.1.2p20"),
        ("perl5.36.0", "|/usr/local/lib/perl5/5.36.0/x86_64", "perl@5.36.0"),
        ("perl", "|v5.36.0|", "perl@5.36.0"),
        ("php-fpm8.2", "|X-Powered-By: PHP/8.2.36|", "php@8.2.36"),
        ("java", "|openjdk|java|0.0|17.0.15+6-Debian|-J-ms8m|", "openjdk@17.0.15+6-Debian"),
        ("java", "|0.0|||11.0.22+7|||openjdk|java|%x|", "openjdk@11.0.22+7"),
        ("go", "\x08go1.19.8|", "go@1.19.8"),
        ("beam.smp", "|25.2.3|", "erlang@25.2.3"),
        ("nginx", "|nginx version: nginx/1.22.1|", "nginx@1.22.1"),
        ("nginx", "|nginx version: openresty/1.21.4.1|", "openresty@1.21.4.1"),
        ("httpd", "|Apache/2|Apache/2.4|Apache/2.4.71 (Unix)|", "httpd@2.4.71"),
        ("haproxy", "| version 2.6.12-1+deb12u4, released 2026/10/17|", "haproxy@2.6.12"),
        ("proftpd", "|ProFTPD Version 1.3.8b|", "proftpd@1.3.8b"),
        ("sshd", "|OpenSSH_7.4*|OpenSSH_9.2p1 Debian|", "openssh@9.2p1"),
        ("redis-server", "A7.0.14buildkitsandbox-1702957741000000000", "redis@7.0.14"),
        ("redis-server", "q4.0.11841ce7054bd9-1542359302000000000", "redis@4.0.11"),
        ("redis-server", "A7.0.151790282056000000000|", "redis@7.0.15"),
        ("git", "|2.39.5|1.2.13|", "git@2.39.5"),
        ("librustc_driver-4c3beb7552356b6f.so", "@rustc version 1.63.0clang", "rust@1.63.0"),
        ("valkey-server", "9.0.0buildkitsandbox-1764887574000000000", "valkey@9.0.0"),
        ("postgres", "|PostgreSQL 15.20 (Debian", "postgresql@15.20"),
        ("postgres", "|PostgreSQL 17beta1 on", "postgresql@17beta1"),
        ("mariadbd", "instead of MariaDB-5.3|10.11.19-MariaDB|", "mariadb@10.11.19"),
        ("mysqld", "/build/mysql-8.0.34/sql/", "mysql-server@8.0.34"),
        ("mongod", "|6.0.27|tcmalloc|", "mongodb@6.0.27"),
        ("busybox", "|BusyBox v1.35.0 (Debian", "busybox@1.35.0"),
        ("bash", "|@(#)Bash version 5.2.15(1) release GNU|", "bash@5.2.15"),
        ("libcrypto.so.1.1", "|OpenSSL 1.1.1w  11 Sep 2023|", "openssl@1.1.1w"),
        ("libz.so.1.2.13", " deflate 1.2.13 Copyright", "zlib@1.2.13"),
        ("liblzma.so.5.4.1", "|XZ_5.4|5.4.1|", "xz@5.4.1"),
        ("ffmpeg", "|%s version 5.1.9-0+deb12u1|", "ffmpeg@5.1.9"),
        ("ffmpeg", "|%s version n4.4.2-2|", "ffmpeg@4.4.2"),
        ("helm", "|v3.12.0|||", "helm@3.12.0"),
    ] {
        assert_eq!(found(base, text), [expected], "{base}");
    }
}

#[test]
fn programs_that_do_not_say_it_clearly_are_nothing() {
    let part_of_a_field = format!("|a17.0.15+6{}openjdk|java|none|%s|", "|".repeat(60));
    for (base, text) in [
        ("java", part_of_a_field.as_str()),
        ("node", "|node.js/v%s|"),
        ("node", ""),
        ("python3.11", "|3.12.1|"),
        ("python3.1", "|3.11.2|"),
        ("sqlite3", "|3.40.1|3.41.0|"),
        ("gzip", "|1.12.3|"),
        ("sshd", "|OpenSSH_7.4*|"),
        ("redis-server", "7.0.15-1790282056|"),
        ("java", "|openjdk|java|none|%s|"),
        ("curl", "|curl/8|"),
    ] {
        assert_eq!(found(base, text), <[&str; 0]>::default(), "{base} {text:?}");
    }
}

#[test]
fn only_files_of_known_names_are_read() {
    let is_wanted = |path: &str, mode| wants(&Candidate::new(path, 4096, mode));
    for path in ["usr/local/bin/node", "opt/lib/libssl.so.3", "lib/libpython3.11.so.1.0"] {
        assert!(is_wanted(path, 0o644), "{path}");
    }
    assert!(is_wanted("usr/bin/python3.11", 0o755));
    for path in ["usr/bin/nodes", "lib/libc.so.6", "lib/libssl3.so", "usr/bin/python3-config"] {
        assert!(!is_wanted(path, 0o755), "{path}");
    }
    // The name of a document.
    assert!(!is_wanted("usr/share/doc/python3.11", 0o644));
}

proptest! {
    #[test]
    fn pieces_of_any_size_give_the_same(
        parts in prop::collection::vec(
            "(\0|v|go|3\\.11|\\.2|OpenSSL |-MariaDB|-1702957741|000000000|841ce7054bd9|openjdk\0java\0|[0-9]|p1| )",
            0..40,
        ),
        base in prop::sample::select(vec![
            "python3.11", "openssl", "mysqld", "redis-server", "java", "sqlite3", "go", "helm",
        ]),
        piece in 1_usize..200,
    ) {
        let program = parts.concat();
        let limits = Limits::default();
        let read = |size| read_file_in_pieces(&ANALYZER, base, program.as_bytes(), &limits, size);
        prop_assert_eq!(read(piece), read(usize::MAX));
    }
}
