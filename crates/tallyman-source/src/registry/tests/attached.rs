//! What is attached to an image: where it is looked for, in which order, and what is left out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tallyman_model::digest::Digest;
use tallyman_model::platform::Platform;

use super::fake::{Fake, Reply, ok, options, parts, sha, status};
use crate::fixtures::write_layout;
use crate::listing::{Choice, Platforms};
use crate::location::Location;
use crate::media_type::{OCI_INDEX, OCI_MANIFEST};
use crate::open::{OpenImage, Sources, open};
use crate::options::SourceOptions;
use crate::registry::attached::Attachment;

const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
const SPDX: &str = "application/spdx+json";
const STATEMENT: &str = "application/vnd.in-toto+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const SIGNATURE: &str = "application/vnd.cncf.notary.signature";

/// A registry with an image under `app:v1`, and whatever is put beside it.
#[derive(Default)]
struct Shelf {
    /// Bodies by what the path ends with.
    bodies: HashMap<String, Vec<u8>>,
    links: HashMap<String, String>,
    image: Vec<u8>,
}

impl Shelf {
    fn with_image() -> Self {
        let mut shelf = Shelf::default();
        let image = parts();
        shelf.blob(image.config);
        shelf.image = image.manifest.clone();
        shelf.manifest(image.manifest.clone());
        shelf.put("/manifests/v1", image.manifest);
        shelf
    }

    fn image(&self) -> Digest {
        sha(&self.image)
    }

    fn put(&mut self, path: &str, body: impl Into<Vec<u8>>) {
        self.bodies.insert(path.to_owned(), body.into());
    }

    fn blob(&mut self, bytes: impl Into<Vec<u8>>) -> Digest {
        let bytes = bytes.into();
        let digest = sha(&bytes);
        self.put(&format!("/blobs/{digest}"), bytes);
        digest
    }

    fn manifest(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = sha(&bytes);
        self.put(&format!("/manifests/{digest}"), bytes);
        digest
    }

    /// Puts a document and the manifest of an artifact with it there; returns the descriptor that
    /// a list of referrers has for it.
    fn artifact(&mut self, media_type: &str, document: &str, subject: Option<&Digest>) -> Value {
        let layer = self.layer(media_type, document);
        let subject = subject.map(|digest| json!({ "digest": digest.to_string(), "size": 1 }));
        self.artifact_of(&json!({ "artifactType": media_type, "subject": subject,
            "layers": [layer] }))
    }

    fn layer(&mut self, media_type: &str, document: &str) -> Value {
        let digest = self.blob(document);
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": document.len() })
    }

    fn artifact_of(&mut self, manifest: &Value) -> Value {
        let bytes = manifest.to_string().into_bytes();
        let size = bytes.len();
        let digest = self.manifest(bytes);
        json!({ "mediaType": OCI_MANIFEST, "digest": digest.to_string(), "size": size,
            "artifactType": manifest["artifactType"] })
    }

    fn referrers(&mut self, subject: &Digest, entries: &[Value]) {
        self.put(&format!("/referrers/{subject}"), list(entries));
    }

    async fn serve(self) -> Fake {
        Fake::start(move |seen| {
            let found = self.bodies.iter().find(|(path, _)| seen.path.ends_with(path.as_str()));
            let Some((path, body)) = found else { return status(404, &[]) };
            let link = self.links.get(path).map(|link| ("link".to_owned(), link.clone()));
            Reply::Full(200, link.into_iter().collect(), body.clone())
        })
        .await
    }
}

fn list(entries: &[Value]) -> String {
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries }).to_string()
}

/// Finds everything: how it is attached and its content, and the notes.
async fn found(fake: &Fake) -> (Vec<(Attachment, String)>, Vec<String>) {
    found_with(fake, &options()).await
}

async fn found_with(
    fake: &Fake,
    options: &SourceOptions,
) -> (Vec<(Attachment, String)>, Vec<String>) {
    found_of(&open(&fake.location("app:v1"), options).await.expect("an image")).await
}

async fn found_of(image: &OpenImage) -> (Vec<(Attachment, String)>, Vec<String>) {
    let mut search = image.attached_sboms().expect("a registry");
    let mut found = Vec::new();
    while let Some(document) = search.next().await {
        let text = String::from_utf8(document.bytes).expect("text");
        assert_eq!(document.digest, sha(text.as_bytes()));
        assert!(search.subjects().contains(&document.subject));
        found.push((document.attachment, text));
    }
    (found, search.into_notes())
}

