//! VEX documents that are attached to an image in its registry: as referrers, or as attestations.
//!
//! A document must be attached to this very image, by its manifest's subject or by the statement
//! around it. Signatures are not looked at. Whatever does not fit is left out with a note: then a
//! finding counts that need not, which is the safe side.

use tallyman_match::vex;
use tallyman_model::digest::Digest;
use tallyman_model::vex::VexDocument;
use tallyman_scan::attestation::open_vex;
use tallyman_source::listing::Target;
use tallyman_source::open::Sources;
use tallyman_source::registry::attached::AttachedSbom;

use crate::blocking;
use crate::installation::Installation;
use crate::scan::ScanError;
use crate::scan_attached::shown;
use crate::vex_files::named;

/// What was found in the registry.
#[derive(Clone, Debug, Default)]
pub struct AttachedVex {
    /// The documents, each with where it was found.
    pub documents: Vec<(String, VexDocument)>,
    /// The digests under which the image was looked for: its manifest and the index it is of.
    pub image_digests: Vec<Digest>,
    /// What was used and what was left out, in words.
    pub notes: Vec<String>,
}

/// Looks for VEX documents that are attached to an image; an image of no registry has none.
///
/// # Errors
///
/// [`ScanError::Source`] where the image cannot be opened.
pub async fn attached_vex(
    installation: &Installation,
    sources: &Sources,
    target: &Target,
) -> Result<AttachedVex, ScanError> {
    let open = sources.open_target(target).await.map_err(ScanError::Source)?;
    let Some(mut search) = open.attached_vex() else { return Ok(AttachedVex::default()) };
    let mut found = AttachedVex::default();
    while let Some(attached) = search.next().await {
        let (digest, how) = (attached.digest.clone(), attached.attachment.name());
        let subject = attached.subject.clone();
        match read(installation, search.subjects(), attached).await {
            Ok(Some(document)) => {
                found.notes.push(format!(
                    "the VEX document {digest} ({how} of {subject}) is used; its signature was not \
                     verified"
                ));
                found.documents.push((digest.to_string(), document));
            }
            Ok(None) => {}
            Err(reason) => {
                found.notes.push(format!("{digest} ({how}) is left out: {}", shown(&reason)));
            }
        }
    }
    found.image_digests = search.subjects().to_vec();
    found.notes.extend(search.into_notes());
    Ok(found)
}

/// Reads what is attached; `None` where it is about something else than vulnerabilities.
async fn read(
    installation: &Installation,
    subjects: &[Digest],
    attached: AttachedSbom,
) -> Result<Option<VexDocument>, String> {
    let limits = installation.limits().clone();
    let subjects = subjects.to_vec();
    blocking::run(move || {
        let opened = match open_vex(&attached.bytes) {
            Ok(opened) => opened,
            Err(error) if error.is_about_something_else() => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        match &opened.subjects {
            Some(about) if !about.iter().any(|digest| subjects.contains(digest)) => {
                return Err("its statement is about something else than the image".to_owned());
            }
            None if attached.attachment.needs_statement() => {
                return Err("no statement says what it is about".to_owned());
            }
            Some(_) | None => {}
        }
        match vex::read(&opened.document, &limits) {
            // A bill of materials need not say anything of vulnerabilities.
            Ok(document) if document.statements.is_empty() => Ok(None),
            Ok(document) => Ok(Some(named(document, &opened.document))),
            Err(error) if error.is_something_else() => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}
