//! Envelopes around a bill of materials or a VEX document: an in-toto statement (in-toto attestation framework,
//! Statement v0.1 and v1), alone, in a DSSE envelope, or in a Sigstore bundle.
//!
//! Signatures are not verified here: an envelope is opened, and what its statement says that it is
//! about is handed on.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::digest::Digest;

use crate::bounded::{Bounded, MAX_DETAILS};

/// What the type of a statement begins with.
const STATEMENT: &str = "https://in-toto.io/Statement/";
/// What the type of a predicate begins with that is a bill of materials.
const PREDICATES: [&str; 2] = ["https://spdx.dev/Document", "https://cyclonedx.org/bom"];
/// What the type of a predicate begins with that is a VEX document.
const VEX_PREDICATES: [&str; 3] =
    ["https://openvex.dev/ns", "https://cyclonedx.org/", "https://docs.oasis-open.org/csaf"];
/// What Cosign calls predicates that it does not know.
const COSIGN_PREDICATE: &str = "https://cosign.sigstore.dev/attestation/v1";

/// DSSE allows both alphabets (DSSE protocol, "Signature definition").
const STANDARD: GeneralPurpose = decoder(&alphabet::STANDARD);
const URL_SAFE: GeneralPurpose = decoder(&alphabet::URL_SAFE);

const fn decoder(alphabet: &alphabet::Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

/// What was in an envelope, or a document without one.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// What the statement says that it is about; `None` where there is no statement.
    pub subjects: Option<Vec<Digest>>,
    /// The bill of materials.
    pub document: Cow<'a, [u8]>,
}

/// Why an envelope holds no bill of materials.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// It is no JSON.
    #[error("it cannot be read as JSON: {0}")]
    Malformed(#[source] serde_json::Error),
    /// The payload of the envelope is no base64.
    #[error("the payload of its envelope is not base64")]
    Payload,
    /// The envelope is for something else.
    #[error("its statement is of the type {0}")]
    NotAStatement(String),
    /// The statement is on something else.
    #[error("its statement's predicate is of the type {0}, which is not what is looked for")]
    OtherPredicate(String),
}

impl AttestationError {
    /// Tells whether something else than a bill of materials was attested, which is no fault.
    pub fn is_about_something_else(&self) -> bool {
        matches!(self, AttestationError::OtherPredicate(_) | AttestationError::NotAStatement(_))
    }
}

#[derive(Deserialize)]
struct Marks<'a> {
    #[serde(rename = "_type")]
    statement: Option<String>,
    #[serde(rename = "payloadType")]
    payload_type: Option<String>,
    #[serde(borrow, rename = "dsseEnvelope")]
    envelope: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "predicateType", default)]
    predicate_type: String,
    #[serde(default)]
    subject: Bounded<Subject, MAX_DETAILS>,
    #[serde(borrow)]
    predicate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    digest: SubjectDigest,
}

#[derive(Default, Deserialize)]
struct SubjectDigest {
    sha256: Option<String>,
    sha512: Option<String>,
}

/// What older versions of Cosign put around a predicate.
#[derive(Deserialize)]
struct CosignPredicate<'a> {
    #[serde(borrow, rename = "Data")]
    data: Option<&'a RawValue>,
}

/// Opens whatever is around a bill of materials. What has no envelope comes back as it is.
///
/// # Errors
///
/// Any [`AttestationError`].
pub fn open(bytes: &[u8]) -> Result<Opened<'_>, AttestationError> {
    open_one_of(bytes, &PREDICATES)
}

/// Opens whatever is around a VEX document. What has no envelope comes back as it is.
///
/// # Errors
///
/// Any [`AttestationError`].
pub fn open_vex(bytes: &[u8]) -> Result<Opened<'_>, AttestationError> {
    open_one_of(bytes, &VEX_PREDICATES)
}

fn open_one_of<'a>(bytes: &'a [u8], known: &[&str]) -> Result<Opened<'a>, AttestationError> {
    let marks: Marks<'_> = json(bytes)?;
    if marks.statement.is_some_and(|kind| kind.starts_with(STATEMENT)) {
        return statement(bytes, known);
    }
    // A bundle holds an envelope, an envelope a statement; neither can hold another of its kind.
    let envelope = match (marks.envelope, marks.payload_type) {
        (Some(envelope), _) => envelope.get().as_bytes(),
        (None, Some(_)) => bytes,
        (None, None) => return Ok(Opened { subjects: None, document: Cow::Borrowed(bytes) }),
    };
    let envelope: Envelope<'_> = json(envelope)?;
    let text: String = envelope.payload.split_ascii_whitespace().collect();
    let payload = STANDARD.decode(&text).or_else(|_| URL_SAFE.decode(&text));
    let payload = payload.map_err(|_| AttestationError::Payload)?;
    let opened = statement(&payload, known)?;
    let document = Cow::Owned(opened.document.into_owned());
    Ok(Opened { subjects: opened.subjects, document })
}

fn statement<'a>(bytes: &'a [u8], known: &[&str]) -> Result<Opened<'a>, AttestationError> {
    let statement: Statement<'_> = json(bytes)?;
    if !statement.kind.starts_with(STATEMENT) {
        return Err(AttestationError::NotAStatement(shown(&statement.kind)));
    }
    let is_cosign = statement.predicate_type.starts_with(COSIGN_PREDICATE);
    let kind = &statement.predicate_type;
    if !is_cosign && !known.iter().any(|known| kind.starts_with(known)) {
        return Err(AttestationError::OtherPredicate(shown(kind)));
    }
    let predicate = statement.predicate.map(RawValue::get).unwrap_or_default();
    let subjects = statement.subject.0.into_iter().flat_map(|subject| {
        let sha256 = subject.digest.sha256.map(|hex| format!("sha256:{hex}"));
        let sha512 = subject.digest.sha512.map(|hex| format!("sha512:{hex}"));
        sha256.into_iter().chain(sha512).filter_map(|digest| digest.parse().ok())
    });
    Ok(Opened { subjects: Some(subjects.collect()), document: data(predicate)? })
}

/// Takes a predicate out of the `Data` that older versions of Cosign put it into, as an object or
/// as text.
fn data(predicate: &str) -> Result<Cow<'_, [u8]>, AttestationError> {
    let wrapped: CosignPredicate<'_> = json(predicate.as_bytes())?;
    let Some(data) = wrapped.data.map(RawValue::get) else {
        return Ok(Cow::Borrowed(predicate.as_bytes()));
    };
    if data.starts_with('"') {
        let text: String = json(data.as_bytes())?;
        return Ok(Cow::Owned(text.into_bytes()));
    }
    Ok(Cow::Borrowed(data.as_bytes()))
}

fn json<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, AttestationError> {
    serde_json::from_slice(bytes).map_err(AttestationError::Malformed)
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests;