#[tokio::test]
async fn referrers_are_found_by_the_api_in_the_order_of_their_types() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let entries = [
        shelf.artifact(SIGNATURE, "signature", Some(&image)),
        shelf.artifact(ENVELOPE, "envelope", Some(&image)),
        shelf.artifact("application/vnd.example", "example", Some(&image)),
        shelf.artifact(STATEMENT, "statement", Some(&image)),
        shelf.artifact(SPDX, "spdx 1", Some(&image)),
        shelf.artifact(CYCLONEDX, "cyclonedx", Some(&image)),
        shelf.artifact(SPDX, "spdx 2", Some(&image)),
    ];
    shelf.referrers(&image, &entries);
    let fake = shelf.serve().await;
    let (documents, notes) = found(&fake).await;
    let expected = ["cyclonedx", "spdx 1", "spdx 2", "statement", "envelope"];
    assert_eq!(documents, expected.map(|text| (Attachment::Referrer, text.to_owned())));
    assert_eq!(notes, [""; 0]);
    let signature = entries[0]["digest"].as_str().expect("a digest");
    assert_eq!(fake.count(signature), 0);
    assert_eq!(fake.count(&format!("manifests/sha256-{}", image.hex())), 2, "the two of Cosign");
}

#[tokio::test]
async fn a_list_in_several_parts_is_read_to_its_end() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let (first, second) = (
        shelf.artifact(SPDX, "on the first", Some(&image)),
        shelf.artifact(CYCLONEDX, "on the second", Some(&image)),
    );
    shelf.referrers(&image, &[first]);
    let next = format!("/v2/app/referrers/{image}?last=x");
    shelf.put(&format!("/referrers/{image}?last=x"), list(&[second]));
    shelf.links.insert(format!("/referrers/{image}"), format!("<{next}>; rel=\"next\""));
    let (documents, notes) = found(&shelf.serve().await).await;
    let texts: Vec<&str> = documents.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!((texts, notes.len()), (vec!["on the second", "on the first"], 0));
}

#[tokio::test]
async fn a_list_does_not_go_on_elsewhere_or_without_end() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let entry = shelf.artifact(SPDX, "spdx", Some(&image));
    shelf.referrers(&image, &[entry]);
    let path = format!("/referrers/{image}");
    shelf.links.insert(path.clone(), "<http://127.0.0.1:1/v2/next>; rel=\"next\"".to_owned());
    let (documents, notes) = found(&shelf.serve().await).await;
    assert_eq!(documents.len(), 1);
    assert!(notes.len() == 1 && notes[0].contains("not on this registry"), "{notes:?}");

    let mut shelf = Shelf::with_image();
    shelf.referrers(&image, &[]);
    shelf.links.insert(path.clone(), format!("</v2/app{path}>; rel=\"next\""));
    let fake = shelf.serve().await;
    let (documents, notes) = found(&fake).await;
    assert_eq!((documents.len(), fake.count(&path)), (0, 50));
    assert!(notes.len() == 1 && notes[0].contains("parts of a list"), "{notes:?}");
}

#[tokio::test]
async fn a_registry_without_the_api_is_asked_for_the_tag() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let entry = shelf.artifact(CYCLONEDX, "cyclonedx", Some(&image));
    shelf.put(&format!("/manifests/sha256-{}", image.hex()), list(&[entry]));
    let (documents, notes) = found(&shelf.serve().await).await;
    assert_eq!(documents, [(Attachment::ReferrersTag, "cyclonedx".to_owned())]);
    assert_eq!(notes, [""; 0]);
}

#[tokio::test]
async fn a_failing_api_is_noted_and_the_tag_is_asked_for() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let entry = shelf.artifact(CYCLONEDX, "cyclonedx", Some(&image));
    shelf.put(&format!("/manifests/sha256-{}", image.hex()), list(&[entry]));
    shelf.referrers(&image, &[]);
    shelf.put(&format!("/referrers/{image}"), "<html>");
    let (documents, notes) = found(&shelf.serve().await).await;
    assert_eq!(documents, [(Attachment::ReferrersTag, "cyclonedx".to_owned())]);
    assert!(notes.len() == 1 && notes[0].starts_with("failed to parse the referrers"), "{notes:?}");
}

#[tokio::test]
async fn nothing_attached_is_no_note() {
    let fake = Shelf::with_image().serve().await;
    let (documents, notes) = found(&fake).await;
    assert_eq!((documents.len(), notes.len()), (0, 0));
    assert_eq!(fake.count("/v2/app/"), 2 + 4);
}

