//! Patterns of names and paths: `*` for any number of characters, `?` for one, and in paths `**`
//! for any number of directories. Matching takes no more than the product of both lengths.

/// Tells whether a text is of a pattern.
pub(super) fn matches_text(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches_all(&pattern, &text, |c| *c == '*', |pattern, c| *pattern == '?' || pattern == c)
}

/// Tells whether a path is of a pattern; a slash in front of either makes no difference.
pub(super) fn matches_path(pattern: &str, path: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.trim_start_matches('/').split('/').map(str::to_owned).collect()
    };
    let (pattern, path) = (parts(pattern), parts(path));
    matches_all(&pattern, &path, |part| part == "**", |part, name| matches_text(part, name))
}

/// Tells whether a pattern has a character that stands for others.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// After a mismatch only the last star has to be tried again: what an earlier one could take, the
/// later one can take as well.
fn matches_all<P, T>(
    pattern: &[P],
    text: &[T],
    is_star: impl Fn(&P) -> bool,
    is_match: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut reached) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(item) = text.get(reached) {
        match pattern.get(at) {
            Some(part) if is_star(part) => {
                at += 1;
                star = Some((at, reached));
            }
            Some(part) if is_match(part, item) => {
                at += 1;
                reached += 1;
            }
            Some(_) | None => {
                let Some((after, taken)) = star else { return false };
                at = after;
                reached = taken + 1;
                star = Some((after, reached));
            }
        }
    }
    pattern.iter().skip(at).all(is_star)
}

#[cfg(test)]
mod tests {
    use super::{matches_path, matches_text};

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("log4j*", "log4j-core", true),
            ("*core", "log4j-core", true),
            ("l*j-c*e", "log4j-core", true),
            ("log4j", "log4j-core", false),
            ("lo?4j", "log4j", true),
            ("lo?4j", "lo4j", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "abbbd", false),
        ] {
            assert_eq!(matches_text(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_in_a_path_stays_in_its_directory() {
        for (pattern, path, expected) in [
            ("/usr/lib/*.jar", "usr/lib/a.jar", true),
            ("usr/lib/*.jar", "/usr/lib/x/a.jar", false),
            ("usr/**/*.jar", "usr/lib/x/a.jar", true),
            ("usr/**/*.jar", "usr/a.jar", true),
            ("usr/**", "usr/lib/x/a.jar", true),
            ("**/package.json", "package.json", true),
            ("**/package.json", "app/node_modules/x/package.json", true),
            ("**/test/**", "app/src/a", false),
            ("usr", "usr/lib", false),
        ] {
            assert_eq!(matches_path(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = "*a".repeat(2_000);
        let text = "a".repeat(1_999) + &"b".repeat(2_000);
        assert!(!matches_text(&pattern, &text));
        assert!(!matches_path(&"**/a/".repeat(2_000), &"a/".repeat(1_500)));
    }
}
