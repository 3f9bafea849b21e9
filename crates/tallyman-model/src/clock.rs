//! Time as a parameter: whoever needs "now" is handed a [`Clock`].

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the milliseconds since the Unix epoch, UTC.
    fn now_ms(&self) -> i64;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }
}

/// Formats milliseconds since the epoch as `2026-11-24T02:30:00Z`, or the empty string where the
/// number is no date.
pub fn format_utc(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

/// Parses an RFC 3339 date (`2026-11-24T02:30:00.5Z`, any offset) into milliseconds since the
/// epoch.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|t| t.as_millisecond())
}

/// Parses a date as HTTP writes it (RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`) into
/// milliseconds since the epoch.
pub fn parse_http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::{format_utc, parse_http_date, parse_rfc3339};

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(parse_http_date("120"), None);
    }

    #[test]
    fn dates_are_read_and_written_in_utc() {
        assert_eq!(parse_rfc3339("1970-01-01T01:00:01+01:00"), Some(1000));
        assert_eq!(format_utc(1000), "1970-01-01T00:00:01Z");
        assert_eq!(parse_rfc3339("yesterday"), None);
    }
}