#[tokio::test]
async fn what_has_another_subject_or_none_is_left_out_by_name() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let other = sha(b"another image");
    let entries = [
        shelf.artifact(CYCLONEDX, "of another image", Some(&other)),
        shelf.artifact(CYCLONEDX, "of no image", None),
        shelf.artifact(SPDX, "of the image", Some(&image)),
    ];
    shelf.referrers(&image, &entries);
    let (documents, notes) = found(&shelf.serve().await).await;
    assert_eq!(documents, [(Attachment::Referrer, "of the image".to_owned())]);
    let named = |at: usize, reason: &str| {
        let digest = entries[at]["digest"].as_str().expect("a digest");
        format!("{digest} (referrer) is left out: {reason}")
    };
    let expected = [named(0, &format!("its subject is {other}")), named(1, "it names no subject")];
    assert_eq!(notes, expected);
}

#[tokio::test]
async fn an_index_leads_to_its_attestations_and_to_its_own_referrers() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let (host, other) = (Platform::host(), sha(b"another platform"));
    let predicate = |layer: &mut Value, kind: &str| {
        layer["annotations"] = json!({ "in-toto.io/predicate-type": kind });
    };
    let mut of_image = shelf.layer(STATEMENT, "statement");
    predicate(&mut of_image, "https://spdx.dev/Document");
    let mut provenance = shelf.layer(STATEMENT, "provenance");
    predicate(&mut provenance, "https://slsa.dev/provenance/v1");
    let mut attestation = |layers: Value, subject: &Digest| {
        let mut entry = shelf.artifact_of(&json!({ "layers": layers }));
        entry["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        entry["annotations"] = json!({ "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject.to_string() });
        entry
    };
    let ours = attestation(json!([provenance, of_image]), &image);
    let theirs = attestation(
        json!([{ "mediaType": STATEMENT, "digest": other.to_string(),
        "size": 1 }]),
        &other,
    );
    let entry = json!({ "mediaType": OCI_MANIFEST, "digest": image.to_string(),
        "size": shelf.image.len(),
        "platform": { "os": host.os, "architecture": host.architecture } });
    let index = list(&[entry, theirs.clone(), ours]);
    let root = sha(index.as_bytes());
    shelf.manifest(index.clone().into_bytes());
    shelf.put("/manifests/v1", index);
    let of_index = shelf.artifact(CYCLONEDX, "of the index", Some(&root));
    shelf.referrers(&image, &[]);
    shelf.referrers(&root, &[of_index]);
    let fake = shelf.serve().await;
    let (documents, notes) = found(&fake).await;
    let expected = [
        (Attachment::AttestationManifest, "statement".to_owned()),
        (Attachment::Referrer, "of the index".to_owned()),
    ];
    assert_eq!((documents, notes.len()), (expected.to_vec(), 0));
    // One of all platforms is opened by its own digest, and is still one of the index.
    let sources = Sources::new(options()).expect("sources");
    let all = Choice { platforms: Platforms::All, ..Choice::default() };
    let targets = sources.list(&fake.location("app:v1"), all).await.expect("a list");
    let listed = sources.open_target(&targets[0]).await.expect("an image");
    assert_eq!(listed.registry_facts().expect("a registry").digest, image);
    assert_eq!(found_of(&listed).await, (expected.to_vec(), Vec::new()));
    assert_eq!(fake.count(theirs["digest"].as_str().expect("a digest")), 0);
    assert!(Attachment::AttestationManifest.needs_statement());
}

#[tokio::test]
async fn the_tags_of_cosign_are_looked_at_last() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    for (suffix, media_type, document) in
        [("att", ENVELOPE, "envelope"), ("sbom", "text/spdx+json", "document")]
    {
        let layer = shelf.layer(media_type, document);
        let manifest = json!({ "schemaVersion": 2, "layers": [layer] }).to_string();
        shelf.put(&format!("/manifests/sha256-{}.{suffix}", image.hex()), manifest);
    }
    let (documents, notes) = found(&shelf.serve().await).await;
    let expected = [
        (Attachment::AttestationTag, "envelope".to_owned()),
        (Attachment::SbomTag, "document".to_owned()),
    ];
    assert_eq!((documents, notes.len()), (expected.to_vec(), 0));
}

