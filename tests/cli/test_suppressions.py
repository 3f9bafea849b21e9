"""`tallyman vex` and `tallyman ignore`: what an installation says not to count."""

import json

from support import advisories
from support.agent import Agent
from support.api_client import ApiClient
from support.installation import Installation

USAGE, FAILED = 2, 3


def _document(path, date="2026-01-01T00:00:00Z", status="not_affected"):
    path.write_text(
        json.dumps(
            {
                "@context": "https://openvex.dev/ns/v0.2.0",
                "@id": "https://example.test/vex",
                "author": "Ada",
                "timestamp": date,
                "version": 1,
                "statements": [
                    {
                        "vulnerability": {"name": "TALLY-1"},
                        "products": [{"@id": "pkg:pypi/tallyman-probe"}],
                        "status": status,
                        "impact_statement": "never called",
                    }
                ],
            }
        )
    )
    return path


def test_documents_and_rules_change_what_a_running_server_answers(
    installation, start_server, flagged_layout, tmp_path
):
    record = advisories.record("TALLY-1", "PyPI", "tallyman-probe", fixed="99")
    records = advisories.write(tmp_path / "records", [record, *advisories.coverage()])
    installation.do("db", "import", records)
    server = start_server(installation)
    key = installation.root_key()
    agent = Agent(tmp_path / "agent", "host")
    agent.report(server.url, key, "--oci-layout", flagged_layout).expect(0)
    api = ApiClient(server.address, key)
    (uuid,) = api.server_uuids()

    def answer() -> tuple:
        (info,) = api.image_infos(uuid)
        return info["VulCount"], info["VulStatus"]

    assert answer() == (1, "YES")
    installation.do("vex", "import", _document(tmp_path / "a.json"))
    assert answer() == (0, "NO")
    installation.do("db", "import", records)
    agent.report(server.url, key, "--oci-layout", flagged_layout).expect(0)
    assert answer() == (0, "NO")
    scanned = installation.scan(flagged_layout).expect(0).json()
    assert (scanned["summary"]["vulnerabilities"], scanned["summary"]["suppressed"]) == (0, 1)
    assert [used["origin"] for used in scanned["vex"]] == ["the installation"]
    (found,) = [one for package in scanned["packages"] for one in package["findings"]]
    assert found["since"].endswith("Z"), "it is known since when"
    installation.do("vex", "remove", "https://example.test/vex")
    assert answer() == (1, "YES")

    why = ("--reason", "a test", "--author", "Ada")
    other = "00000000-0000-0000-0000-000000000000"
    installation.do("ignore", "add", "other", "--server", other, *why)
    assert answer() == (1, "YES")
    installation.do("ignore", "add", "here", "--vulnerability", "TALLY-1", "--server", uuid, *why)
    assert answer() == (0, "NO")
    assert installation.scan(flagged_layout).json()["summary"]["vulnerabilities"] == 1
    installation.do("ignore", "remove", "here")
    assert answer() == (1, "YES")


def test_documents_are_listed_and_an_older_one_changes_nothing(installation, tmp_path):
    path = tmp_path / "a.json"
    said = installation.do("vex", "import", _document(path, "2026-02-01T00:00:00Z")).stdout
    assert "new" in said and "1 statements" in said
    assert "known already" in installation.do("vex", "import", path).stdout
    older = _document(tmp_path / "b.json", "2026-01-01T00:00:00Z", "affected")
    assert "a newer one is there" in installation.do("vex", "import", older).stdout
    (listed,) = installation.do("vex", "list", "--format", "json").json()
    assert listed["document"] == "https://example.test/vex"
    assert (listed["format"], listed["updated"]) == ("OpenVEX", "2026-02-01T00:00:00Z")
    assert "https://example.test/vex" in installation.do("vex", "list").stdout
    installation.do("vex", "remove", listed["document"])
    assert installation.do("vex", "list", "--format", "json").json() == []
    assert "there is no" in installation.run("vex", "remove", "a").expect(FAILED).stderr


def test_rules_are_checked_listed_and_removed(installation):
    why = ("--reason", "a test", "--author", "Ada")
    installation.run("ignore", "add", "all", *why).expect(USAGE)
    installation.run("ignore", "add", "a", "--package", "x", "--author", "Ada").expect(USAGE)
    bad_date = ("ignore", "add", "a", "--package", "x", *why, "--expires", "soon")
    assert "`soon` is no date" in installation.run(*bad_date).expect(USAGE).stderr
    installation.do("ignore", "add", "a", "--package", "x*", *why, "--expires", "2020-01-31")
    twice = installation.run("ignore", "add", "a", "--package", "x", *why).expect(FAILED)
    assert "already" in twice.stderr
    (rule,) = installation.do("ignore", "list", "--format", "json").json()
    assert (rule["id"], rule["package"], rule["reason"]) == ("a", "x*", "a test")
    assert "(expired)" in installation.do("ignore", "list").stdout
    installation.do("ignore", "remove", "a")
    assert installation.do("ignore", "list", "--format", "json").json() == []


def test_rules_survive_an_update_and_what_they_suppress_is_no_change(
    installation, start_server, flagged_layout, tmp_path
):
    modified = "2026-11-02T00:00:00Z"
    first = advisories.record("TALLY-1", "PyPI", "tallyman-probe", fixed="99")
    new = advisories.record("TALLY-2", "PyPI", "tallyman-probe", fixed="98")
    again = {**first, "modified": modified, "affected": new["affected"]}
    installation.import_advisories(
        advisories.write(tmp_path / "first", [first, *advisories.coverage()])
    )
    server = start_server(installation)
    key = installation.root_key()
    agent = Agent(tmp_path / "agent", "host")
    agent.report(server.url, key, "--oci-layout", flagged_layout).expect(0)
    api = ApiClient(server.address, key)
    (uuid,) = api.server_uuids()

    def answer() -> tuple:
        (info,) = api.image_infos(uuid)
        return info["VulCount"], info["VulStatus"]

    def changes() -> list:
        return api.call("DescribeImageRiskChanges")["Changes"]

    why = ("--reason", "a test", "--author", "Ada")
    installation.do("ignore", "add", "both", "--package", "tallyman-probe", *why)
    assert answer() == (0, "NO")
    (change,) = changes()
    (told,) = change["Vulnerabilities"]
    assert (told["Name"], told["Change"], told["Cause"]["Id"]) == ("TALLY-1", "Went", "both")

    elsewhere = Installation(tmp_path / "elsewhere")
    elsewhere.import_advisories(
        advisories.write(tmp_path / "second", [again, new, *advisories.coverage()])
    )
    bundle = tmp_path / "later.bundle"
    elsewhere.do("db", "export", bundle)
    installation.do("db", "update", "--offline", bundle)
    assert installation.scan(flagged_layout).json()["summary"]["suppressed"] == 2
    assert answer() == (0, "NO")
    agent.report(server.url, key, "--oci-layout", flagged_layout).expect(0)
    assert answer() == (0, "NO")
    assert changes() == [change], "what is suppressed is no change"
    # Analyzers that look at everything again come to the same.
    limits = ("--limit", "metadata-bytes=1MiB")
    agent.report(server.url, key, "--oci-layout", flagged_layout, *limits)
    assert answer() == (0, "NO")
    assert changes() == [], "what was analysed later had no other answer then"
    installation.do("ignore", "remove", "both")
    assert answer() == (2, "YES")
    (newest,) = changes()
    causes = {it["Name"]: it["Cause"]["Effect"] for it in newest["Vulnerabilities"]}
    assert causes == {"TALLY-1": "Removed", "TALLY-2": "Removed"}
