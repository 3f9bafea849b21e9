//! Rust source with comments or string literals blanked out, so that a check can search it.
//!
//! Line breaks stay, so the line numbers do too. This is a scanner of a page, not a parser: it
//! knows line and block comments, plain, raw and byte strings, and characters.

#[cfg(test)]
mod tests;

/// What [`blank`] leaves in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Code only.
    Code,
    /// Code and string literals.
    CodeAndStrings,
}

/// Returns `source` with everything but what `keep` names replaced by blanks.
pub(crate) fn blank(source: &str, keep: Keep) -> String {
    let mut blanked = String::with_capacity(source.len());
    let mut rest = source;
    let mut after_word = false;
    while let Some(first) = rest.chars().next() {
        let (length, is_code) = next_token(rest, after_word, keep);
        let (token, tail) = rest.split_at(length.max(first.len_utf8()).min(rest.len()));
        if is_code {
            blanked.push_str(token);
        } else {
            blanked.extend(token.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        after_word = first.is_alphanumeric() || first == '_';
        rest = tail;
    }
    blanked
}

/// Returns how many bytes the token at the start of `rest` takes and whether it is kept.
fn next_token(rest: &str, after_word: bool, keep: Keep) -> (usize, bool) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (block_comment_length(rest), false);
    }
    let string = if after_word { plain_string_length(rest) } else { string_length(rest) };
    if let Some(length) = string {
        return (length, keep == Keep::CodeAndStrings);
    }
    match character_length(rest) {
        Some(length) => (length, false),
        None => (0, true),
    }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..) {
        if tail.is_empty() {
            break;
        }
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Returns the length of a string literal with or without a prefix (`r#"…"#`, `b"…"`).
fn string_length(rest: &str) -> Option<usize> {
    let prefix = rest.find(|c| !matches!(c, 'b' | 'c' | 'r')).unwrap_or(rest.len());
    let (letters, tail) = rest.split_at(prefix);
    if letters.len() > 2 {
        return None;
    }
    if !letters.contains('r') {
        return plain_string_length(tail).map(|length| prefix + length);
    }
    let hashes = tail.len() - tail.trim_start_matches('#').len();
    let body = tail.get(hashes..)?.strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&closing).map_or(body.len(), |at| at + closing.len());
    Some(prefix + hashes + 1 + end)
}

fn plain_string_length(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    Some(rest.len())
}

/// Returns the length of a character literal; `None` for a lifetime.
fn character_length(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if body.starts_with('\\') {
        let end = body.get(2..)?.find('\'')?;
        return Some(1 + 2 + end + 1);
    }
    let c = body.chars().next()?;
    body.get(c.len_utf8()..)?.starts_with('\'').then_some(1 + c.len_utf8() + 1)
}

/// Returns the 1-based line of the byte at `offset`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Returns where `word` stands in `text` as a whole word, as byte offsets.
pub(crate) fn find_word(text: &str, word: &str) -> Vec<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .filter(|(at, _)| {
            let before = text.get(..*at).and_then(|head| head.chars().next_back());
            let after = text.get(at + word.len()..).and_then(|tail| tail.chars().next());
            let starts = !word.starts_with(is_part) || !before.is_some_and(is_part);
            let ends = !word.ends_with(is_part) || !after.is_some_and(is_part);
            starts && ends
        })
        .map(|(at, _)| at)
        .collect()
}
