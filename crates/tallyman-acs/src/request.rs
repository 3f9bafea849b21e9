//! A borrowed view of one HTTP request, independent of any web framework.

use std::borrow::Cow;
use std::fmt;

/// Shows a request exactly as it arrived.
///
/// The signature covers the method, the path, the query, the headers and the body, so none of
/// them may be normalised. Under HTTP/2 the caller adds `:authority` as the header `host`.
#[derive(Clone, Copy)]
pub struct RawRequest<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path of the target as sent, still percent-encoded.
    pub path: &'a str,
    /// The query of the target as sent, without the question mark.
    pub query: &'a str,
    /// All headers; a repeated header is repeated here.
    pub headers: &'a [(String, String)],
    /// The whole body, without transfer coding.
    pub body: &'a [u8],
}

impl<'a> RawRequest<'a> {
    /// Returns the value of a header as the V3 signature sees it, if it was sent.
    ///
    /// Values are trimmed; those of a repeated header are sorted and joined with commas. Reading
    /// and signing thus agree on what a repeated header means.
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut values: Vec<&'a str> = self
            .headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect();
        match values.as_slice() {
            [] => None,
            [value] => Some(Cow::Borrowed(value)),
            [_, _, ..] => {
                values.sort_unstable();
                Some(Cow::Owned(values.join(",")))
            }
        }
    }

    /// Returns whether the body is a form by its Content-Type.
    pub(crate) fn is_form(&self) -> bool {
        self.header("content-type").is_some_and(|value| is_form_type(&value))
    }
}

/// Leaves out query, headers and body, which hold tokens and signatures.
impl fmt::Debug for RawRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RawRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Returns whether a Content-Type, with or without parameters, names a form.
pub(crate) fn is_form_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests;
