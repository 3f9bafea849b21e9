//! Names of RPMs as lists of updates write them: `name-epoch:version-release.architecture.rpm`.

/// An RPM by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nevra {
    pub(crate) name: String,
    /// `epoch:version-release`; an epoch that is not written or 0 is left out.
    pub(crate) evr: String,
    pub(crate) architecture: Option<String>,
}

/// Architectures of RPMs; what else follows the last dot belongs to the release.
const ARCHITECTURES: [&str; 20] = [
    "x86_64",
    "x86_64_v2",
    "aarch64",
    "noarch",
    "src",
    "nosrc",
    "i386",
    "i486",
    "i586",
    "i686",
    "ppc",
    "ppc64",
    "ppc64le",
    "s390",
    "s390x",
    "riscv64",
    "loongarch64",
    "armv7hl",
    "ia64",
    "athlon",
];

/// Tells an architecture of RPMs.
pub(crate) fn is_architecture(word: &str) -> bool {
    ARCHITECTURES.contains(&word)
}

/// Joins the parts of a version.
pub(crate) fn evr(epoch: Option<&str>, version: &str, release: Option<&str>) -> String {
    let mut text = match epoch {
        None | Some("" | "0" | "(none)") => String::new(),
        Some(epoch) => format!("{epoch}:"),
    };
    text += version;
    if let Some(release) = release.filter(|release| !release.is_empty()) {
        text.push('-');
        text += release;
    }
    text
}

/// Takes a name apart; `None` if it has no version and release.
pub(crate) fn parse(text: &str) -> Option<Nevra> {
    let text = text.strip_suffix(".rpm").unwrap_or(text);
    let (text, architecture) = match text.rsplit_once('.') {
        Some((rest, word)) if is_architecture(word) => (rest, Some(word.to_owned())),
        _ => (text, None),
    };
    let (rest, release) = text.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) = match version.split_once(':') {
        Some((epoch, version)) => (Some(epoch), version),
        None => (None, version),
    };
    // Libraries have numbers in their names, `libgstapp-1_0-0`; releases have a dot.
    let is_version = version.starts_with(|c: char| c.is_ascii_digit())
        && release.starts_with(|c: char| c.is_ascii_digit())
        && release.contains('.');
    let is_epoch = epoch.is_none_or(|epoch| epoch.bytes().all(|b| b.is_ascii_digit()));
    if name.is_empty() || !is_version || !is_epoch {
        return None;
    }
    Some(Nevra { name: name.to_owned(), evr: evr(epoch, version, Some(release)), architecture })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_are_taken_apart_from_their_end() {
        let check = |text: &str, expected: Option<(&str, &str, Option<&str>)>| {
            let parsed = parse(text);
            let parsed = parsed.as_ref().map(|n| (&*n.name, &*n.evr, n.architecture.as_deref()));
            assert_eq!(parsed, expected, "{text}");
        };
        check(
            "imlib2-devel-1.4.5-5.1.aarch64",
            Some(("imlib2-devel", "1.4.5-5.1", Some("aarch64"))),
        );
        check("kernel-1:5.14-2.el9.x86_64.rpm", Some(("kernel", "1:5.14-2.el9", Some("x86_64"))));
        check("gevent-0:21.1.2-2.el9ost.src", Some(("gevent", "21.1.2-2.el9ost", Some("src"))));
        check(
            "ctdb-4.19.2+git.322.7e9201cef5-1.1",
            Some(("ctdb", "4.19.2+git.322.7e9201cef5-1.1", None)),
        );
        check("samba-client-libs", None);
        check("libgstapp-1_0-0", None);
        check("java-1_8_0-openjdk", None);
        check("libdcerpc-binding0", None);
        check("samba", None);
        check("-1-1", None);
        check("a-x:1-1", None);
    }
}
