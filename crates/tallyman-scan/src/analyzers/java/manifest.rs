//! The manifest of a jar (Oracle, "JAR File Specification", "Name-Value pairs and Sections"), read
//! as it comes and only as far as it tells what the jar is.

/// An attribute that may tell what a jar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    ImplementationTitle,
    ImplementationVersion,
    ImplementationVendorId,
    SpecificationVersion,
    BundleSymbolicName,
    BundleVersion,
    AutomaticModuleName,
    /// The group of a Jenkins plugin; its name and version are the next three.
    GroupId,
    ShortName,
    ExtensionName,
    PluginVersion,
    /// The jar changes another one and bears its name.
    WeaveClasses,
}

const ATTRIBUTES: [(&str, Attribute); 12] = [
    ("Implementation-Title", Attribute::ImplementationTitle),
    ("Implementation-Version", Attribute::ImplementationVersion),
    ("Implementation-Vendor-Id", Attribute::ImplementationVendorId),
    ("Specification-Version", Attribute::SpecificationVersion),
    ("Bundle-SymbolicName", Attribute::BundleSymbolicName),
    ("Bundle-Version", Attribute::BundleVersion),
    ("Automatic-Module-Name", Attribute::AutomaticModuleName),
    ("Group-Id", Attribute::GroupId),
    ("Short-Name", Attribute::ShortName),
    ("Extension-Name", Attribute::ExtensionName),
    ("Plugin-Version", Attribute::PluginVersion),
    ("Weave-Classes", Attribute::WeaveClasses),
];

/// In the order in which they tell a version.
const VERSIONS: [Attribute; 4] = [
    Attribute::PluginVersion,
    Attribute::ImplementationVersion,
    Attribute::BundleVersion,
    Attribute::SpecificationVersion,
];

/// Longer lines are lists of packages, and are cut.
const LINE_BYTES_MAX: usize = 4096;

/// What a manifest says of the jar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The attributes of the main section.
    main: Vec<(Attribute, String)>,
    /// The first version of a package of the jar, where the main section has none.
    section_version: Option<String>,
}

impl Manifest {
    /// Returns an attribute of the main section.
    pub(super) fn get(&self, attribute: Attribute) -> Option<&str> {
        let found = self.main.iter().find(|(known, _)| *known == attribute);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the version of the jar.
    pub(super) fn version(&self) -> Option<&str> {
        let versions = VERSIONS.into_iter().filter_map(|attribute| self.get(attribute));
        versions
            .chain(self.section_version.as_deref())
            // What a build wrote behind the version is no part of it.
            .filter_map(|value| value.split_whitespace().next())
            .find(|version| version.bytes().any(|byte| byte.is_ascii_digit()))
    }
}

/// Reads a manifest piece by piece.
#[derive(Debug)]
pub(super) struct ManifestReader {
    manifest: Manifest,
    /// The line with the lines that continue it.
    line: Vec<u8>,
    is_line_start: bool,
    is_after_return: bool,
    is_main: bool,
}

impl ManifestReader {
    pub(super) fn new() -> Self {
        ManifestReader {
            manifest: Manifest::default(),
            line: Vec::new(),
            is_line_start: true,
            is_after_return: false,
            is_main: true,
        }
    }

    /// Reads on, and tells whether what follows can be of interest.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            if self.is_line_start {
                bytes = self.begin_line(*first, rest).unwrap_or(bytes);
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', bytes);
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(part.get(..part.len().min(room)).unwrap_or_default());
            bytes = match end.and_then(|end| bytes.get(end..)?.split_first()) {
                Some((end, rest)) => {
                    self.is_line_start = true;
                    self.is_after_return = *end == b'\r';
                    rest
                }
                None => &[],
            };
        }
        self.is_main || self.manifest.version().is_none()
    }

    /// Says what was read, at the end or when nothing else is of interest.
    pub(super) fn finish(mut self) -> Manifest {
        self.end_line();
        self.manifest
    }

    /// Looks at the first byte of a line; returns what follows it if it is no part of a line.
    fn begin_line<'a>(&mut self, first: u8, rest: &'a [u8]) -> Option<&'a [u8]> {
        let is_after_return = std::mem::take(&mut self.is_after_return);
        match first {
            b'\n' if is_after_return => Some(rest),
            b'\n' | b'\r' => {
                self.end_line();
                self.is_main = false;
                self.is_after_return = first == b'\r';
                Some(rest)
            }
            b' ' => {
                self.is_line_start = false;
                Some(rest)
            }
            _ => {
                self.end_line();
                self.is_line_start = false;
                None
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let Some((attribute, value)) = parse_line(&line) else {
            return;
        };
        let is_version =
            matches!(attribute, Attribute::ImplementationVersion | Attribute::SpecificationVersion);
        if self.is_main {
            // Of two, the runtime takes the last.
            self.manifest.main.retain(|(known, _)| *known != attribute);
            self.manifest.main.push((attribute, value));
        } else if is_version && self.manifest.section_version.is_none() {
            self.manifest.section_version = Some(value);
        }
    }
}

