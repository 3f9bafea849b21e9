"""`tallyman scan --vex-from-registry`: statements that are attached to an image beside it."""

import json

import pytest

from images.attachments import ENVELOPE, Attacher, envelope, statement, tag_of
from images.oci_builder import sha256_of_bytes
from images.referrers_server import ReferrersServer
from images.registry import Pusher
from support import advisories
from support.fleet import python_distribution
from support.installation import Installation

USAGE = 2
OPENVEX = "application/vnd.openvex+json"
PREDICATE = "https://openvex.dev/ns/v0.2.0"
CVE = "CVE-2026-1"


@pytest.fixture(scope="module")
def judging(tmp_path_factory) -> Installation:
    """An installation that knows a vulnerability of what the images hold."""
    directory = tmp_path_factory.mktemp("judging")
    made = Installation(directory / "data")
    records = [
        advisories.record("TALLY-1", "PyPI", "quayside", fixed="99", aliases=(CVE,)),
        *advisories.coverage(),
    ]
    made.import_advisories(advisories.write(directory / "advisories", records))
    return made


@pytest.fixture
def pushed(builder, anonymous_registry, tmp_path, request):
    """An image that no other test shares a byte of: its reference, digest and what attaches."""
    repository = "vexed/" + sha256_of_bytes(request.node.name.encode())[-12:]
    layer = builder.layer(
        python_distribution("quayside", "1.4").file("etc/made-for", request.node.name)
    )
    image = builder.image([layer], labels={"made-for": request.node.name})
    pusher = Pusher(anonymous_registry.host)
    reference = pusher.push(repository, "1", image)
    return reference, image.manifest.digest, Attacher(pusher, repository, tmp_path / "documents")


def _vex(digest: str, status: str = "not_affected") -> str:
    product = {
        "@id": f"pkg:oci/app@{digest}",
        "subcomponents": [{"@id": "pkg:pypi/quayside@1.4"}],
    }
    return json.dumps(
        {
            "@context": PREDICATE,
            "@id": "https://example.test/attached",
            "author": "Ada",
            "timestamp": "2026-01-01T00:00:00Z",
            "version": 1,
            "statements": [
                {
                    "vulnerability": {"name": CVE},
                    "products": [product],
                    "status": status,
                    "impact_statement": "never called",
                }
            ],
        }
    )


def _state(judging, reference: str) -> tuple:
    report = judging.scan(reference, "--vex-from-registry").expect(0).json()
    (found,) = [one for package in report["packages"] for one in package["findings"]]
    return found["state"], "\n".join(report.get("notes", []))


def test_an_image_without_any_is_judged_as_ever(judging, pushed):
    reference, _, _ = pushed
    assert _state(judging, reference) == ("open", "")


def test_a_referrer_by_the_tag_is_applied(judging, pushed):
    reference, digest, attacher = pushed
    document = _vex(digest)
    attacher.referrers_tag(digest, [attacher.artifact(document, OPENVEX, digest)])
    state, notes = _state(judging, reference)
    assert state == "not_affected"
    assert sha256_of_bytes(document.encode()) in notes and "signature was not verified" in notes
    judging.scan(reference, "--vex-from-registry", "--fail-on", "low").expect(0)
    judging.scan(reference, "--fail-on", "low").expect(1)


def test_a_referrer_by_the_api_is_applied(judging, pushed, anonymous_registry):
    reference, digest, attacher = pushed
    server = ReferrersServer(anonymous_registry.host)
    try:
        server.referrers[digest] = [attacher.artifact(_vex(digest), OPENVEX, digest)]
        behind = reference.replace(anonymous_registry.host, server.host)
        assert _state(judging, behind)[0] == "not_affected"
    finally:
        server.stop()


def test_an_attestation_of_cosign_is_applied(judging, pushed):
    reference, digest, attacher = pushed
    stated = statement(_vex(digest), digest, PREDICATE)
    attacher.under_tag(tag_of(digest, ".att"), envelope(stated), ENVELOPE)
    assert _state(judging, reference)[0] == "not_affected"


def test_what_is_about_another_image_is_left_out(judging, pushed):
    reference, digest, attacher = pushed
    other = "sha256:" + "1" * 64
    attacher.referrers_tag(digest, [attacher.artifact(_vex(digest), OPENVEX, other)])
    stated = statement(_vex(digest), other, PREDICATE)
    attacher.under_tag(tag_of(digest, ".att"), envelope(stated), ENVELOPE)
    state, notes = _state(judging, reference)
    assert state == "open"
    assert f"its subject is {other}" in notes
    assert "its statement is about something else than the image" in notes


def test_what_cannot_be_read_is_named_and_suppresses_nothing(judging, pushed):
    reference, digest, attacher = pushed
    attacher.referrers_tag(digest, [attacher.artifact("{ no JSON", OPENVEX, digest)])
    state, notes = _state(judging, reference)
    assert state == "open" and "is left out: it cannot be read as JSON" in notes


def test_it_is_for_images_of_a_registry(judging, tmp_path):
    judging.scan(f"dir:{tmp_path}", "--vex-from-registry").expect(USAGE)
