//! Matching of `*` (any characters) and `?` (one character) in actions, resources and values.

/// Returns whether the whole text matches the pattern.
///
/// Only the last `*` is ever revisited, because an earlier one cannot help where a later one
/// fails. The time is thus at most the product of the lengths, whatever the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    let mut text = text.chars();
    // What to try again from: the pattern after the last star, and the text it began at.
    let mut retry = None;
    loop {
        let text_before = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                // The star takes nothing first, so the text stays where it was.
                text = text_before;
                retry = Some((pattern.clone(), text.clone()));
            }
            (Some('?'), Some(_)) => {}
            (Some(expected), Some(found)) if expected == found => {}
            (Some(_) | None, _) => {
                let Some((after_star, mut began)) = retry else { return false };
                if began.next().is_none() {
                    return false;
                }
                pattern = after_star.clone();
                text = began.clone();
                retry = Some((after_star, began));
            }
        }
    }
}

#[cfg(test)]
mod tests;
