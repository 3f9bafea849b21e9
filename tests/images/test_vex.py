"""`tallyman scan --vex` and `--ignore-file`: what is said not to count stays in the report."""

import json

import pytest

from images.oci_builder import write_layout
from images.sbom_schemas import cyclonedx_errors
from support import advisories
from support.fleet import python_distribution
from support.installation import Installation

FOUND, USAGE, FAILED = 1, 2, 3
CVE, OTHER = "CVE-2026-1", "CVE-2026-2"


@pytest.fixture(scope="module")
def judging(tmp_path_factory) -> Installation:
    """An installation that knows two vulnerabilities of what the image holds."""
    directory = tmp_path_factory.mktemp("judging")
    made = Installation(directory / "data")
    records = [
        advisories.record("TALLY-1", "PyPI", "quayside", fixed="99", aliases=(CVE,)),
        advisories.record("TALLY-2", "PyPI", "iniconfig", fixed="99", aliases=(OTHER,)),
        *advisories.coverage(),
    ]
    made.import_advisories(advisories.write(directory / "advisories", records))
    return made


@pytest.fixture(scope="module")
def image(builder):
    layers = [
        builder.layer(python_distribution("quayside", "1.24")),
        builder.layer(python_distribution("iniconfig", "2.0.0")),
    ]
    return builder.image(layers)


@pytest.fixture
def layout(image, tmp_path):
    return write_layout(tmp_path / "layout", {"app:1": image})


def _statement(status: str, product, vulnerability: str = CVE, **more) -> dict:
    made = {
        "vulnerability": {"name": vulnerability},
        "products": [product if isinstance(product, dict) else {"@id": product}],
        "status": status,
        **more,
    }
    if status == "not_affected":
        made.setdefault("justification", "vulnerable_code_not_in_execute_path")
    return made


def _openvex(path, *statements, timestamp: str = "2026-01-01T00:00:00Z"):
    path.write_text(
        json.dumps(
            {
                "@context": "https://openvex.dev/ns/v0.2.0",
                "@id": f"https://example.test/{path.name}",
                "author": "Ada",
                "timestamp": timestamp,
                "version": 1,
                "statements": list(statements),
            }
        )
    )
    return path


def _findings(report: dict) -> dict:
    return {
        finding["id"]: finding for package in report["packages"] for finding in package["findings"]
    }


def test_what_is_not_affected_stays_in_the_report_and_does_not_count(judging, layout, tmp_path):
    vex = _openvex(tmp_path / "a.json", _statement("not_affected", "pkg:pypi/quayside"))
    judging.scan(layout, "--fail-on", "low").expect(FOUND)
    report = judging.scan(layout, "--vex", vex).expect(0).json()
    assert (report["summary"]["vulnerabilities"], report["summary"]["suppressed"]) == (1, 1)
    found = _findings(report)
    assert (found[CVE]["state"], found[OTHER]["state"]) == ("not_affected", "open")
    assert found[CVE]["vex"] == {
        "status": "not_affected",
        "document": "https://example.test/a.json",
        "author": "Ada",
        "justification": "vulnerable_code_not_in_execute_path",
        "date": "2026-01-01T00:00:00Z",
    }
    other = _openvex(tmp_path / "b.json", _statement("fixed", "pkg:pypi/iniconfig@2.0.0", OTHER))
    judging.scan(layout, "--fail-on", "low", "--vex", vex).expect(FOUND)
    judging.scan(layout, "--fail-on", "low", "--vex", vex, "--vex", other).expect(0)


def test_an_image_is_known_by_its_digest_alone(judging, image, layout, tmp_path):
    def state(digest: str) -> str:
        product = {
            "@id": f"pkg:oci/app@{digest}",
            "subcomponents": [{"@id": "pkg:pypi/quayside@1.24"}],
        }
        vex = _openvex(tmp_path / "a.json", _statement("not_affected", product))
        return _findings(judging.scan(layout, "--vex", vex).expect(0).json())[CVE]["state"]

    assert state(image.manifest.digest) == "not_affected"
    assert state("sha256:" + "1" * 64) == "open"


