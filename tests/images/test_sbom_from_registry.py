"""`tallyman scan --sbom-from-registry`: what is attached to an image stands in for its layers.

The registry is a real one without the Referrers API; the API itself is a fake in front of it.
"""

import json
from dataclasses import dataclass

import pytest

from images.attachments import (
    CYCLONEDX,
    ENVELOPE,
    SPDX,
    STATEMENT,
    Attacher,
    envelope,
    statement,
    tag_of,
)
from images.oci_builder import Image, sha256_of_bytes, write_layout
from images.referrers_server import ReferrersServer
from images.registry import Pusher
from images.scan_report import ScanReport
from support import advisories
from support.fleet import python_distribution
from support.installation import Installation

USAGE, NOT_ANALYSED = 2, 3
REAL = {("iniconfig", "2.0.0")}
CLAIMED = {("urllib3", "1.24")}
CYCLONEDX_KIND = "https://cyclonedx.org/bom"


@pytest.fixture(scope="module")
def judging(tmp_path_factory) -> Installation:
    """An installation that knows a vulnerability of what a document claims; each test brings an
    image whose layers it has not seen."""
    directory = tmp_path_factory.mktemp("judging")
    made = Installation(directory / "data")
    records = [
        advisories.record("TALLY-1", "PyPI", "urllib3", fixed="99", aliases=("CVE-2026-1",)),
        *advisories.coverage(),
    ]
    made.import_advisories(advisories.write(directory / "advisories", records))
    return made


@pytest.fixture
def fresh(tmp_path) -> Installation:
    """An installation that has read no layer at all."""
    return Installation(tmp_path / "fresh")


@dataclass(frozen=True)
class Pushed:
    """An image in the registry, with what puts documents beside it."""

    reference: str
    image: Image
    attacher: Attacher
    registry: object

    @property
    def digest(self) -> str:
        return self.image.manifest.digest

    def attach(self, document: str, media_type: str = CYCLONEDX, subject: str = "") -> str:
        """Attaches a document by the referrers tag; returns the digest of its manifest."""
        artifact = self.attacher.artifact(document, media_type, subject or self.digest)
        self.attacher.referrers_tag(self.digest, [artifact])
        return artifact["digest"]

    def lose_layers(self):
        """Takes the layers away, so that nothing can be read of them."""
        for layer in self.image.layers:
            self.registry.stored_blob(layer.digest).unlink()


@pytest.fixture
def pushed(builder, anonymous_registry, tmp_path, request) -> Pushed:
    """An image of a Python package that no other test shares a byte of."""
    repository = "attached/" + sha256_of_bytes(request.node.name.encode())[-12:]
    layer = builder.layer(
        python_distribution("iniconfig", "2.0.0").file("etc/made-for", request.node.name)
    )
    image = builder.image([layer], labels={"made-for": request.node.name})
    pusher = Pusher(anonymous_registry.host)
    attacher = Attacher(pusher, repository, tmp_path / "documents")
    return Pushed(pusher.push(repository, "1", image), image, attacher, anonymous_registry)


@pytest.fixture
def written(pushed, tmp_path):
    """Writes a bill of materials of the image in a form, by the program itself."""
    layout = write_layout(tmp_path / "layout", {"app:1": pushed.image})

    def write(form: str = "cyclonedx") -> str:
        return Installation(tmp_path / "other").run("scan", layout, "--format", form).stdout

    return write


@pytest.fixture
def claiming() -> str:
    """A document that claims a package which the image does not hold."""
    component = {"type": "library", "name": "urllib3", "purl": "pkg:pypi/urllib3@1.24"}
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]})


def _scan(installation, reference, exit_code=0, *more):
    """Scans by what is attached; returns the report and what was said beside it."""
    outcome = installation.scan(reference, "--sbom-from-registry", *more).expect(exit_code)
    return outcome.json(), outcome.stderr


def _versions(report: dict) -> set:
    return ScanReport(report).versions("pypi")


def _fell_back(report: dict, *named: str):
    """Checks that the layers were read, and that the notes name what was not used."""
    assert _versions(report) == REAL
    assert "sbom" not in report
    text = "\n".join(report["notes"])
    assert "the layers were read" in report["notes"][-1]
    for name in named:
        assert name in text


def test_a_referrer_stands_in_for_the_layers(judging, fresh, pushed, written):
    artifact = pushed.attach(written())
    plain = judging.scan(pushed.reference).expect(0).json()
    pushed.lose_layers()
    report, said = _scan(fresh, pushed.reference)
    assert report["packages"] == plain["packages"]
    assert report["image"] == plain["image"]
    attached = report["sbom"]["attached"]
    assert attached["found_as"] == "referrers-tag"
    assert attached["subject"] == pushed.digest != artifact
    assert attached["media_type"] == CYCLONEDX
    assert attached["signature"] == "not-verified"
    assert report["sbom"]["specification"] == "CycloneDX 1.6"
    assert report["sbom"]["origin"] == attached["digest"]
    assert attached["digest"] in said and "signature was not verified" in said
    fresh.scan(pushed.reference).expect(NOT_ANALYSED)


