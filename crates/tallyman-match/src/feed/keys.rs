//! The outline of a document: the first keys of its first levels, from its first bytes.

/// How deep keys are looked at.
const LEVELS: usize = 3;

/// How much of the first line is kept.
const LINE_CHARS: usize = 256;

/// The keys that the beginning of a JSON or YAML document shows.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// The keys of each level, outermost first; of a list, those of its first element.
    levels: [Vec<String>; LEVELS],
    /// Whether the document is a list, or goes on after its first value (one record a line).
    pub(crate) is_list: bool,
    /// The name of the outermost element of an XML document.
    root: Option<String>,
    /// The first line, or its beginning, of what is neither JSON nor a list.
    pub(crate) first_line: String,
}

impl Outline {
    /// Reads the outline of a document's first bytes.
    pub(crate) fn of(head: &[u8]) -> Self {
        let text = String::from_utf8_lossy(head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match text.bytes().next() {
            Some(b'{') => Outline::of_json(text, false),
            Some(b'[') => Outline::of_json(text.get(1..).unwrap_or("").trim_start(), true),
            Some(b'<') => Outline { root: root_of_xml(text), ..Outline::default() },
            _ => Outline { first_line: first_line(text), ..Outline::of_yaml(text) },
        }
    }

    /// Tells whether the outermost level has the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.has_at(0, key)
    }

    /// Tells whether a level has the key.
    pub(crate) fn has_at(&self, level: usize, key: &str) -> bool {
        self.keys(level).iter().any(|known| known == key)
    }

    /// Returns the keys of a level.
    pub(crate) fn keys(&self, level: usize) -> &[String] {
        self.levels.get(level).map_or(&[], Vec::as_slice)
    }

    /// Returns the name of an XML document's outermost element, without a prefix.
    pub(crate) fn root(&self) -> Option<&str> {
        self.root.as_deref()
    }

    fn of_json(text: &str, is_list: bool) -> Self {
        let mut outline = Outline { is_list, ..Outline::default() };
        let bytes = text.as_bytes();
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        let rest = text.get(at + 1..).unwrap_or("").trim_start();
                        outline.is_list |= rest.starts_with('{');
                        break;
                    }
                }
                b'"' => {
                    let end = end_of_string(bytes, at + 1);
                    let after = bytes.get(end + 1..).unwrap_or(&[]).trim_ascii_start();
                    if after.first() == Some(&b':')
                        && let Some(level) = depth.checked_sub(1)
                        && let Some(keys) = outline.levels.get_mut(level)
                        && let Some(key) = text.get(at + 1..end)
                    {
                        keys.push(key.to_owned());
                    }
                    at = end;
                }
                _ => {}
            }
            at += 1;
        }
        outline
    }

    fn of_yaml(text: &str) -> Self {
        let mut outline = Outline::default();
        let keys = text.lines().filter_map(|line| {
            let (key, rest) = line.split_once(':')?;
            let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic())
                && (rest.is_empty() || rest.starts_with(' '));
            is_key.then(|| key.trim_end().to_owned())
        });
        outline.levels[0] = keys.collect();
        outline
    }
}

/// What comes before the outermost element: declarations, comments and a document type.
fn root_of_xml(mut text: &str) -> Option<String> {
    loop {
        text = text.trim_start().strip_prefix('<')?;
        let end = match text.as_bytes().first()? {
            b'!' if text.starts_with("!--") => "-->",
            b'!' if text.contains("]>") => "]>",
            b'!' => ">",
            b'?' => "?>",
            _ => break,
        };
        text = text.split_once(end)?.1;
    }
    let name = text.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next()?;
    Some(name.rsplit(':').next().unwrap_or(name).to_owned())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(LINE_CHARS).collect()
}

/// Returns the position of the closing quote, or the end.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}