def test_a_directory_is_read_whole_and_its_newest_statement_holds(judging, layout, tmp_path):
    directory = tmp_path / "vex"
    (directory / "inner").mkdir(parents=True)
    product = "pkg:pypi/quayside"
    _openvex(directory / "old.json", _statement("not_affected", product))
    (directory / "package.json").write_text("{}")
    report = judging.scan(layout, "--vex", directory).expect(0).json()
    assert _findings(report)[CVE]["state"] == "not_affected"
    newer = _statement("affected", product)
    _openvex(directory / "inner" / "new.json", newer, timestamp="2026-02-01T00:00:00Z")
    found = _findings(judging.scan(layout, "--vex", directory).expect(0).json())[CVE]
    assert (found["state"], found["vex"]["status"]) == ("open", "affected")


def test_a_file_that_is_no_vex_document_ends_the_scan(judging, layout, tmp_path):
    path = tmp_path / "a.json"
    for content in ("{}", "{ this is no JSON", '{"@context": "https://openvex.dev/ns"}'):
        path.write_text(content)
        assert "a.json" in judging.scan(layout, "--vex", path).expect(FAILED).stderr
    judging.scan(layout, "--vex", tmp_path / "missing.json").expect(FAILED)


CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "metadata": {"timestamp": "2026-03-01T00:00:00Z"},
    "vulnerabilities": [
        {
            "id": CVE,
            "analysis": {"state": "false_positive", "detail": "another quayside"},
            "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:pypi/quayside"}],
        }
    ],
}
CSAF = {
    "document": {
        "category": "csaf_vex",
        "csaf_version": "2.0",
        "title": "of a test",
        "publisher": {"category": "vendor", "name": "Example", "namespace": "https://a.test"},
        "tracking": {"id": "EX-1", "current_release_date": "2026-03-01T00:00:00Z"},
    },
    "product_tree": {
        "full_product_names": [
            {
                "name": "quayside",
                "product_id": "U",
                "product_identification_helper": {"purl": "pkg:pypi/quayside@1.24"},
            }
        ]
    },
    "vulnerabilities": [
        {
            "cve": CVE,
            "product_status": {"known_not_affected": ["U"]},
            "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["U"]}],
        }
    ],
}


@pytest.mark.parametrize("document", [CYCLONEDX, CSAF], ids=["CycloneDX", "CSAF"])
def test_the_other_formats_say_the_same(judging, layout, tmp_path, document):
    path = tmp_path / "vex.json"
    path.write_text(json.dumps(document))
    if document is CYCLONEDX:
        assert cyclonedx_errors(path.read_text()) == []
    report = judging.scan(layout, "--vex", path).expect(0).json()
    assert _findings(report)[CVE]["state"] == "not_affected"
    assert [used["left_out"] for used in report["vex"] if "left_out" in used] == []


RULES = """\
rules:
  - id: only-quayside
    vulnerability: TALLY-1
    path: '**/quayside-*/METADATA'
    reason: the proxy is never used
    author: Grace
    expires: {expires}
"""


def test_a_rule_ignores_until_it_expires(judging, layout, tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.format(expires="2999-01-31"))
    found = _findings(judging.scan(layout, "--ignore-file", path).expect(0).json())
    assert (found[CVE]["state"], found[OTHER]["state"]) == ("ignored", "open")
    assert found[CVE]["ignored_by"] == {
        "id": "only-quayside",
        "reason": "the proxy is never used",
        "author": "Grace",
        "expires": "2999-02-01T00:00:00Z",
    }
    path.write_text(RULES.format(expires="2020-01-31"))
    outcome = judging.scan(layout, "--ignore-file", path).expect(0)
    assert _findings(outcome.json())[CVE]["state"] == "open"
    assert "no longer holds since 2020-02-01" in outcome.stderr
    assert [rule["id"] for rule in outcome.json()["expired_rules"]] == ["only-quayside"]


def test_a_misspelt_rule_ends_the_scan_and_names_its_line(judging, layout, tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.format(expires="never"))
    assert "`never` is no date" in judging.scan(layout, "--ignore-file", path).expect(FAILED).stderr
    path.write_text(RULES.replace("author", "writer").format(expires="2999-01-01"))
    said = judging.scan(layout, "--ignore-file", path).expect(FAILED).stderr
    assert "writer" in said and "rules.yaml" in said and "line " in said