def test_the_table_says_what_it_rests_on(judging, pushed, claiming):
    pushed.attach(claiming)
    shown = judging.run("scan", pushed.reference, "--sbom-from-registry").expect(0).stdout
    assert "as CycloneDX 1.6 says in sha256:" in shown
    assert f"attached to {pushed.digest} (referrers-tag); its signature was not verified" in shown
    assert "CVE-2026-1" in shown


@pytest.mark.parametrize("form, media_type", [("spdx", SPDX), ("spdx3", "text/spdx+json")])
def test_other_formats_are_read(judging, pushed, written, form, media_type):
    pushed.attach(written(form), media_type)
    pushed.lose_layers()
    report, _ = _scan(judging, pushed.reference)
    assert _versions(report) == REAL


def test_the_referrers_api_is_asked_page_by_page(judging, pushed, written, claiming):
    server = ReferrersServer(pushed.registry.host)
    try:
        other = pushed.attacher.artifact("{}", "application/vnd.cncf.notary.signature", pushed.digest)
        spdx = pushed.attacher.artifact(written("spdx"), SPDX, pushed.digest)
        ours = pushed.attacher.artifact(written(), CYCLONEDX, pushed.digest)
        server.referrers[pushed.digest] = [other, spdx, ours]
        # What is under the tag is not looked at where the API answers.
        pushed.attach(claiming)
        pushed.lose_layers()
        reference = pushed.reference.replace(pushed.registry.host, server.host)
        report, _ = _scan(judging, reference)
        assert _versions(report) == REAL
        assert report["sbom"]["attached"]["found_as"] == "referrer"
        assert report["sbom"]["specification"] == "CycloneDX 1.6"
        assert len([path for path in server.asked if "/referrers/" in path]) == 3
        assert not any(tag_of(pushed.digest) in path for path in server.asked)
    finally:
        server.stop()


def test_an_attestation_in_the_index_is_found(judging, pushed, written):
    stated = statement(written("spdx"), pushed.digest)
    kind = "https://spdx.dev/Document"
    index = pushed.attacher.index_with_attestation("multi", pushed.image, stated, kind)
    pushed.lose_layers()
    name = pushed.reference.rsplit(":", 1)[0]
    for reference in (f"{name}:multi", f"{name}@{index}"):
        report, _ = _scan(judging, reference)
        assert _versions(report) == REAL
        assert report["sbom"]["attached"]["found_as"] == "attestation-manifest"
        assert report["image"]["manifest_digest"] == pushed.digest


def test_all_platforms_of_an_index_have_their_attestations(judging, pushed, written):
    stated = statement(written("spdx"), pushed.digest)
    kind = "https://spdx.dev/Document"
    pushed.attacher.index_with_attestation("multi", pushed.image, stated, kind)
    pushed.lose_layers()
    reference = pushed.reference.rsplit(":", 1)[0] + ":multi"
    (report,), _ = _scan(judging, reference, 0, "--platform", "all")
    assert _versions(report) == REAL
    assert report["sbom"]["attached"]["found_as"] == "attestation-manifest"


def test_what_is_attached_to_the_index_is_found(judging, pushed, written):
    provenance = statement("{}", pushed.digest, "https://slsa.dev/provenance/v1")
    kind = "https://slsa.dev/provenance/v1"
    index = pushed.attacher.index_with_attestation("multi", pushed.image, provenance, kind)
    artifact = pushed.attacher.artifact(written(), CYCLONEDX, index)
    pushed.attacher.referrers_tag(index, [artifact])
    pushed.lose_layers()
    report, _ = _scan(judging, pushed.reference.rsplit(":", 1)[0] + ":multi")
    assert _versions(report) == REAL
    assert report["sbom"]["attached"]["subject"] == index
    assert len(report["notes"]) == 1


def test_the_tags_of_cosign_are_found(judging, pushed, written, claiming):
    stated = statement(written(), pushed.digest, CYCLONEDX_KIND)
    pushed.attacher.under_tag(tag_of(pushed.digest, ".sbom"), written("spdx"), "text/spdx+json")
    pushed.lose_layers()
    report, _ = _scan(judging, pushed.reference)
    assert (_versions(report), report["sbom"]["specification"]) == (REAL, "SPDX 2.3")
    assert report["sbom"]["attached"]["found_as"] == "sbom-tag"
    pushed.attacher.under_tag(tag_of(pushed.digest, ".att"), envelope(stated), ENVELOPE)
    report, _ = _scan(judging, pushed.reference)
    assert (_versions(report), report["sbom"]["specification"]) == (REAL, "CycloneDX 1.6")
    assert report["sbom"]["attached"]["found_as"] == "attestation-tag"


def test_fail_on_holds_for_what_is_attached(judging, pushed, claiming):
    pushed.attach(claiming)
    report, _ = _scan(judging, pushed.reference, 1, "--fail-on", "critical")
    assert _versions(report) == CLAIMED


