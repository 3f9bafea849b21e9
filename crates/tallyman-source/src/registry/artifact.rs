//! Artifacts that are attached to an image, as they are written: a list of referrers
//! (distribution-spec, "Listing Referrers"), a manifest with a subject (image-spec, manifest.md),
//! and which media types bills of materials and VEX documents may have. Parsing only: fetching is done in `attached`.

use serde::Deserialize;
use serde_json::value::RawValue;
use tallyman_model::digest::Digest;

use crate::document::{Descriptor, json};
use crate::error::SourceError;

/// What is looked for among what is attached to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Bills of materials.
    Sboms,
    /// VEX documents.
    Vex,
}

impl Wanted {
    /// Returns what the predicates begin with that may be it.
    fn predicates(self) -> &'static [&'static str] {
        match self {
            Wanted::Sboms => &SBOM_PREDICATES,
            Wanted::Vex => &VEX_PREDICATES,
        }
    }
}

/// What a thing may hold, by its media type, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    CycloneDx,
    Spdx,
    /// A bill of materials of a format that the media type does not name.
    Sbom,
    /// A VEX document of a format that the media type names or not.
    Vex,
    /// An in-toto statement.
    Statement,
    /// A statement in a DSSE envelope or in a Sigstore bundle.
    Envelope,
    /// Only its content can tell.
    Unknown,
    /// A bill of materials in a form that is not read.
    Unread,
    /// Something that is known to be no bill of materials.
    Other,
}

impl Holds {
    /// Judges a media type. Those of CycloneDX and SPDX are registered with IANA; the others are
    /// Cosign's (SBOM_SPEC.md, BUNDLE_SPEC.md), in-toto's and BuildKit's.
    pub(super) fn of(media_type: &str) -> Holds {
        let plain = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match plain.as_str() {
            "application/vnd.cyclonedx+xml"
            | "application/vnd.syft"
            | "application/vnd.syft+json"
            | "text/spdx"
            | "text/spdx+xml" => Holds::Unread,
            it if it.contains("cyclonedx") => Holds::CycloneDx,
            it if it.contains("spdx") => Holds::Spdx,
            it if it.contains("sbom") => Holds::Sbom,
            it if it.contains("vex") || it.contains("csaf") => Holds::Vex,
            it if it.starts_with("application/vnd.in-toto") => Holds::Statement,
            it if it.starts_with("application/vnd.dsse.envelope") => Holds::Envelope,
            it if it.starts_with("application/vnd.dev.sigstore.bundle") => Holds::Envelope,
            it if it.contains("signature") || it.contains(".sig.") => Holds::Other,
            _ => Holds::Unknown,
        }
    }

    /// Judges a descriptor, by its annotations too: an attestation can be about anything.
    fn of_descriptor(descriptor: &Descriptor, media_type: &str, wanted: Wanted) -> Holds {
        let annotation = |name: &str| descriptor.annotations.as_ref()?.get(name);
        let is_other = PREDICATE_ANNOTATIONS.iter().any(|name| {
            annotation(name)
                .is_some_and(|it| !wanted.predicates().iter().any(|p| it.starts_with(p)))
        });
        let is_signature =
            annotation(BUNDLE_CONTENT).is_some_and(|content| content == "message-signature");
        if is_other || is_signature {
            Holds::Other
        } else {
            Holds::of(media_type).for_those_who_want(wanted)
        }
    }

    /// Tells what is something else than what is looked for.
    fn for_those_who_want(self, wanted: Wanted) -> Holds {
        match (wanted, self) {
            (Wanted::Sboms, Holds::Vex) => Holds::Other,
            (Wanted::Vex, Holds::Spdx | Holds::Sbom | Holds::Unread) => Holds::Other,
            (Wanted::Sboms | Wanted::Vex, holds) => holds,
        }
    }
}

/// The annotations that name what an attestation is about: BuildKit's, Cosign's old and its new.
const PREDICATE_ANNOTATIONS: [&str; 3] =
    ["in-toto.io/predicate-type", "predicateType", "dev.sigstore.bundle.predicateType"];
/// What the predicates begin with that may be a bill of materials.
const SBOM_PREDICATES: [&str; 3] = [
    "https://spdx.dev/Document",
    "https://cyclonedx.org/bom",
    "https://cosign.sigstore.dev/attestation/",
];
/// What the predicates begin with that may be a VEX document: CycloneDX' are those of its bills of
/// materials.
const VEX_PREDICATES: [&str; 4] = [
    "https://openvex.dev/ns",
    "https://cyclonedx.org/",
    "https://docs.oasis-open.org/csaf",
    "https://cosign.sigstore.dev/attestation/",
];
const BUNDLE_CONTENT: &str = "dev.sigstore.bundle.content";
/// Which part of the image a document is about (Cosign, SBOM_SPEC.md, "Scopes").
const SCOPE: &str = "dev.sigstore.sbom.scope";