def test_the_table_shows_and_explains_what_does_not_count(judging, layout, tmp_path):
    vex = _openvex(tmp_path / "a.json", _statement("not_affected", "pkg:pypi/quayside"))
    table = judging.run("scan", layout, "--vex", vex).expect(0).stdout
    assert CVE not in table and "1 suppressed" in table and OTHER in table
    shown = judging.run("scan", layout, "--vex", vex, "--show-suppressed").expect(0).stdout
    assert CVE in shown and "not affected (Ada: vulnerable_code" in shown
    explained = judging.run("scan", layout, "--vex", vex, "--explain", CVE).expect(0).stdout
    for words in (
        "TALLY-1 of osv/PyPI",
        "< 99 (here: 1.24)",
        "fixed in   99",
        "quayside-1.24.dist-info/METADATA",
        "number 0 of 2",
        "not_affected by Ada in https://example.test/a.json",
    ):
        assert words in explained, explained
    assert OTHER not in explained
    nothing = judging.run("scan", layout, "--explain", "CVE-1999-1").expect(0).stdout
    assert "was not found" in nothing
    judging.run("scan", layout, "--explain", CVE, "--format", "json").expect(USAGE)


def test_a_bill_of_materials_says_what_has_become_of_findings(judging, layout, tmp_path):
    vex = _openvex(tmp_path / "a.json", _statement("not_affected", "pkg:pypi/quayside"))
    written = judging.run("scan", layout, "--vex", vex, "--format", "cyclonedx").expect(0)
    bill = written.json()
    assert cyclonedx_errors(written.stdout) == []
    analyses = {one["id"]: one.get("analysis") for one in bill["vulnerabilities"]}
    assert analyses[OTHER] is None
    assert analyses[CVE]["state"] == "not_affected"
    assert analyses[CVE]["justification"] == "code_not_reachable"
    again = tmp_path / "bill.json"
    again.write_text(written.stdout)
    report = judging.scan(layout, "--vex", again).expect(0).json()
    assert _findings(report)[CVE]["state"] == "not_affected", "what we write we read"


def test_what_a_scan_writes_as_openvex_suppresses_the_same_when_it_is_read(
    judging, image, layout, builder, tmp_path
):
    vex = _openvex(tmp_path / "a.json", _statement("not_affected", "pkg:pypi/quayside"))
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"rules: [{{vulnerability: {OTHER}, reason: a test, author: Ada}}]")
    words = ("--format", "openvex", "--vex-author", "Grace", "--vex", vex, "--ignore-file", rules)
    written = judging.run("scan", layout, *words).expect(0)
    document = written.json()
    assert document["author"] == "Grace" and document["@id"].startswith("urn:uuid:")
    said = {it["vulnerability"]["name"]: it for it in document["statements"]}
    assert {name: it["status"] for name, it in said.items()} == {
        CVE: "not_affected",
        OTHER: "under_investigation",
    }
    assert "Ada: a test" in said[OTHER]["status_notes"]
    (product,) = said[CVE]["products"]
    assert product["hashes"] == {"sha-256": image.manifest.digest.removeprefix("sha256:")}
    assert [it["@id"] for it in product["subcomponents"]] == ["pkg:pypi/quayside@1.24"]

    own = tmp_path / "own.json"
    own.write_text(written.stdout)
    report = judging.scan(layout, "--vex", own).expect(0).json()
    found = _findings(report)
    assert (found[CVE]["state"], found[OTHER]["state"]) == ("not_affected", "open")
    assert report["vex"][0]["author"] == "Grace" and not report["vex"][0].get("left_out")
    # It is said of this image and of no other that has the package.
    other = builder.image([builder.layer(python_distribution("quayside", "1.24"))])
    other = write_layout(tmp_path / "other", {"other:1": other})
    assert _findings(judging.scan(other, "--vex", own).expect(0).json())[CVE]["state"] == "open"
    assert judging.run("scan", layout, *words).stdout == written.stdout, "the same bytes"
