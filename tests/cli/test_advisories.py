"""`tallyman db`: importing advisories and telling what is loaded."""

import json

import pytest

from support import advisories
from support.agent import Agent
from support.api_client import ApiClient
from support.polling import wait_until


def _advisory_count(installation) -> int:
    info = installation.do("db", "info", "--format", "json").json()
    return sum(feed["advisories"] for feed in info["feeds"])


def _imported(installation, tmp_path, records):
    return installation.run("db", "import", advisories.write(tmp_path / "records", records))


def test_the_shipped_snapshot_is_there_from_the_start(installation):
    info = installation.do("db", "info", "--format", "json").json()
    assert info["feeds"], "a first run has feeds"
    for feed in info["feeds"]:
        assert feed["feed"] and feed["data_date"], feed
        assert feed["advisories"] > 0, feed


def test_info_counts_what_was_imported(installation, tmp_path):
    before = _advisory_count(installation)
    records = [advisories.record(f"TALLY-{n}", "PyPI", f"probe-{n}", fixed="1") for n in range(7)]
    _imported(installation, tmp_path, records).expect(0)
    assert _advisory_count(installation) == before + 7


def test_an_import_can_be_repeated(installation, tmp_path):
    records = [advisories.record("TALLY-1", "PyPI", "probe", fixed="1")]
    _imported(installation, tmp_path, records).expect(0)
    once = _advisory_count(installation)
    _imported(installation, tmp_path, records).expect(0)
    assert _advisory_count(installation) == once


def test_a_single_file_can_be_imported(installation, tmp_path):
    path = tmp_path / "TALLY-1.json"
    path.write_text(json.dumps(advisories.record("TALLY-1", "PyPI", "probe", fixed="1")))
    installation.do("db", "import", path)


def test_an_import_changes_what_a_running_server_answers(
    installation, start_server, flagged_layout, tmp_path
):
    _imported(installation, tmp_path, advisories.coverage()).expect(0)
    server = start_server(installation)
    key = installation.root_key()
    Agent(tmp_path / "agent", "host").report(
        server.url, key, "--oci-layout", flagged_layout
    ).expect(0)
    api = ApiClient(server.address, key)
    (uuid,) = api.server_uuids()
    assert [info["VulCount"] for info in api.image_infos(uuid)] == [0]
    record = advisories.record("TALLY-1", "PyPI", "tallyman-probe", fixed="2")
    _imported(installation, tmp_path, [record]).expect(0)
    wait_until(
        lambda: [info["VulCount"] for info in api.image_infos(uuid)] == [1],
        "the image has the vulnerability that was imported",
        30,
    )


@pytest.mark.parametrize(
    "name, content",
    [("broken.json", "{ this is not JSON"), ("empty.json", "{}"), ("letter.txt", "Dear reader")],
)
def test_a_file_that_is_no_advisory_is_named(installation, tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    outcome = installation.run("db", "import", path)
    assert outcome.exit_code != 0
    assert name in outcome.stderr


def test_a_path_that_does_not_exist_is_named(installation, tmp_path):
    outcome = installation.run("db", "import", tmp_path / "missing")
    assert outcome.exit_code != 0
    assert "missing" in outcome.stderr
