//! As much of Markdown as the links and headings of our own pages need.

/// A link of a page.
pub(super) struct Link<'a> {
    /// Where it leads, as written.
    pub(super) target: &'a str,
    /// The line it stands on, from 1.
    pub(super) line: usize,
}

/// Returns the inline links and images of a page, outside code.
pub(super) fn links(page: &str) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    for (line, text) in prose(page) {
        for (at, _) in text.match_indices("](") {
            if is_code(text, at) {
                continue;
            }
            let rest = text.get(at + 2..).unwrap_or_default();
            let end = rest.find([')', ' ']).unwrap_or(rest.len());
            found.push(Link { target: rest.get(..end).unwrap_or_default(), line });
        }
    }
    found
}

/// Returns the anchors of a page's headings, made as the usual renderers make them.
pub(super) fn anchors(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (_, text) in prose(page) {
        let heading = text.trim_start_matches('#');
        if heading.len() == text.len() || !heading.starts_with(' ') {
            continue;
        }
        let slug: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let before = found.iter().filter(|known| **known == slug).count();
        found.push(if before == 0 { slug } else { format!("{slug}-{before}") });
    }
    found
}

/// Returns the lines outside fenced code, numbered from 1.
fn prose(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    page.lines().enumerate().filter_map(move |(index, text)| {
        let is_fence = text.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((index + 1, text))
    })
}

/// Returns whether the byte at `at` stands between backticks.
fn is_code(text: &str, at: usize) -> bool {
    text.get(..at).unwrap_or_default().matches('`').count() % 2 == 1
}
