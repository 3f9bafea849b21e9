"""Attaches documents to images in a registry, as ORAS, BuildKit and Cosign do.

Formats: OCI image-spec (manifest.md, `subject`), distribution-spec ("Referrers Tag Schema"),
BuildKit's attestation storage, Cosign's tags, in-toto statements and DSSE envelopes.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from images.oci_builder import OCI_INDEX, OCI_MANIFEST, Blob, sha256_of_bytes
from images.registry import Pusher

CYCLONEDX = "application/vnd.cyclonedx+json"
SPDX = "application/spdx+json"
STATEMENT = "application/vnd.in-toto+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"


def statement(document: str, subject: str, kind: str = "https://spdx.dev/Document") -> str:
    """An in-toto statement that a document is about what has a digest."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": kind,
            "subject": [{"name": "_", "digest": {"sha256": subject.removeprefix("sha256:")}}],
            "predicate": json.loads(document),
        }
    )


def envelope(stated: str) -> str:
    """A DSSE envelope around a statement, with a signature that nothing can verify."""
    return json.dumps(
        {
            "payloadType": "application/vnd.in-toto+json",
            "payload": base64.b64encode(stated.encode()).decode(),
            "signatures": [{"sig": base64.b64encode(b"no signature").decode()}],
        }
    )


def tag_of(digest: str, suffix: str = "") -> str:
    """The tag that is made of a digest."""
    return digest.replace(":", "-") + suffix


@dataclass(frozen=True)
class Attacher:
    """Puts documents beside the images of one repository."""

    pusher: Pusher
    repository: str
    scratch: Path

    def artifact(self, document: str, media_type: str, subject: str | None, **of_layer) -> dict:
        """Pushes a document and a manifest whose subject is a digest; returns its descriptor."""
        named = {"subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}}
        content = {"artifactType": media_type, **(named if subject else {})}
        manifest = self._manifest([(document, media_type, of_layer)], content)
        self.pusher.push_manifest(self.repository, manifest.digest, manifest)
        return {**manifest.descriptor(), "artifactType": media_type}

    def referrers_tag(self, subject: str, descriptors: list):
        """Lists artifacts under the tag that stands in for the Referrers API."""
        content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors}
        self.pusher.push_manifest(
            self.repository, tag_of(subject), self._blob(json.dumps(content), OCI_INDEX)
        )

    def under_tag(self, tag: str, document: str, media_type: str):
        """Pushes a document with a manifest under a tag, as Cosign does."""
        manifest = self._manifest([(document, media_type, {})], {})
        self.pusher.push_manifest(self.repository, tag, manifest)

    def index_with_attestation(self, tag: str, image, document: str, kind: str) -> str:
        """Pushes an index of an image and of a manifest with an attestation of it, as BuildKit
        does; returns the index's digest."""
        annotations = {"in-toto.io/predicate-type": kind}
        attestation = self._manifest([(document, STATEMENT, {"annotations": annotations})], {})
        self.pusher.push_manifest(self.repository, attestation.digest, attestation)
        beside = {
            **attestation.descriptor(),
            "annotations": {
                "vnd.docker.reference.digest": image.manifest.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "platform": {"architecture": "unknown", "os": "unknown"},
        }
        content = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [image.descriptor(), beside],
        }
        index = self._blob(json.dumps(content), OCI_INDEX)
        self.pusher.push_manifest(self.repository, tag, index)
        return index.digest

    def _manifest(self, documents: list, content: dict) -> Blob:
        config = self._blob("{}", EMPTY)
        self.pusher.push_blob(self.repository, config)
        layers = []
        for document, media_type, fields in documents:
            blob = self._blob(document, media_type)
            self.pusher.push_blob(self.repository, blob)
            layers.append({**blob.descriptor(), **fields})
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config.descriptor(),
            "layers": layers,
            **content,
        }
        return self._blob(json.dumps(manifest), OCI_MANIFEST)

    def _blob(self, text: str, media_type: str) -> Blob:
        data = text.encode()
        digest = sha256_of_bytes(data)
        self.scratch.mkdir(parents=True, exist_ok=True)
        path = self.scratch / digest.removeprefix("sha256:")
        path.write_bytes(data)
        return Blob(path, digest, len(data), media_type)