/// An entry of a list of referrers.
#[derive(Clone, Debug)]
pub(super) struct Referrer {
    pub(super) holds: Holds,
    pub(super) descriptor: Descriptor,
}

#[derive(Deserialize)]
struct RawList<'a> {
    #[serde(borrow)]
    manifests: Vec<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct ArtifactType {
    #[serde(default, rename = "artifactType")]
    artifact_type: Option<String>,
}

/// Reads a list of referrers; returns its entries, and how many of them cannot be read.
pub(super) fn read_referrers(
    subject: &str,
    bytes: &[u8],
    wanted: Wanted,
) -> Result<(Vec<Referrer>, usize), SourceError> {
    let list: RawList<'_> = json(subject, bytes)?;
    let entries = list.manifests.len();
    // One entry that is broken, or has a digest of another kind, must not hide the others.
    let read = |raw: &RawValue| {
        let mut descriptor: Descriptor = serde_json::from_str(raw.get()).ok()?;
        let named: ArtifactType = serde_json::from_str(raw.get()).unwrap_or_default();
        let artifact_type = named.artifact_type.unwrap_or_default();
        let holds = Holds::of_descriptor(&descriptor, &artifact_type, wanted);
        // There can be thousands, and nothing else of them is looked at.
        descriptor.annotations = None;
        descriptor.urls = None;
        Some(Referrer { holds, descriptor })
    };
    let referrers: Vec<Referrer> = list.manifests.into_iter().filter_map(read).collect();
    let broken = entries - referrers.len();
    Ok((referrers, broken))
}

/// A manifest of an artifact.
#[derive(Debug)]
pub(super) struct Artifact {
    /// What it says that it is attached to.
    pub(super) subject: Option<Digest>,
    /// What it holds, in the order in which it is looked at.
    pub(super) documents: Vec<ArtifactDocument>,
}

/// A part of an artifact.
#[derive(Debug)]
pub(super) struct ArtifactDocument {
    pub(super) holds: Holds,
    pub(super) descriptor: Descriptor,
}

impl ArtifactDocument {
    /// Returns the part of the image that it is about, if that is not the whole.
    pub(super) fn scope(&self) -> Option<&str> {
        let scope = self.descriptor.annotations.as_ref()?.get(SCOPE)?;
        (scope != "all" && !scope.is_empty()).then_some(scope)
    }
}

#[derive(Deserialize)]
struct RawArtifact {
    #[serde(default, rename = "artifactType")]
    artifact_type: Option<String>,
    #[serde(default)]
    subject: Option<Subject>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
struct Subject {
    digest: Digest,
}

/// Reads the manifest of an artifact.
pub(super) fn read_artifact(
    subject: &str,
    bytes: &[u8],
    wanted: Wanted,
) -> Result<Artifact, SourceError> {
    let raw: RawArtifact = json(subject, bytes)?;
    let artifact_type = raw.artifact_type.unwrap_or_default();
    let mut documents: Vec<ArtifactDocument> = raw
        .layers
        .unwrap_or_default()
        .into_iter()
        .map(|descriptor| {
            // ORAS gives a file no media type of its own unless it is told one.
            let holds = match Holds::of_descriptor(&descriptor, &descriptor.media_type, wanted) {
                Holds::Unknown => Holds::of(&artifact_type).for_those_who_want(wanted),
                known => known,
            };
            ArtifactDocument { holds, descriptor }
        })
        .filter(|document| !matches!(document.holds, Holds::Unknown | Holds::Other))
        .collect();
    documents.sort_by_key(|document| document.holds);
    Ok(Artifact { subject: raw.subject.map(|subject| subject.digest), documents })
}

#[cfg(test)]
mod tests {
    use super::{Holds, Wanted, read_artifact, read_referrers};

    const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    #[test]
    fn media_types_say_what_a_thing_may_hold() {
        for (media_type, expected) in [
            ("application/vnd.cyclonedx+json", Holds::CycloneDx),
            ("application/vnd.cyclonedx+json; version=1.6", Holds::CycloneDx),
            ("application/vnd.aquasecurity.trivy.report.cyclonedx.v1", Holds::CycloneDx),
            ("application/spdx+json", Holds::Spdx),
            ("text/spdx+json", Holds::Spdx),
            ("application/vnd.dev.cosign.artifact.sbom.v1+json", Holds::Sbom),
            ("application/vnd.openvex+json", Holds::Vex),
            ("application/csaf+json", Holds::Vex),
            ("application/vnd.in-toto+json", Holds::Statement),
            ("application/vnd.dsse.envelope.v1+json", Holds::Envelope),
            ("application/vnd.dev.sigstore.bundle.v0.3+json", Holds::Envelope),
            ("application/vnd.dev.sigstore.bundle+json;version=0.2", Holds::Envelope),
            ("application/json", Holds::Unknown),
            ("", Holds::Unknown),
            ("application/vnd.cyclonedx+xml", Holds::Unread),
            ("text/spdx", Holds::Unread),
            ("application/vnd.syft+json", Holds::Unread),
            ("application/vnd.cncf.notary.signature", Holds::Other),
            ("application/vnd.dev.cosign.artifact.sig.v1+json", Holds::Other),
        ] {
            assert_eq!(Holds::of(media_type), expected, "{media_type}");
        }
    }

