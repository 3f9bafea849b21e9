//! The one form of a point in time that both signature versions use: `yyyy-MM-ddTHH:mm:ssZ`.

use jiff::Timestamp;

/// Parses a timestamp to milliseconds; other forms of ISO 8601 are refused.
pub(crate) fn parse(text: &str) -> Option<i64> {
    const PATTERN: &[u8] = b"0000-00-00T00:00:00Z";
    let has_pattern = text.len() == PATTERN.len()
        && text.bytes().zip(PATTERN).all(|(byte, pattern)| match pattern {
            b'0' => byte.is_ascii_digit(),
            literal => byte == *literal,
        });
    if !has_pattern {
        return None;
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Formats milliseconds; `None` outside the years 0 to 9999.
pub(crate) fn format(timestamp_ms: i64) -> Option<String> {
    let seconds = timestamp_ms.div_euclid(1_000);
    let text = Timestamp::from_second(seconds).ok()?.to_string();
    parse(&text).is_some().then_some(text)
}

#[cfg(test)]
mod tests;
