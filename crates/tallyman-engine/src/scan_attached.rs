//! Scanning an image of a registry by a bill of materials that is attached to it there.
//!
//! The document must be about this image; what it says is believed then, for nothing of it was
//! seen here, and nothing of it is stored. Where no document can be used the layers are analysed.

use std::sync::Arc;

use tallyman_model::coverage::AnalysisState;
use tallyman_model::digest::Digest;
use tallyman_model::image::ResolvedImage;
use tallyman_model::platform::Platform;
use tallyman_scan::sbom::{Sbom, SbomError, read_sbom};
use tallyman_source::listing::Target;
use tallyman_source::open::{OpenImage, Sources};
use tallyman_source::registry::attached::AttachedSbom;

use crate::analysis::AnalysisProgress;
use crate::blocking;
use crate::installation::Installation;
use crate::report::{ReportAttachment, ReportImage, ReportSignature, ScanReport};
use crate::scan::{ScanError, scan_opened};
use crate::scan_sbom::report;

/// The characters of a reason that a note repeats.
const MAX_REASON_CHARS: usize = 300;

/// Opens an image and judges what the first usable bill of materials attached to it says, or else
/// scans the image. The report's notes say what was used, and what was not.
///
/// # Errors
///
/// Any [`ScanError`].
pub async fn scan_attached(
    installation: &Installation,
    sources: &Sources,
    target: &Target,
    progress: Arc<AnalysisProgress>,
) -> Result<ScanReport, ScanError> {
    let open = Arc::new(sources.open_target(target).await.map_err(ScanError::Source)?);
    let (found, mut notes) = find(installation, &open).await?;
    let mut report = match found {
        Some(report) => report,
        None => {
            let what = "no bill of materials that can be used is attached; the layers were read";
            notes.push(what.to_owned());
            scan_opened(installation, open, progress).await?
        }
    };
    report.notes = notes;
    Ok(report)
}

/// Judges the documents until one can be used.
async fn find(
    installation: &Installation,
    open: &OpenImage,
) -> Result<(Option<ScanReport>, Vec<String>), ScanError> {
    let Some(mut search) = open.attached_sboms() else { return Ok((None, Vec::new())) };
    let image = open.image();
    let mut notes = Vec::new();
    let mut found = None;
    while let Some(document) = search.next().await {
        let (digest, subject) = (document.digest.clone(), document.subject.clone());
        let how = document.attachment.name();
        match judge(installation, image, search.subjects(), document).await? {
            Judged::Used(report) => {
                notes.push(format!(
                    "the packages are those of the bill of materials {digest} ({how} of \
                     {subject}); its signature was not verified, and no layer was read"
                ));
                found = Some(*report);
                break;
            }
            Judged::LeftOut(reason) => {
                notes.push(format!("{digest} ({how}) is left out: {}", shown(&reason)))
            }
            Judged::SomethingElse => {}
        }
    }
    let all = search.into_notes().into_iter().chain(notes).collect();
    Ok((found, all))
}

enum Judged {
    Used(Box<ScanReport>),
    LeftOut(String),
    /// An attestation about something else than packages.
    SomethingElse,
}

async fn judge(
    installation: &Installation,
    image: &ResolvedImage,
    subjects: &[Digest],
    document: AttachedSbom,
) -> Result<Judged, ScanError> {
    let AttachedSbom { digest, media_type, attachment, subject, bytes } = document;
    let limits = installation.limits().clone();
    let mut sbom = match blocking::run(move || read_sbom(&bytes, &limits)).await {
        Ok(sbom) => sbom,
        Err(SbomError::Attestation(error)) if error.is_about_something_else() => {
            return Ok(Judged::SomethingElse);
        }
        Err(error) => return Ok(Judged::LeftOut(error.to_string())),
    };
    if let Err(reason) = check(&sbom, image, subjects, attachment.needs_statement()) {
        return Ok(Judged::LeftOut(reason));
    }
    place(&mut sbom, image);
    let attached = ReportAttachment {
        digest: digest.clone(),
        media_type,
        found_as: attachment.name().to_owned(),
        subject,
        signature: ReportSignature::NotVerified,
    };
    let (index, image) = (installation.advisories().current(), ReportImage::of(image));
    let report = report(index, image, sbom, digest.to_string(), Some(attached)).await?;
    match report.state {
        AnalysisState::Failed { reason } => Ok(Judged::LeftOut(reason)),
        AnalysisState::Analyzed | AnalysisState::Unsupported { .. } => {
            Ok(Judged::Used(Box::new(report)))
        }
    }
}

/// Checks that a document is about the image, as far as it says. A manifest's digest in the document
/// itself is not asked for: many are made before the image is pushed, which changes it.
fn check(
    sbom: &Sbom,
    image: &ResolvedImage,
    subjects: &[Digest],
    needs_statement: bool,
) -> Result<(), String> {
    match &sbom.subjects {
        Some(about) if !about.iter().any(|digest| subjects.contains(digest)) => {
            return Err("its statement is about something else than the image".to_owned());
        }
        None if needs_statement => return Err("no statement says what it is about".to_owned()),
        Some(_) | None => {}
    }
    if let Some(config) = sbom.image.config_digest.as_ref()
        && *config != image.config_digest
    {
        return Err(format!("it is about the image with the configuration {config}"));
    }
    // The index of an image is that of all its platforms.
    let platform = sbom.image.platform.as_deref().and_then(|text| text.parse::<Platform>().ok());
    if let Some(platform) = platform
        && !image.platform.satisfies(&platform)
    {
        return Err(format!("it is about the image for {platform}"));
    }
    if sbom.packages.is_empty() {
        return Err("it names no package that can be judged".to_owned());
    }
    Ok(())
}

/// Makes what a document may have put into a reason fit for a line.
pub(crate) fn shown(reason: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    reason.chars().take(MAX_REASON_CHARS).map(plain).collect()
}

/// Counts the layers as the image's manifest does, for the document may list others or none.
fn place(sbom: &mut Sbom, image: &ResolvedImage) {
    for package in &mut sbom.packages {
        package.layer = package
            .layer_digest
            .as_ref()
            .and_then(|digest| image.layers.iter().position(|layer| layer.digest == *digest));
    }
}

#[cfg(test)]
mod tests;
