//! What the name of a jar tells: `artifact-version.jar` by Maven's convention, or
//! `symbolic.name_version.jar` by that of OSGi.

/// A file name without its extension, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    /// All of it.
    pub(super) stem: &'a str,
    pub(super) name: &'a str,
    pub(super) version: Option<&'a str>,
}

/// What may stand before a number inside a version.
const QUALIFIERS: [&str; 14] = [
    "alpha",
    "beta",
    "rc",
    "cr",
    "m",
    "milestone",
    "b",
    "build",
    "sp",
    "pre",
    "preview",
    "ea",
    "redhat",
    "jdk",
];

impl<'a> FileName<'a> {
    /// Takes the last component of a path apart.
    pub(super) fn parse(base: &'a str) -> Self {
        let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
        let by_dash = dashes(stem).find(|(_, version)| is_version(version));
        let by_underscore = || {
            let (name, version) = stem.rsplit_once('_')?;
            let is_full = starts_with_digit(version) && version.matches('.').count() >= 2;
            (is_full && !name.is_empty()).then_some((name, version))
        };
        match by_dash.or_else(by_underscore) {
            Some((name, version)) => FileName { stem, name, version: Some(version) },
            None => FileName { stem, name: stem, version: None },
        }
    }
}

/// Returns every way to cut a text at a dash.
fn dashes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices('-').filter_map(|(at, _)| {
        let (name, rest) = text.split_at_checked(at)?;
        (!name.is_empty()).then_some((name, rest.strip_prefix('-')?))
    })
}

/// Tells whether the rest of a name is its version: it begins like one, and is not the number of
/// something within the name (`log4j-1.2-api-2.17.1`).
fn is_version(rest: &str) -> bool {
    let first = rest.split('-').next().unwrap_or(rest);
    let is_revision = || {
        let digits = first.strip_prefix(['r', 'v']).unwrap_or_default();
        starts_with_digit(digits) && digits.bytes().all(|it| it.is_ascii_digit() || it == b'.')
    };
    (starts_with_digit(first) || is_revision()) && !has_later_version(rest)
}

fn has_later_version(rest: &str) -> bool {
    let words: Vec<&str> = rest.split('-').collect();
    words.windows(2).any(|pair| match pair {
        [word, next] => {
            let is_word = word.bytes().all(|byte| byte.is_ascii_alphabetic());
            let is_qualifier = QUALIFIERS.iter().any(|known| known.eq_ignore_ascii_case(word));
            is_word && !is_qualifier && starts_with_digit(next) && next.contains('.')
        }
        _ => false,
    })
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::FileName;

    #[test]
    fn names_are_cut_where_the_version_begins() {
        for (base, name, version) in [
            ("log4j-core-2.14.1.jar", "log4j-core", "2.14.1"),
            ("log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", "2.17.1"),
            ("log4j-1.2.17.jar", "log4j", "1.2.17"),
            ("spark-sql_2.12-3.5.1.jar", "spark-sql_2.12", "3.5.1"),
            ("guava-31.1-jre.jar", "guava", "31.1-jre"),
            ("guava-r07.jar", "guava", "r07"),
            ("stax-api-1.0-2.jar", "stax-api", "1.0-2"),
            ("a-1.0-beta-2.5.jar", "a", "1.0-beta-2.5"),
            ("a-b-1.0-20230101.123456-1.jar", "a-b", "1.0-20230101.123456-1"),
            (
                "netty-epoll-4.1.90.Final-linux-x86_64.jar",
                "netty-epoll",
                "4.1.90.Final-linux-x86_64",
            ),
            (
                "org.eclipse.core.runtime_3.26.100.v2022.jar",
                "org.eclipse.core.runtime",
                "3.26.100.v2022",
            ),
            ("commons-lang3-3.12.0.jar", "commons-lang3", "3.12.0"),
            ("x-5.war", "x", "5"),
        ] {
            let file = FileName::parse(base);
            assert_eq!((file.name, file.version), (name, Some(version)), "{base}");
        }
    }

    #[test]
    fn names_without_a_version_stay_whole() {
        for (base, name) in [
            ("tools.jar", "tools"),
            ("spark-sql_2.12.jar", "spark-sql_2.12"),
            ("slf4j-api.jar", "slf4j-api"),
            ("-1.0.jar", "-1.0"),
            ("a-rest-api.jar", "a-rest-api"),
            (".jar", ""),
            ("jar", "jar"),
        ] {
            let expected = FileName { stem: name, name, version: None };
            assert_eq!(FileName::parse(base), expected, "{base}");
        }
    }
}
