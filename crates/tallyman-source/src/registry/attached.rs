//! Bills of materials and VEX documents that are attached to an image of a registry: by the index that names the
//! image, as referrers (distribution-spec, "Listing Referrers" and "Referrers Tag Schema"), and under
//! the tags of older versions of Cosign.
//!
//! What is found is verified by its digest and size, and by the subject that it names; signatures
//! are not looked at. Whatever does not fit is left out with a note and ends nothing, for the image
//! itself can always be read instead.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tallyman_model::digest::{Algorithm, Digest};

use crate::document::{Descriptor, Document};
use crate::error::{SourceError, quoted};
use crate::media_type::{self, ACCEPT_MANIFESTS, DocumentKind, OCI_INDEX};
use crate::options::SourceOptions;
use crate::registry::artifact::{Holds, Referrer, Wanted, read_artifact, read_referrers};
use crate::registry::image::{FromIndex, Kind, fetch};
use crate::registry::session::{Bounds, Session};
use crate::registry::transport::{Part, Request};
use crate::resolve::attestations_of;
use crate::verify::digest_of;

/// The parts in which one list is read.
const MAX_PAGES: usize = 50;
/// The referrers of one image that are looked at by what their list says.
const MAX_REFERRERS: usize = 5_000;
/// The artifacts whose manifests are fetched.
const MAX_ARTIFACTS: usize = 50;
/// The documents that are fetched, each up to the limit `sbom-bytes`.
const MAX_DOCUMENTS: usize = 20;
/// The characters of a digest that a tag of the referrers tag schema keeps.
const TAG_CHARS: usize = 64;

/// How a document is attached to its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// By the index that names the image, as BuildKit does it.
    AttestationManifest,
    /// In the registry's list of referrers.
    Referrer,
    /// In the list of referrers that clients keep under a tag.
    ReferrersTag,
    /// As an attestation under a tag of Cosign.
    AttestationTag,
    /// As a plain document under a tag of Cosign.
    SbomTag,
}

impl Attachment {
    /// Returns what it is called in reports and notes.
    pub fn name(self) -> &'static str {
        match self {
            Attachment::AttestationManifest => "attestation-manifest",
            Attachment::Referrer => "referrer",
            Attachment::ReferrersTag => "referrers-tag",
            Attachment::AttestationTag => "attestation-tag",
            Attachment::SbomTag => "sbom-tag",
        }
    }

    /// Tells whether the document itself must say what it is about, in a statement around it. The
    /// others are bound to their subject by a manifest, or by the name of their tag alone.
    pub fn needs_statement(self) -> bool {
        match self {
            Attachment::AttestationManifest | Attachment::AttestationTag => true,
            Attachment::Referrer | Attachment::ReferrersTag | Attachment::SbomTag => false,
        }
    }

    /// Tells whether the manifest must name its subject.
    fn needs_subject(self) -> bool {
        match self {
            Attachment::Referrer | Attachment::ReferrersTag => true,
            Attachment::AttestationManifest | Attachment::AttestationTag | Attachment::SbomTag => {
                false
            }
        }
    }
}

