"""`tallyman call`: a signed client for any action."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from support import program
from support.installation import Installation

ACTION = "DescribeImageInfoList"


@pytest.fixture
def local(running_fleet, tmp_path):
    """A directory with the access that the demo writes, for the running fleet."""
    access = {
        "endpoint": running_fleet.address,
        "access_key_id": running_fleet.root.id,
        "access_key_secret": running_fleet.root.secret,
        "server_uuids": [running_fleet.first, running_fleet.second],
    }
    made = Installation(tmp_path / "local")
    made.data.mkdir()
    (made.data / "access.json").write_text(json.dumps(access))
    return made


@pytest.fixture(params=[(), ("--v1",)], ids=["V3", "V1"])
def signature(request):
    return request.param


def test_the_access_of_a_local_installation_is_enough(running_fleet, local, signature):
    outcome = local.do("call", ACTION, "--Uuids", running_fleet.uuids, *signature)
    assert len(outcome.json()["ImageInfos"]) == 5


def test_a_remote_server_is_called_with_a_key(running_fleet, signature, tmp_path):
    outcome = program.run(
        "call",
        ACTION,
        "--endpoint",
        running_fleet.server.url,
        "--access-key-id",
        running_fleet.root.id,
        "--Uuids",
        running_fleet.first,
        *signature,
        env={program.SECRET_VARIABLE: running_fleet.root.secret, "HOME": str(tmp_path)},
    ).expect(0)
    assert len(outcome.json()["ImageInfos"]) == 3


def test_xml_is_printed_as_it_came(running_fleet, local):
    outcome = local.do("call", ACTION, "--Uuids", running_fleet.first, "--v1", "--format", "xml")
    assert ElementTree.fromstring(outcome.stdout).tag == f"{ACTION}Response"


def test_parameters_of_any_content_arrive(local):
    criteria = json.dumps(
        [{"name": "instanceName", "value": "a b+c*~/é,中!'()&=%\"#?@:;$[]|\\^`{}<>"}]
    )
    outcome = local.do(
        "call", "DescribeCloudCenterInstances", "--Criteria", criteria, "--PageSize", "5"
    )
    assert outcome.json()["Instances"] == []


def test_a_refused_call_shows_the_error_and_fails(local, signature):
    outcome = local.run("call", ACTION, *signature)
    assert outcome.exit_code != 0
    shown = outcome.stdout + outcome.stderr
    assert "MissingUuids" in shown
    assert "Uuids is mandatory for this action." in shown


def test_a_missing_secret_names_the_variable(running_fleet):
    outcome = program.run(
        "call",
        ACTION,
        "--endpoint",
        running_fleet.server.url,
        "--access-key-id",
        running_fleet.root.id,
        "--Uuids",
        "x",
    )
    assert outcome.exit_code != 0
    assert program.SECRET_VARIABLE in outcome.stderr


def test_a_server_that_does_not_run_is_named_with_the_next_step(installation):
    installation.root_key()
    outcome = installation.run("call", ACTION, "--Uuids", "x")
    assert outcome.exit_code != 0
    assert "tallyman serve" in outcome.stderr