def test_what_a_document_claims_is_not_kept_for_the_layers(judging, pushed, claiming):
    pushed.attach(claiming)
    report, _ = _scan(judging, pushed.reference)
    assert _versions(report) == CLAIMED
    assert _versions(judging.scan(pushed.reference).expect(0).json()) == REAL
    report, _ = _scan(judging, pushed.reference)
    assert _versions(report) == CLAIMED


def test_nothing_attached_means_the_layers(judging, pushed):
    report, said = _scan(judging, pushed.reference)
    _fell_back(report)
    assert len(report["notes"]) == 1
    assert report["notes"][0] in said


def test_a_referrer_of_another_subject_is_left_out(judging, pushed, claiming):
    other = "sha256:" + "0" * 64
    artifact = pushed.attach(claiming, subject=other)
    report, _ = _scan(judging, pushed.reference)
    _fell_back(report, artifact, f"its subject is {other}")


@pytest.mark.parametrize("place", ["referrer", "cosign", "index"])
def test_a_statement_about_something_else_is_left_out(judging, pushed, claiming, place):
    stated = statement(claiming, "sha256:" + "0" * 64, CYCLONEDX_KIND)
    reference = pushed.reference
    if place == "referrer":
        pushed.attach(stated, STATEMENT)
    elif place == "cosign":
        pushed.attacher.under_tag(tag_of(pushed.digest, ".att"), envelope(stated), ENVELOPE)
    else:
        pushed.attacher.index_with_attestation("multi", pushed.image, stated, CYCLONEDX_KIND)
        reference = pushed.reference.rsplit(":", 1)[0] + ":multi"
    report, _ = _scan(judging, reference)
    _fell_back(report, "its statement is about something else")


def test_an_attestation_that_names_no_subject_is_left_out(judging, pushed, claiming):
    pushed.attacher.under_tag(tag_of(pushed.digest, ".att"), claiming, CYCLONEDX)
    report, _ = _scan(judging, pushed.reference)
    _fell_back(report, "no statement says what it is about")


def test_a_document_for_another_platform_is_left_out(judging, pushed, claiming):
    document = json.loads(claiming)
    platform = {"name": "tallyman:image:platform", "value": "linux/s390x"}
    document["metadata"] = {"component": {"type": "container", "name": "a", "properties": [platform]}}
    pushed.attach(json.dumps(document))
    report, _ = _scan(judging, pushed.reference)
    _fell_back(report, "linux/s390x")


def test_bytes_that_the_digest_does_not_name_are_left_out(judging, pushed, claiming):
    pushed.attach(claiming)
    (document,) = [b for b in pushed.attacher.scratch.iterdir() if b.read_text() == claiming]
    stored = pushed.registry.stored_blob(f"sha256:{document.name}")
    kept = stored.read_bytes()
    stored.write_bytes(kept.replace(b"urllib3", b"urllib4"))
    try:
        report, _ = _scan(judging, pushed.reference)
        _fell_back(report, document.name, "its digest is")
    finally:
        # Another test attaches the same bytes.
        stored.write_bytes(kept)


def test_a_document_over_the_limit_is_left_out(judging, pushed, claiming):
    artifact = pushed.attacher.artifact(claiming, CYCLONEDX, pushed.digest, size=200 << 20)
    pushed.attacher.referrers_tag(pushed.digest, [artifact])
    report, _ = _scan(judging, pushed.reference)
    _fell_back(report, "sbom-bytes")


@pytest.mark.parametrize("text", ["{}", '{"bomFormat":"CycloneDX"', '{"bomFormat":"CycloneDX"}'])
def test_a_broken_document_is_named_and_never_clean(judging, fresh, pushed, text):
    pushed.attach(text)
    report, _ = _scan(judging, pushed.reference)
    _fell_back(report, "(referrers-tag) is left out: ")
    pushed.lose_layers()
    outcome = fresh.scan(pushed.reference, "--sbom-from-registry").expect(NOT_ANALYSED)
    assert pushed.reference in outcome.stderr


def test_a_good_document_is_used_where_others_are_not(judging, pushed, written, claiming):
    broken = pushed.attacher.artifact("{", CYCLONEDX, pushed.digest)
    unread = pushed.attacher.artifact("<bom/>", "application/vnd.cyclonedx+xml", pushed.digest)
    good = pushed.attacher.artifact(written("spdx"), SPDX, pushed.digest)
    pushed.attacher.referrers_tag(pushed.digest, [unread, broken, good])
    pushed.lose_layers()
    report, _ = _scan(judging, pushed.reference)
    assert _versions(report) == REAL
    assert "is left out: it cannot be read as JSON" in report["notes"][0]


@pytest.mark.parametrize("prefix", ["oci:", "docker-archive:", "dir:", "sbom:", "containerd:"])
def test_other_sources_are_refused(judging, tmp_path, prefix):
    outcome = judging.run("scan", f"{prefix}{tmp_path}", "--sbom-from-registry").expect(USAGE)
    assert "--sbom-from-registry is for images of a registry" in outcome.stderr


def test_it_does_not_go_with_queue(judging):
    outcome = judging.run("scan", "localhost:1/a", "--sbom-from-registry", "--queue").expect(USAGE)
    assert "--queue" in outcome.stderr