#[tokio::test]
async fn documents_are_verified_and_limited() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let entries = [
        shelf.artifact(CYCLONEDX, "forged", Some(&image)),
        shelf.artifact(CYCLONEDX, "much too large", Some(&image)),
        shelf.artifact(CYCLONEDX, "missing", Some(&image)),
        shelf.artifact(SPDX, "good", Some(&image)),
    ];
    shelf.referrers(&image, &entries);
    shelf.put(&format!("/blobs/{}", sha(b"forged")), "FORGED");
    shelf.bodies.remove(&format!("/blobs/{}", sha(b"missing")));
    let fake = shelf.serve().await;
    let mut options = options();
    options.limits.sbom_bytes = 10;
    let (documents, notes) = found_with(&fake, &options).await;
    assert_eq!(documents, [(Attachment::Referrer, "good".to_owned())]);
    let large = sha(b"much too large");
    assert_eq!((notes.len(), fake.count(large.hex())), (3, 0), "{notes:?}");
    assert!(notes[0].contains(sha(b"forged").hex()) && notes[0].contains("digest"), "{notes:?}");
    assert!(notes[1].contains(large.hex()) && notes[1].contains("sbom-bytes"), "{notes:?}");
    assert!(notes[2].contains(sha(b"missing").hex()), "{notes:?}");
}

#[tokio::test]
async fn a_part_of_the_image_and_a_form_that_is_not_read_are_named() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let mut part = shelf.layer(SPDX, "a part");
    part["annotations"] = json!({ "dev.sigstore.sbom.scope": "path=/app" });
    let xml = shelf.layer("application/vnd.cyclonedx+xml", "<bom/>");
    let entry = shelf.artifact_of(&json!({ "layers": [part, xml],
        "subject": { "digest": image.to_string() } }));
    shelf.referrers(&image, &[entry]);
    let (documents, notes) = found(&shelf.serve().await).await;
    assert_eq!((documents.len(), notes.len()), (0, 2), "{notes:?}");
    assert!(notes[0].ends_with("it is about a part of the image: path=/app"), "{notes:?}");
    assert!(notes[1].ends_with("application/vnd.cyclonedx+xml is not read"), "{notes:?}");
}

#[tokio::test]
async fn the_number_of_what_is_fetched_is_limited() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let entries: Vec<Value> =
        (0..60).map(|n| shelf.artifact(SPDX, &n.to_string(), Some(&image))).collect();
    shelf.referrers(&image, &entries);
    let layers: Vec<Value> = (0..30).map(|n| shelf.layer(SPDX, &format!("of one {n}"))).collect();
    let many = shelf.artifact_of(&json!({ "artifactType": CYCLONEDX, "layers": layers,
        "subject": { "digest": image.to_string() } }));
    let (first, rest) = entries.split_at(1);
    let all: Vec<Value> = [first, &[many], rest].concat();
    shelf.referrers(&image, &all);
    let fake = shelf.serve().await;
    let (documents, notes) = found(&fake).await;
    assert_eq!((documents.len(), fake.count("/blobs/")), (20, 20 + 1));
    assert_eq!(notes[0], "10 documents were not looked at: no more than 20 are");
    assert_eq!(
        notes.last().map(String::as_str),
        Some("11 artifacts were not looked at: no more than 50 are")
    );
}

#[tokio::test]
async fn credentials_go_to_the_registry_for_lists_as_well() {
    let mut shelf = Shelf::with_image();
    let image = shelf.image();
    let entry = shelf.artifact(SPDX, "spdx", Some(&image));
    shelf.referrers(&image, &[entry]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let fake = Fake::start(move |seen| {
        if seen.header("authorization").is_empty() {
            return status(401, &[("www-authenticate", "Basic realm=\"r\"")]);
        }
        log.lock().expect("not poisoned").push(seen.path.clone());
        let found = shelf.bodies.iter().find(|(path, _)| seen.path.ends_with(path.as_str()));
        found.map_or_else(|| status(404, &[]), |(_, body)| ok(body.clone()))
    })
    .await;
    let options = super::fake::with_credentials(&format!("127.0.0.1:{}", fake.port));
    let (documents, notes) = found_with(&fake, &options).await;
    assert_eq!((documents.len(), notes.len()), (1, 0), "{notes:?}");
    let asked = asked.lock().expect("not poisoned");
    assert!(asked.iter().any(|path| path.contains("/referrers/")), "{asked:?}");
}

#[tokio::test]
async fn an_image_of_no_registry_has_nothing_attached() {
    let directory = tempfile::TempDir::new().expect("a directory");
    write_layout(directory.path(), "v1");
    let location = Location::OciLayout { path: directory.path().to_owned(), reference: None };
    let image = open(&location, &options()).await.expect("an image");
    assert!(image.attached_sboms().is_none());
}
