//! The table of programs: what their files are called, and beside which text their version stands.
//!
//! A text must be one that only the program itself has. Texts that other programs quote as well
//! (`curl/7.0` in a list of user agents) are safe here because a file is chosen by its name first.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

use self::Sign::{
    After, AfterWithin, Alone, AloneAsNamed, Before, BuildAtTime, BuildOfContainer, JavaLauncher,
};
use crate::analyzers::binaries::version::{Shape, Tail};

/// A program.
pub(super) struct Program {
    /// The names of its files; `*` stands for anything.
    files: &'static [&'static str],
    /// The name of the package.
    pub(super) package: &'static str,
    /// Where its version stands; the first that is there counts.
    pub(super) signs: &'static [Sign],
}

/// Where a version stands.
#[derive(Debug)]
pub(super) enum Sign {
    /// Right behind a text.
    After(&'static str, Shape),
    /// Right behind a text, with another text close behind.
    AfterWithin(&'static str, &'static str, Shape),
    /// Right before a text.
    Before(&'static str, Shape),
    /// Behind a text and before a NUL, with a certain first number, and the only one of its kind.
    Alone(&'static str, RangeInclusive<u32>, Shape),
    /// Between two NULs, and beginning like the version in the file's name.
    AloneAsNamed(Shape),
    /// Before the host and the time of the build.
    BuildOfContainer(Shape),
    /// Before the time of the build, with nothing between.
    BuildAtTime(Shape),
    /// As the launchers of Java have it.
    JavaLauncher,
}

impl Sign {
    /// Returns the text to look for.
    pub(super) fn text(&self) -> &'static [u8] {
        match self {
            After(text, _) | AfterWithin(text, ..) | Before(text, _) | Alone(text, ..) => {
                text.as_bytes()
            }
            AloneAsNamed(_) => b"\0",
            BuildOfContainer(_) => b"-1",
            // What is left of nanoseconds.
            BuildAtTime(_) => b"000000000",
            JavaLauncher => b"openjdk\0java\0",
        }
    }

    /// Tells whether a second, other version makes both of them doubtful.
    pub(super) fn is_sole(&self) -> bool {
        match self {
            Alone(..) => true,
            After(..) | AfterWithin(..) | Before(..) | AloneAsNamed(_) | BuildOfContainer(_)
            | BuildAtTime(_) | JavaLauncher => false,
        }
    }
}

const fn shape(least: usize, most: usize, tail: Tail) -> Shape {
    Shape { numbers: (least, most), tail }
}

const TWO: Shape = shape(2, 2, Tail::Nothing);
const TWO_OR_MORE: Shape = shape(2, 4, Tail::Nothing);
const TWO_OR_MORE_PRE: Shape = shape(2, 4, Tail::Pre);
const THREE: Shape = shape(3, 3, Tail::Nothing);
const THREE_LETTERS: Shape = shape(3, 3, Tail::Letters);
const THREE_LOOSE: Shape = shape(3, 3, Tail::Anything);
const THREE_OR_MORE: Shape = shape(3, 4, Tail::Nothing);
const THREE_PRE: Shape = shape(3, 3, Tail::Pre);
const FOUR: Shape = shape(4, 4, Tail::Nothing);
const ONE_OR_MORE_PRE: Shape = shape(1, 3, Tail::Pre);
const PORTABLE: Shape = shape(2, 3, Tail::Patch);

const fn program(
    files: &'static [&'static str],
    package: &'static str,
    signs: &'static [Sign],
) -> Program {
    Program { files, package, signs }
}

static PROGRAMS: &[Program] = &[
    // Languages.
    program(
        &["node", "nodejs", "libnode.so*"],
        "node",
        &[After("node.js/v", THREE), After("\0node v", THREE), Alone("\0v", 0..=6, THREE)],
    ),
    program(&["deno"], "deno", &[After("Deno/", THREE_LOOSE)]),
    program(&["bun"], "bun", &[After("Bun v", THREE), After("bun-v", THREE)]),
    program(&["python?.*", "libpython?.*.so*"], "python", &[AloneAsNamed(TWO_OR_MORE_PRE)]),
    program(&["libpypy*.so*"], "pypy", &[After("[PyPy ", THREE)]),
    program(&["ruby*", "libruby*.so*"], "ruby", &[AfterWithin("ruby ", " (2", THREE_PRE)]),
    program(
        &["perl", "perl5*", "libperl.so*"],
        "perl",
        &[After("/lib/perl5/", THREE), After("/share/perl/", THREE), Alone("\0v", 5..=5, THREE)],
    ),
    program(&["php*", "libphp*.so"], "php", &[After("X-Powered-By: PHP/", THREE_PRE)]),
    program(&["java"], "openjdk", &[JavaLauncher]),
    program(&["go"], "go", &[Alone("go", 1..=1, shape(2, 3, Tail::Pre))]),
    program(&["librustc_driver-*.so"], "rust", &[After("rustc version ", THREE_LOOSE)]),
    program(
        &["beam.smp", "erlexec"],
        "erlang",
        &[
            After("/otp_src_", TWO_OR_MORE_PRE),
            After("/src/otp-", TWO_OR_MORE_PRE),
            Alone("\0", 17..=99, TWO_OR_MORE_PRE),
        ],
    ),
    program(&["ghc", "ghc-*"], "ghc", &[After("\0libHSghc-", THREE), After("\0GHC ", THREE)]),
    program(&["dart"], "dart", &[Before(" (stable)", THREE)]),
    program(&["julia", "libjulia*.so*"], "julia", &[Before("\0julia version", THREE)]),
    program(&["swipl"], "swipl", &[After("swipl-", THREE)]),
    program(&["lua", "lua5.*", "liblua*.so*"], "lua", &[After("$LuaVersion: Lua ", THREE)]),
    program(&["gcc"], "gcc", &[After("GCC: (GNU) ", THREE)]),
    // Servers.
    program(&["nginx"], "nginx", &[After("nginx version: nginx/", THREE)]),
    program(&["nginx"], "openresty", &[After("nginx version: openresty/", FOUR)]),
    program(&["httpd", "apache2"], "httpd", &[After("Apache/", THREE)]),
    program(
        &["haproxy"],
        "haproxy",
        &[
            AfterWithin(" version ", ", released 2", TWO_OR_MORE_PRE),
            After("HA-Proxy version ", TWO_OR_MORE_PRE),
        ],
    ),
    program(&["lighttpd"], "lighttpd", &[After("lighttpd/", THREE)]),
    program(&["varnishd"], "varnish", &[After("varnish-", THREE)]),
    program(&["squid"], "squid", &[After("\0squid/", TWO_OR_MORE)]),
    program(&["proftpd"], "proftpd", &[After("ProFTPD Version ", THREE_LETTERS)]),
    program(&["named"], "bind", &[After("BIND ", THREE)]),
    program(&["unbound"], "unbound", &[After("unbound ", THREE)]),
    program(&["slapd"], "openldap", &[After("$OpenLDAP: slapd ", THREE)]),
    program(&["ldapsearch"], "openldap", &[After("$OpenLDAP: ldapsearch ", THREE)]),
    program(&["sshd", "ssh"], "openssh", &[After("OpenSSH_", PORTABLE)]),
    program(&["dropbear", "dropbearmulti"], "dropbear", &[After("SSH-2.0-dropbear_", TWO)]),
    program(&["exim", "exim4"], "exim", &[Alone("\0", 4..=4, TWO)]),
    program(&["master", "postconf"], "postfix", &[After("mail_version=", TWO_OR_MORE)]),
    program(&["mosquitto"], "mosquitto", &[Alone("\0", 1..=2, THREE)]),
    // Databases.
    program(
        &["redis-server"],
        "redis",
        &[
            Before("buildkitsandbox-", THREE),
            BuildOfContainer(THREE),
            BuildAtTime(THREE),
            After("Redis version ", THREE),
        ],
    ),
    program(
        &["valkey-server"],
        "valkey",
        &[Before("buildkitsandbox-", THREE), BuildOfContainer(THREE), BuildAtTime(THREE)],
    ),
    program(&["memcached"], "memcached", &[After("\0memcached ", THREE)]),
    program(&["postgres"], "postgresql", &[After("\0PostgreSQL ", ONE_OR_MORE_PRE)]),
    program(
        &["mariadbd", "mariadb", "mysqld", "mysql"],
        "mariadb",
        &[Before("-MariaDB", THREE), AfterWithin("/mariadb-", "-", THREE)],
    ),
    program(&["mysqld"], "mysql-server", &[AfterWithin("/mysql-", "/", THREE)]),
    program(&["mysql"], "mysql", &[AfterWithin("/mysql-", "/", THREE)]),
    program(&["mysqld", "mysql"], "percona-server", &[After("/percona-server-", THREE)]),
    program(
        &["mongod"],
        "mongodb",
        &[Before("\0tcmalloc", THREE), Before("\0heap_size", THREE), Before("\0cppdefines", THREE)],
    ),
    program(
        &["sqlite3", "libsqlite3.so*"],
        "sqlite",
        &[Alone("\0", 3..=3, shape(3, 4, Tail::Nothing))],
    ),
    program(&["arangosh"], "arangodb", &[Before(" [linux]", THREE_OR_MORE)]),
    // Tools.
    program(&["busybox*"], "busybox", &[After("BusyBox v", THREE)]),
    program(&["bash"], "bash", &[After("@(#)Bash version ", THREE)]),
    program(&["curl"], "curl", &[After("curl/", THREE), After("curl ", THREE)]),
    program(&["git"], "git", &[Alone("\0", 2..=2, shape(3, 4, Tail::Nothing))]),
    program(&["vim", "vim.*"], "vim", &[After("VIM - Vi IMproved ", TWO)]),
    program(&["gzip"], "gzip", &[Alone("\0", 1..=1, TWO)]),
    program(&["xz"], "xz", &[After("xz (XZ Utils) ", THREE)]),
    program(&["zstd"], "zstd", &[Alone("\0v", 1..=1, THREE)]),
    program(&["jq"], "jq", &[Alone("\0", 1..=1, shape(2, 3, Tail::Nothing))]),
    program(&["getopt"], "util-linux", &[After("util-linux ", shape(2, 3, Tail::Nothing))]),
    program(
        &["ffmpeg"],
        "ffmpeg",
        &[After("%s version n", TWO_OR_MORE), After("%s version ", TWO_OR_MORE)],
    ),
    program(&["chrome"], "chrome", &[Before("\0Default", FOUR)]),
    // Programs in Go whose version was given to the linker; it is the only one between NULs.
    program(
        &["traefik"],
        "traefik",
        &[Alone("\0", 1..=9, THREE_PRE), Alone("\0v", 1..=9, THREE_PRE)],
    ),
    program(&["helm"], "helm", &[Alone("\0v", 2..=9, THREE_PRE)]),
    program(&["consul"], "consul", &[After("CONSUL_VERSION: ", THREE), Alone("\0v", 0..=9, THREE)]),
    program(&["vault"], "vault", &[Alone("\0", 0..=9, THREE_PRE)]),
    // Libraries.
    program(
        &["openssl", "libcrypto.so*", "libssl.so*"],
        "openssl",
        &[After("OpenSSL ", THREE_LETTERS)],
    ),
    program(&["openssl", "libcrypto.so*"], "aws-lc", &[After("AWS-LC ", THREE)]),
    program(&["openssl", "libcrypto.so*"], "libressl", &[After("LibreSSL ", THREE)]),
    program(&["libcurl.so*", "libcurl-gnutls.so*"], "curl", &[After("libcurl/", THREE)]),
    program(
        &["libz.so*"],
        "zlib",
        &[After(" deflate ", TWO_OR_MORE), After(" inflate ", TWO_OR_MORE)],
    ),
    program(&["libexpat.so*"], "expat", &[After("expat_", THREE)]),
    program(&["liblzma.so*"], "xz", &[Alone("\0", 5..=5, THREE)]),
    program(&["libgnutls.so*"], "gnutls", &[After("Enabled GnuTLS ", THREE)]),
    program(&["libpng16.so*"], "libpng", &[After("libpng version ", THREE)]),
    program(&["libtiff.so*"], "libtiff", &[After("LIBTIFF, Version ", THREE)]),
    program(&["libkrb5.so*"], "krb5", &[After("KRB5_BRAND: krb5-", shape(2, 3, Tail::Nothing))]),
    program(
        &["libavcodec.so*", "libavformat.so*", "libavutil.so*", "libswresample.so*"],
        "ffmpeg",
        &[After("FFmpeg version n", TWO_OR_MORE), After("FFmpeg version ", TWO_OR_MORE)],
    ),
    program(
        &["libQt5Core.so*", "libQt6Core.so*"],
        "qtbase",
        &[After("QtCore library version Qt ", THREE)],
    ),
];

/// The programs by the names of their files: whole ones, and patterns.
struct Index {
    names: HashMap<&'static str, Vec<&'static Program>>,
    patterns: Vec<(&'static str, &'static Program)>,
}

impl Index {
    fn new() -> Self {
        let mut index = Index { names: HashMap::new(), patterns: Vec::new() };
        for program in PROGRAMS {
            for file in program.files {
                match file.contains(['*', '?']) {
                    true => index.patterns.push((file, program)),
                    false => index.names.entry(file).or_default().push(program),
                }
            }
        }
        index
    }
}

/// Returns the programs that a file of this name may be.
pub(super) fn programs(base: &str) -> impl Iterator<Item = &'static Program> {
    static INDEX: OnceLock<Index> = OnceLock::new();
    let index = INDEX.get_or_init(Index::new);
    let named = index.names.get(base).into_iter().flatten();
    let alike = index.patterns.iter().filter(move |(pattern, _)| is_like(base, pattern));
    named.copied().chain(alike.map(|(_, program)| *program))
}

/// Tells whether a name is like a pattern, in which `?` stands for a digit and `*` for anything.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = strip_like(name, first) else {
        return false;
    };
    let mut has_star = false;
    for part in parts {
        has_star = true;
        match rest.find(part) {
            Some(at) => rest = rest.get(at.saturating_add(part.len())..).unwrap_or_default(),
            None => return false,
        }
    }
    has_star || rest.is_empty()
}

fn strip_like<'a>(name: &'a str, pattern: &str) -> Option<&'a str> {
    let (start, rest) = name.split_at_checked(pattern.len())?;
    let is_like = |(byte, like): (u8, u8)| byte == like || like == b'?' && byte.is_ascii_digit();
    start.bytes().zip(pattern.bytes()).all(is_like).then_some(rest)
}
