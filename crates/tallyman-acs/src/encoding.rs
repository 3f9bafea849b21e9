//! Percent-encoding as Alibaba Cloud signs it, and decoding of queries and forms as clients send
//! them. Signatures are always computed over decoded and re-encoded text, never over raw text.

use std::fmt::Write as _;

/// Says why a query or form could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A `%` that is not followed by two hexadecimal digits.
    #[error("a percent sign is not followed by two hexadecimal digits")]
    InvalidEscape,
    /// Bytes that are not UTF-8 once the escapes are resolved.
    #[error("the decoded bytes are not valid UTF-8")]
    InvalidUtf8,
}

/// Returns the text with everything but RFC 3986 unreserved characters as `%XX` of its UTF-8.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Decodes one name or value of a query or form, where `+` is a space.
pub fn decode_component(text: &str) -> Result<String, DecodeError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = hex_digit(bytes.next())?;
                let low = hex_digit(bytes.next())?;
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| DecodeError::InvalidUtf8)
}

/// Decodes a query or a form body into its pairs, in the order they were sent.
///
/// Blank values count, because they are signed; a name without `=` has a blank value; nothing
/// between two `&` is no pair.
pub fn parse_pairs(text: &str) -> Result<Vec<(String, String)>, DecodeError> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode_component(name)?, decode_component(value)?))
        })
        .collect()
}

/// Returns the pairs as a query or form, each name and value percent-encoded.
pub fn encode_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut encoded = String::new();
    for (name, value) in pairs {
        if !encoded.is_empty() {
            encoded.push('&');
        }
        encoded.push_str(&percent_encode(name));
        encoded.push('=');
        encoded.push_str(&percent_encode(value));
    }
    encoded
}

/// Returns whether RFC 3986 section 2.3 leaves the byte as it is.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

fn hex_digit(byte: Option<u8>) -> Result<u8, DecodeError> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        Some(digit @ b'A'..=b'F') => Ok(digit - b'A' + 10),
        Some(_) | None => Err(DecodeError::InvalidEscape),
    }
}

#[cfg(test)]
mod tests;