/// A document that may be what is looked for. Its bytes have its digest and size.
#[derive(Debug)]
pub struct AttachedSbom {
    /// Its digest.
    pub digest: Digest,
    /// Its media type, as its manifest says.
    pub media_type: String,
    /// How it is attached.
    pub attachment: Attachment,
    /// What it is attached to: the image's manifest, or the index that the image was chosen from.
    pub subject: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The search for bills of materials, or for VEX documents, that are attached to one image. It asks no further than its
/// caller.
#[derive(Debug)]
pub struct AttachedSboms {
    session: Arc<Session>,
    options: Arc<SourceOptions>,
    wanted: Wanted,
    subjects: Vec<Digest>,
    steps: VecDeque<Step>,
    artifacts: VecDeque<Pending>,
    documents: VecDeque<Pending>,
    /// The artifacts and documents that were met, each with its subject, for one can be listed
    /// twice.
    seen: HashSet<(Digest, Digest)>,
    artifacts_left: usize,
    documents_left: usize,
    has_referrers_api: bool,
    notes: Vec<String>,
}

#[derive(Debug)]
enum Step {
    Index(FromIndex),
    Referrers(Digest),
    Tag(Attachment, Digest),
}

/// An artifact or a document that is to be fetched.
#[derive(Debug)]
struct Pending {
    attachment: Attachment,
    subject: Digest,
    descriptor: Descriptor,
}

impl AttachedSboms {
    /// Takes the digests of the image's manifest and of what its reference means, and the index
    /// that it was chosen from.
    pub(super) fn new(
        session: Arc<Session>,
        options: Arc<SourceOptions>,
        named: [Digest; 2],
        index: FromIndex,
        wanted: Wanted,
    ) -> Self {
        let listed = match &index {
            FromIndex::Listed(index) => Some(index.digest.clone()),
            FromIndex::Read(_) => None,
        };
        let mut subjects = Vec::with_capacity(2);
        for subject in named.into_iter().chain(listed) {
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        // What the index names goes first: the index's digest covers it, while anybody who may
        // write to the repository can add or replace the others.
        let mut steps = VecDeque::from([Step::Index(index)]);
        steps.extend(subjects.iter().cloned().map(Step::Referrers));
        for subject in &subjects {
            steps.push_back(Step::Tag(Attachment::AttestationTag, subject.clone()));
            if wanted == Wanted::Sboms {
                steps.push_back(Step::Tag(Attachment::SbomTag, subject.clone()));
            }
        }
        AttachedSboms {
            session,
            options,
            wanted,
            subjects,
            steps,
            artifacts: VecDeque::new(),
            documents: VecDeque::new(),
            seen: HashSet::new(),
            artifacts_left: MAX_ARTIFACTS,
            documents_left: MAX_DOCUMENTS,
            has_referrers_api: true,
            notes: Vec::new(),
        }
    }

    /// Returns what a statement may be about: the image's manifest, and the index that it was
    /// chosen from.
    pub fn subjects(&self) -> &[Digest] {
        &self.subjects
    }

    /// Returns what was left out so far, and why.
    pub fn into_notes(self) -> Vec<String> {
        self.notes
    }

    /// Returns the next document that may be what is looked for, `None` after the last one.
    pub async fn next(&mut self) -> Option<AttachedSbom> {
        loop {
            if let Some(pending) = self.documents.pop_front() {
                if let Some(document) = self.fetch_document(pending).await {
                    return Some(document);
                }
            } else if let Some(pending) = self.artifacts.pop_front() {
                self.fetch_artifact(pending).await;
            } else {
                match self.steps.pop_front()? {
                    Step::Index(index) => self.take_index(index).await,
                    Step::Referrers(subject) => self.list_referrers(subject).await,
                    Step::Tag(attachment, subject) => self.take_tag(attachment, subject).await,
                }
            }
        }
    }

    /// Takes what the index names as attestations of the image.
    async fn take_index(&mut self, index: FromIndex) {
        let Some(subject) = self.subjects.first().cloned() else { return };
        let attestations = match index {
            FromIndex::Read(attestations) => attestations,
            FromIndex::Listed(index) => match self.fetch_index(&index).await {
                Ok(entries) => attestations_of(&subject, &entries),
                Err(error) => return self.failed(&error),
            },
        };
        let pending = |descriptor| Pending {
            attachment: Attachment::AttestationManifest,
            subject: subject.clone(),
            descriptor,
        };
        self.artifacts.extend(attestations.into_iter().map(pending));
    }

    async fn fetch_index(&self, index: &Descriptor) -> Result<Vec<Descriptor>, SourceError> {
        let bytes = fetch(&self.session, &self.options, Kind::Manifest, index).await?;
        let name = format!("{} at {}", index.digest, self.session.host());
        match Document::parse(&name, &bytes, &index.media_type)? {
            Document::Index(entries) => Ok(entries),
            Document::Manifest(_) => Ok(Vec::new()),
        }
    }

    /// Lists the referrers of a subject, by the API or, in a registry without it, by the tag.
    async fn list_referrers(&mut self, subject: Digest) {
        if self.has_referrers_api {
            let mut found = Vec::new();
            match self.ask_referrers(&subject, &mut found).await {
                Ok(()) => return self.take_referrers(Attachment::Referrer, &subject, found),
                Err(SourceError::NotFound { .. }) if found.is_empty() => {
                    self.has_referrers_api = false;
                }
                Err(error) => {
                    self.failed(&error);
                    self.take_referrers(Attachment::Referrer, &subject, found);
                }
            }
        }
        let tag = referrers_tag(&subject);
        let Some(bytes) = self.get_tag(&tag).await else { return };
        match read_referrers(&format!("the referrers under the tag {tag}"), &bytes, self.wanted) {
            Ok((found, broken)) => {
                self.count_broken(broken, &subject);
                self.take_referrers(Attachment::ReferrersTag, &subject, found);
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Asks the registry for referrers. They are not filtered there: the filter takes one type a
    /// request, and bills of materials are attached under many.
    async fn ask_referrers(
        &mut self,
        subject: &Digest,
        found: &mut Vec<Referrer>,
    ) -> Result<(), SourceError> {
        let name = format!("the referrers of {subject} at {}", self.session.host());
        let bounds = self.manifest_bounds();
        let mut url = self.session.url("referrers", &subject.to_string())?;
        for _ in 0..MAX_PAGES {
            let request = Request { url: url.clone(), accept: OCI_INDEX, part: Part::Whole };
            let answer = self.session.get_whole(&name, &request, &bounds).await?;
            let (page, broken) = read_referrers(&name, &answer.bytes, self.wanted)?;
            self.count_broken(broken, subject);
            found.extend(page.into_iter().filter(|it| it.holds != Holds::Other));
            let Some(next) = answer.next.filter(|_| found.len() < MAX_REFERRERS) else {
                return Ok(());
            };
            url = self.session.next_url(&url, &next)?;
        }
        let maximum = u64::try_from(MAX_PAGES).unwrap_or(u64::MAX);
        Err(SourceError::LimitExceeded { subject: name, limit: "parts of a list", maximum })
    }

    /// Orders referrers by what they may hold, and else as their list does.
    fn take_referrers(
        &mut self,
        attachment: Attachment,
        subject: &Digest,
        mut referrers: Vec<Referrer>,
    ) {
        if referrers.len() > MAX_REFERRERS {
            self.notes.push(format!(
                "{subject} has more than {MAX_REFERRERS} referrers; the others were not looked at"
            ));
            referrers.truncate(MAX_REFERRERS);
        }
        referrers.retain(|it| {
            let kind = media_type::document_kind(&it.descriptor.media_type);
            it.holds != Holds::Other && matches!(kind, Some(DocumentKind::Manifest))
        });
        referrers.sort_by_key(|referrer| referrer.holds);
        let pending = |referrer: Referrer| Pending {
            attachment,
            subject: subject.clone(),
            descriptor: referrer.descriptor,
        };
        self.artifacts.extend(referrers.into_iter().map(pending));
    }

    async fn fetch_artifact(&mut self, pending: Pending) {
        if !self.is_new(&pending) {
            return;
        }
        let Some(left) = self.artifacts_left.checked_sub(1) else {
            let rest = self.artifacts.len() + 1;
            self.notes.push(format!(
                "{rest} artifacts were not looked at: no more than {MAX_ARTIFACTS} are"
            ));
            return self.artifacts.clear();
        };
        self.artifacts_left = left;
        let Pending { attachment, subject, descriptor } = pending;
        match fetch(&self.session, &self.options, Kind::Manifest, &descriptor).await {
            Ok(bytes) => self.take_artifact(attachment, subject, &descriptor.digest, &bytes),
            Err(error) => self.failed(&error),
        }
    }

    /// Takes the manifest that a tag of Cosign leads to.
    async fn take_tag(&mut self, attachment: Attachment, subject: Digest) {
        let suffix = if attachment == Attachment::SbomTag { "sbom" } else { "att" };
        let tag = format!("{}-{}.{suffix}", subject.algorithm().name(), subject.hex());
        if let Some(bytes) = self.get_tag(&tag).await {
            let digest = digest_of(&bytes, Algorithm::Sha256);
            self.take_artifact(attachment, subject, &digest, &bytes);
        }
    }

    fn take_artifact(
        &mut self,
        attachment: Attachment,
        subject: Digest,
        artifact: &Digest,
        bytes: &[u8],
    ) {
        let name = format!("{artifact} at {}", self.session.host());
        let read = match read_artifact(&name, bytes, self.wanted) {
            Ok(read) => read,
            Err(error) => return self.failed(&error),
        };
        match read.subject {
            Some(other) if other != subject => {
                return self.leave_out(artifact, attachment, &format!("its subject is {other}"));
            }
            None if attachment.needs_subject() => {
                return self.leave_out(artifact, attachment, "it names no subject");
            }
            Some(_) | None => {}
        }
        for document in read.documents {
            let digest = &document.descriptor.digest;
            if document.holds == Holds::Unread {
                let media_type = quoted(&document.descriptor.media_type);
                let reason = format!("its media type {media_type} is not read");
                self.leave_out(digest, attachment, &reason);
            } else if let Some(scope) = document.scope() {
                let reason = format!("it is about a part of the image: {}", quoted(scope));
                self.leave_out(digest, attachment, &reason);
            } else {
                let descriptor = document.descriptor;
                let subject = subject.clone();
                self.documents.push_back(Pending { attachment, subject, descriptor });
            }
        }
    }

    async fn fetch_document(&mut self, pending: Pending) -> Option<AttachedSbom> {
        if !self.is_new(&pending) {
            return None;
        }
        let Some(left) = self.documents_left.checked_sub(1) else {
            let rest = self.documents.len() + 1;
            self.notes.push(format!(
                "{rest} documents were not looked at: no more than {MAX_DOCUMENTS} are"
            ));
            self.documents.clear();
            return None;
        };
        self.documents_left = left;
        let Pending { attachment, subject, descriptor } = pending;
        match fetch(&self.session, &self.options, Kind::Sbom, &descriptor).await {
            Ok(bytes) => Some(AttachedSbom {
                digest: descriptor.digest,
                media_type: quoted(&descriptor.media_type),
                attachment,
                subject,
                bytes,
            }),
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    /// Gets what is under a tag, if anything is.
    async fn get_tag(&mut self, tag: &str) -> Option<Vec<u8>> {
        let name = format!("the tag {tag} at {}", self.session.host());
        let result = match self.session.url("manifests", tag) {
            Ok(url) => {
                let request = Request { url, accept: ACCEPT_MANIFESTS, part: Part::Whole };
                self.session.get_whole(&name, &request, &self.manifest_bounds()).await
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(answer) => Some(answer.bytes),
            Err(SourceError::NotFound { .. }) => None,
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    fn is_new(&mut self, pending: &Pending) -> bool {
        self.seen.insert((pending.descriptor.digest.clone(), pending.subject.clone()))
    }

    fn manifest_bounds(&self) -> Bounds {
        Bounds {
            limit: "manifest-bytes",
            maximum: self.options.limits.manifest_bytes,
            timeout: self.options.timeouts.request,
        }
    }

    fn count_broken(&mut self, broken: usize, subject: &Digest) {
        if broken > 0 {
            self.notes.push(format!("{broken} referrers of {subject} cannot be read"));
        }
    }

    fn leave_out(&mut self, digest: &Digest, attachment: Attachment, reason: &str) {
        self.notes.push(format!("{digest} ({}) is left out: {reason}", attachment.name()));
    }

    fn failed(&mut self, error: &SourceError) {
        self.notes.push(format!("failed to {error}"));
    }
}

/// Returns the tag under which clients keep the referrers of a manifest where the registry has no
/// list of its own (distribution-spec, "Referrers Tag Schema").
fn referrers_tag(subject: &Digest) -> String {
    let hex: String = subject.hex().chars().take(TAG_CHARS).collect();
    format!("{}-{hex}", subject.algorithm().name())
}

#[cfg(test)]
mod tests {
    use super::referrers_tag;

    #[test]
    fn a_tag_keeps_what_fits_of_a_digest() {
        let tag = |algorithm: &str, hex: &str| {
            referrers_tag(&format!("{algorithm}:{hex}").parse().expect("a digest"))
        };
        let hex = "0123456789abcdef".repeat(4);
        assert_eq!(tag("sha256", &hex), format!("sha256-{hex}"));
        assert_eq!(tag("sha512", &hex.repeat(2)), format!("sha512-{hex}"));
    }
}
