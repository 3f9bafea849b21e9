//! The Authorization header of V3: `ALG Credential=…,SignedHeaders=a;b,Signature=…`.

use std::collections::BTreeSet;

use crate::error::{ApiError, catalogue};
use crate::signature::Scheme;

/// Holds the parts of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) scheme: Scheme,
    pub(crate) access_key_id: String,
    /// Lower case and sorted, as the canonical request lists them.
    pub(crate) signed_headers: BTreeSet<String>,
    pub(crate) signature: String,
}

impl Authorization {
    /// Parses the header. Java sends the fields in another order than the other SDKs, and blanks
    /// may follow the commas.
    pub(crate) fn parse(value: &str) -> Result<Self, ApiError> {
        let (algorithm, fields) =
            value.split_once(char::is_whitespace).ok_or_else(catalogue::incomplete_signature)?;
        let scheme = match algorithm {
            "ACS3-HMAC-SHA256" => Scheme::V3HmacSha256,
            "ACS3-HMAC-SM3" => Scheme::V3HmacSm3,
            "ACS3-RSA-SHA256" => Scheme::V3RsaSha256,
            _ => return Err(catalogue::invalid_signature_method()),
        };
        let fields = Fields::parse(fields).ok_or_else(catalogue::incomplete_signature)?;
        Ok(Self {
            scheme,
            access_key_id: fields.credential.to_owned(),
            signed_headers: fields
                .signed_headers
                .split(';')
                .map(|name| name.trim().to_ascii_lowercase())
                .filter(|name| !name.is_empty())
                .collect(),
            signature: fields.signature.to_owned(),
        })
    }

    /// Returns the value of the header.
    pub(crate) fn to_header(&self) -> String {
        let signed_headers: Vec<&str> = self.signed_headers.iter().map(String::as_str).collect();
        format!(
            "{} Credential={},SignedHeaders={},Signature={}",
            self.scheme.name(),
            self.access_key_id,
            signed_headers.join(";"),
            self.signature
        )
    }
}

struct Fields<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Fields<'a> {
    /// Takes each field exactly once; of two, client and server could mean different ones.
    fn parse(fields: &'a str) -> Option<Self> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in fields.split(',') {
            let (name, value) = field.split_once('=')?;
            let slot = match name.trim() {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return None,
            };
            if slot.replace(value.trim()).is_some() {
                return None;
            }
        }
        let not_blank = |value: &&str| !value.is_empty();
        Some(Self {
            credential: credential.filter(not_blank)?,
            signed_headers: signed_headers?,
            signature: signature.filter(not_blank)?,
        })
    }
}

#[cfg(test)]
mod tests;