fn parse_line(line: &[u8]) -> Option<(Attribute, String)> {
    let colon = memchr::memchr(b':', line)?;
    let name = line.get(..colon)?.trim_ascii();
    let is_named = |(known, _): &&(&str, Attribute)| known.as_bytes().eq_ignore_ascii_case(name);
    let (_, attribute) = ATTRIBUTES.iter().find(is_named)?;
    let value = line.get(colon.checked_add(1)?..)?.trim_ascii();
    let value = String::from_utf8_lossy(value).into_owned();
    // What begins with `%` stands in another file; `${…}` was never filled in.
    let is_filled = !value.is_empty() && !value.starts_with('%') && !value.contains("${");
    is_filled.then_some((*attribute, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    use super::{Attribute, Manifest, ManifestReader};

    fn read(text: &str) -> Manifest {
        let mut reader = ManifestReader::new();
        reader.feed(text.as_bytes());
        reader.finish()
    }

    #[test]
    fn lines_are_continued_and_end_in_three_ways() {
        for end in ["\n", "\r\n", "\r"] {
            let lines = [
                "Manifest-Version: 1.0",
                "implementation-title: a long",
                "  title",
                "Bundle-SymbolicName:org.a",
                " .b;singleton:=true",
                "",
                "Name: x",
                "Implementation-Title: y",
                "",
            ];
            let manifest = read(&lines.join(end));
            assert_eq!(
                manifest.get(Attribute::ImplementationTitle),
                Some("a long title"),
                "{end:?}"
            );
            assert_eq!(
                manifest.get(Attribute::BundleSymbolicName),
                Some("org.a.b;singleton:=true")
            );
            assert_eq!(manifest.version(), None);
        }
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(read("Implementation-Version: 1").version(), Some("1"));
    }

    #[test]
    fn the_best_version_is_taken() {
        assert_eq!(read("Specification-Version: 1\nBundle-Version: 1.2\n").version(), Some("1.2"));
        assert_eq!(read("Bundle-Version: 1.2\nImplementation-Version: 3\n").version(), Some("3"));
        assert_eq!(read("Plugin-Version: 1.0 (private)\n").version(), Some("1.0"));
        assert_eq!(read("Implementation-Version: ${v}\nBundle-Version: 2\n").version(), Some("2"));
        assert_eq!(read("Implementation-Version: none\n").version(), None);
        let sections = "Created-By: x\n\nName: a\n\nName: b\nImplementation-Version: 7\n";
        assert_eq!(read(sections).version(), Some("7"));
    }

    #[test]
    fn reading_stops_when_the_main_section_has_said_it_all() {
        let more = |text: &str| ManifestReader::new().feed(text.as_bytes());
        assert!(more("Implementation-Version: 1\n"));
        assert!(!more("Implementation-Version: 1\n\n"));
        assert!(more("Created-By: x\n\nName: a\n"));
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut reader = ManifestReader::new();
        reader.feed(b"Implementation-Title: ");
        for _ in 0..100 {
            reader.feed(&[b'x'; 4096]);
        }
        assert!(reader.line.capacity() < 20_000);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same(
            lines in prop::collection::vec(
                "(Implementation-Version|Implementation-Title|Name| |  )(:[ a-z0-9.]{0,5})?(\r|\n|\r\n)",
                0..8,
            ),
            piece in 1_usize..20,
        ) {
            let text = lines.concat();
            let mut reader = ManifestReader::new();
            text.as_bytes().chunks(piece).for_each(|piece| {
                reader.feed(piece);
            });
            prop_assert_eq!(reader.finish(), read(&text));
        }
    }
}
