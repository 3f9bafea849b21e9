"""What the server or a command acknowledged is there after kill -9."""

import random
import subprocess

import pytest

from images.oci_builder import write_layout
from recovery.stored_images import is_sound
from support import signature_v3
from support.agent import Agent
from support.api_client import ApiClient
from support.fleet import python_distribution
from support.raw_http import RawRequest, send

ROUNDS = 5


@pytest.fixture
def layout(builder, tmp_path):
    images = {
        f"registry.example.com/team/app:{number}": builder.image(
            [builder.layer(python_distribution("iniconfig", f"{number}.0.0"))]
        )
        for number in range(3)
    }
    return write_layout(tmp_path / "layout", images)


def _tags(api: ApiClient) -> list:
    uuids = api.server_uuids()
    return sorted(info["Tag"] for info in api.image_infos(*uuids)) if uuids else []


def test_an_acknowledged_report_survives(covered_installation, start_server, layout, tmp_path):
    server = start_server(covered_installation)
    key = covered_installation.root_key()
    agent = Agent(tmp_path / "agent", "host")
    agent.report(server.url, key, "--oci-layout", layout).expect(0)
    api = ApiClient(server.address, key)
    before = api.call("DescribeImageInfoList", Uuids=api.server_uuids()[0])
    server.kill()
    server = start_server(covered_installation)
    api = ApiClient(server.address, key)
    after = api.call("DescribeImageInfoList", Uuids=api.server_uuids()[0])
    server.stop()
    assert after["ImageInfos"] == before["ImageInfos"]
    assert len(after["ImageInfos"]) == 3


@pytest.mark.parametrize("seed", [20261124])
def test_a_report_is_whole_or_can_be_sent_again(
    covered_installation, start_server, layout, tmp_path, seed
):
    moments = random.Random(seed)
    key = covered_installation.root_key()
    agent = Agent(tmp_path / "agent", "host")
    for number in range(ROUNDS):
        server = start_server(covered_installation)
        with (tmp_path / "agent.log").open("ab") as log:
            report = agent.start_report(
                server.url, key, "--oci-layout", layout, stdout=log, stderr=log
            )
        try:
            report.wait(timeout=moments.uniform(0.0, 0.6))
        except subprocess.TimeoutExpired:
            pass
        server.kill()
        acknowledged = report.wait(timeout=120) == 0
        assert is_sound(covered_installation.data)
        server = start_server(covered_installation)
        tags = _tags(ApiClient(server.address, key))
        server.kill()
        assert tags in ([], ["0", "1", "2"]), f"round {number}: half a report"
        assert tags or not acknowledged, f"round {number}: an acknowledged report is lost"
    server = start_server(covered_installation)
    agent.report(server.url, key, "--oci-layout", layout).expect(0)
    assert _tags(ApiClient(server.address, key)) == ["0", "1", "2"]
    server.stop()


def test_keys_made_while_the_server_runs_survive(covered_installation, start_server):
    server = start_server(covered_installation)
    root = covered_installation.root_key()
    reader = covered_installation.user("reader", system_policies=["AliyunYundunSASReadOnlyAccess"])
    server.kill()
    server = start_server(covered_installation)
    for key in (root, reader):
        assert ApiClient(server.address, key).server_uuids() == []
    server.stop()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_nonce_that_was_used_stays_used(covered_installation, start_server, end):
    server = start_server(covered_installation)
    key = covered_installation.root_key()
    request = signature_v3.sign(key, "DescribeCloudCenterInstances", {}, host=server.address)
    assert send(server.address, request).status == 200
    getattr(server, end)()
    server = start_server(covered_installation)
    answer = send(server.address, request)
    server.stop()
    assert answer.code == "SignatureNonceUsed"


def test_a_killed_server_starts_again_at_once(covered_installation, start_server):
    for _ in range(3):
        start_server(covered_installation).kill()
    server = start_server(covered_installation)
    health = send(server.address, RawRequest("GET", "/healthz", ()))
    server.stop()
    assert (health.status, health.json()["status"]) == (200, "ok")
