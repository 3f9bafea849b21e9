"""`tallyman demo`: the first thing that a newcomer runs."""

import json
import stat

import pytest

from support import program
from support.access_key import AccessKey
from support.api_client import ApiClient
from support.polling import wait_until


def _demo(data, *arguments, **options):
    return program.run(
        "demo", "--data", data, "--listen", "127.0.0.1:0", "--once", *arguments, **options
    ).expect(0)


def _printed_answer(outcome) -> dict:
    """The answer that was printed as JSON, among other things."""
    decoder = json.JSONDecoder()
    lines = outcome.stdout.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith("{"):
            value, _ = decoder.raw_decode("".join(lines[number:]))
            if "ImageInfos" in value:
                return value
    raise AssertionError(f"no answer as JSON\n{outcome}")


@pytest.fixture(scope="module")
def demonstrated(flagged_layout, tmp_path_factory):
    """A data directory in which the demo ran twice, and what it printed."""
    data = tmp_path_factory.mktemp("demo") / "data"
    outcomes, access = [], []
    for _ in range(2):
        outcomes.append(_demo(data, "--image", flagged_layout))
        access.append(json.loads((data / "access.json").read_text()))
    return data, outcomes, access


def test_the_answer_is_printed_as_json(demonstrated):
    _, outcomes, access = demonstrated
    (info,) = _printed_answer(outcomes[0])["ImageInfos"]
    assert (info["RepoName"], info["Tag"]) == ("flagged", "1")
    assert info["Uuid"] in access[0]["server_uuids"]


def test_the_answer_is_printed_as_a_table(demonstrated):
    _, outcomes, _ = demonstrated
    table = outcomes[0].stdout.replace(json.dumps(_printed_answer(outcomes[0]), indent=2), "")
    assert "flagged" in table


def test_client_code_is_printed_without_a_secret(demonstrated):
    _, outcomes, access = demonstrated
    shown = outcomes[0].stdout + outcomes[0].stderr
    assert "tallyman call DescribeImageInfoList" in shown
    assert "alibabacloud_sas20181203" in shown


def test_access_is_written_for_its_owner_alone(demonstrated):
    data, _, access = demonstrated
    mode = stat.S_IMODE((data / "access.json").stat().st_mode)
    assert mode == 0o600
    expected = {"endpoint", "access_key_id", "access_key_secret", "server_uuids"}
    assert set(access[0]) == expected


def test_running_it_again_changes_nothing(demonstrated):
    _, outcomes, access = demonstrated
    answers = [_printed_answer(outcome)["ImageInfos"] for outcome in outcomes]
    assert answers[0] == answers[1]
    assert access[0]["server_uuids"] == access[1]["server_uuids"]


def test_the_access_written_opens_the_server_that_keeps_running(flagged_layout, tmp_path):
    data = tmp_path / "data"
    log = tmp_path / "demo.log"
    with log.open("wb") as stream:
        process = program.start(
            "demo",
            "--data",
            data,
            "--listen",
            "127.0.0.1:0",
            "--image",
            flagged_layout,
            stdout=stream,
            stderr=stream,
        )
    try:

        def infos():
            assert process.poll() is None, log.read_text()
            if not (data / "access.json").exists():
                return None
            access = json.loads((data / "access.json").read_text())
            key = AccessKey(access["access_key_id"], access["access_key_secret"])
            address = access["endpoint"].removeprefix("http://").rstrip("/")
            try:
                return ApiClient(address, key).image_infos(*access["server_uuids"])
            except ConnectionError:
                return None

        (info,) = wait_until(infos, "the demo serves its image", 120)
        assert info["RepoName"] == "flagged"
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_without_an_image_this_host_is_what_is_shown(tmp_path):
    outcome = _demo(tmp_path / "data", timeout=300)
    infos = _printed_answer(outcome)["ImageInfos"]
    assert infos
    assert all(info["Status"] in ("NORMAL", "SCAN_UNSUPPORTED") for info in infos)


def test_an_image_that_does_not_exist_is_named(tmp_path):
    outcome = program.run(
        "demo",
        "--data",
        tmp_path / "data",
        "--listen",
        "127.0.0.1:0",
        "--once",
        "--image",
        tmp_path / "missing.tar",
    )
    assert outcome.exit_code != 0
    assert "missing.tar" in outcome.stderr
