//! The order of Python versions before PEP 440, as setuptools' `parse_version` defined it.

use std::cmp::Ordering;

/// Compares two versions that PEP 440 does not know.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    key(a).cmp(&key(b))
}

/// Splits into numbers and words; words are marked with `*`, which sorts before all digits.
fn key(version: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for piece in pieces(&version.to_lowercase()) {
        let piece = match piece {
            "" | "." => continue,
            "pre" | "preview" | "rc" => "c",
            "-" => "final-",
            "dev" => "@",
            other => other,
        };
        if piece.starts_with(|c: char| c.is_ascii_digit()) {
            parts.push(format!("{piece:0>8}"));
        } else {
            push_word(&mut parts, format!("*{piece}"));
        }
    }
    push_word(&mut parts, "*final".to_owned());
    parts
}

fn push_word(parts: &mut Vec<String>, word: String) {
    // A hyphen before a pre-release says nothing.
    if word.as_str() < "*final" {
        while parts.last().is_some_and(|part| part == "*final-") {
            parts.pop();
        }
    }
    while parts.last().is_some_and(|part| part == "00000000") {
        parts.pop();
    }
    parts.push(word);
}

/// Cuts a version into runs of digits, runs of letters, single dots and hyphens, and what is
/// between them.
fn pieces(version: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let kind = Kind::of(first);
        let end = match kind {
            Kind::Mark => first.len_utf8(),
            _ => rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len()),
        };
        let (piece, tail) = rest.split_at(end);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Digit,
    Letter,
    Mark,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            '0'..='9' => Kind::Digit,
            'a'..='z' => Kind::Letter,
            '.' | '-' => Kind::Mark,
            _ => Kind::Other,
        }
    }
}