    #[test]
    fn annotations_tell_attestations_about_something_else() {
        let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
        for (annotation, expected) in [
            (
                r#""dev.sigstore.bundle.predicateType":"https://slsa.dev/provenance/v1""#,
                Holds::Other,
            ),
            (r#""dev.sigstore.bundle.content":"message-signature""#, Holds::Other),
            (r#""dev.sigstore.bundle.content":"dsse-envelope""#, Holds::Envelope),
            (r#""predicateType":"https://cyclonedx.org/bom""#, Holds::Envelope),
            (r#""in-toto.io/predicate-type":"https://spdx.dev/Document/v2.3""#, Holds::Envelope),
        ] {
            let list = format!(
                r#"{{"manifests":[{{"digest":"{DIGEST}","size":1,"artifactType":"{bundle}",
                "annotations":{{{annotation}}}}}]}}"#
            );
            let (found, broken) =
                read_referrers("a list", list.as_bytes(), Wanted::Sboms).expect("a list");
            assert_eq!((found[0].holds, broken), (expected, 0), "{annotation}");
        }
    }

    #[test]
    fn a_broken_entry_does_not_hide_the_others() {
        let list = format!(
            r#"{{"manifests":[{{"digest":"md5:1","size":1}},{{"digest":"{DIGEST}","size":1}},7]}}"#
        );
        let (found, broken) =
            read_referrers("a list", list.as_bytes(), Wanted::Sboms).expect("a list");
        assert_eq!((found.len(), broken), (1, 2));
        for no_list in ["", "[]", "{}", r#"{"manifests":{}}"#] {
            assert!(
                read_referrers("a list", no_list.as_bytes(), Wanted::Sboms).is_err(),
                "{no_list}"
            );
        }
    }

    #[test]
    fn a_file_without_a_type_of_its_own_has_that_of_its_artifact() {
        let artifact = |artifact_type: &str, layer: &str| {
            let text = format!(
                r#"{{"artifactType":"{artifact_type}","subject":{{"digest":"{DIGEST}"}},
                "layers":[{{"mediaType":"{layer}","digest":"{DIGEST}","size":1}}]}}"#
            );
            let read =
                read_artifact("an artifact", text.as_bytes(), Wanted::Sboms).expect("an artifact");
            assert_eq!(read.subject.map(|it| it.to_string()).as_deref(), Some(DIGEST));
            read.documents.first().map(|document| document.holds)
        };
        let tar = "application/vnd.oci.image.layer.v1.tar";
        assert_eq!(artifact("application/spdx+json", tar), Some(Holds::Spdx));
        assert_eq!(artifact("application/spdx+json", "text/spdx"), Some(Holds::Unread));
        assert_eq!(artifact("application/vnd.example", tar), None);
        assert_eq!(artifact("application/vnd.example", "text/spdx+json"), Some(Holds::Spdx));
    }

    #[test]
    fn who_looks_for_statements_on_vulnerabilities_gets_no_bill_of_materials() {
        let kinds = |media_type: &str, annotation: &str| {
            let list = format!(
                r#"{{"manifests":[{{"digest":"{DIGEST}","size":1,"artifactType":"{media_type}",
                "annotations":{{{annotation}}}}}]}}"#
            );
            [Wanted::Sboms, Wanted::Vex].map(|wanted| {
                read_referrers("a list", list.as_bytes(), wanted).expect("a list").0[0].holds
            })
        };
        let vex = [Holds::Other, Holds::Vex];
        assert_eq!(kinds("application/vnd.openvex+json", ""), vex);
        assert_eq!(kinds("application/spdx+json", ""), [Holds::Spdx, Holds::Other]);
        assert_eq!(kinds("application/vnd.cyclonedx+json", ""), [Holds::CycloneDx; 2]);
        let predicate = r#""predicateType":"https://openvex.dev/ns/v0.2.0""#;
        let statement = "application/vnd.in-toto+json";
        assert_eq!(kinds(statement, predicate), [Holds::Other, Holds::Statement]);
    }
}
