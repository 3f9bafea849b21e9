"""`tallyman agent --once`: the images of a host, from a real engine and from a layout."""

import zlib

import pytest

from cli.podman_engine import Podman
from images import real_packages
from images.oci_builder import LayerTar, write_docker_archive, write_layout
from support import advisories
from support.agent import Agent
from support.api_client import ApiClient
from support.fleet import debian_layer, python_distribution
from support.installation import Installation
from support.server import Server

TEAM = "registry.example.com/team/app"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A running installation, its server and a key."""
    directory = tmp_path_factory.mktemp("served")
    installation = Installation(directory / "data")
    installation.import_advisories(
        advisories.write(directory / "advisories", advisories.coverage())
    )
    server = Server(installation.data, directory / "server.log")
    yield server, installation.root_key()
    server.stop()


@pytest.fixture(scope="module")
def podman(tmp_path_factory):
    engine = Podman(tmp_path_factory.mktemp("podman"))
    yield engine
    engine.stop()


@pytest.fixture
def agent(tmp_path, request):
    return Agent(tmp_path / "agent", f"host-{zlib.crc32(request.node.name.encode())}")


def _images(served, agent) -> dict:
    """What the server says is on the agent's host, by repository and tag."""
    server, key = served
    api = ApiClient(server.address, key)
    instances = api.call("DescribeCloudCenterInstances", PageSize=100)["Instances"]
    (uuid,) = [i["Uuid"] for i in instances if i["InstanceName"] == agent.host.name]
    return {f"{i['RepoName']}:{i['Tag']}": i for i in api.image_infos(uuid)}


def test_images_of_a_real_engine_are_reported(served, podman, agent, builder, tmp_path):
    server, key = served
    image = builder.image(
        [
            builder.layer(debian_layer()),
            builder.layer(
                LayerTar().tree(real_packages.python_packages(), real_packages.SITE_PACKAGES)
            ),
        ]
    )
    archive = write_docker_archive(tmp_path / "image.tar", {f"{TEAM}:1.0": image})
    podman.run("load", "--input", archive)
    agent.report(server.url, key, "--docker-socket", podman.socket).expect(0)
    told = _images(served, agent)["app:1.0"]
    listed = podman.image(f"{TEAM}:1.0")
    assert told["ImageId"] == listed["Id"].removeprefix("sha256:")
    assert told["ImageId"] == image.config.digest.removeprefix("sha256:")
    assert told["ImageSize"] == listed["Size"]
    assert told["ImageCreate"] == listed["Created"] * 1000
    assert told["Status"] == "NORMAL"
    assert told["VulCount"] > 0


def test_an_image_removed_from_the_engine_is_gone_from_the_server(
    served, podman, agent, builder, tmp_path
):
    server, key = served
    for number in (2, 3):
        image = builder.image([builder.layer(python_distribution("pluggy", f"{number}.0"))])
        archive = write_docker_archive(tmp_path / f"{number}.tar", {f"{TEAM}:{number}.0": image})
        podman.run("load", "--input", archive)
    agent.report(server.url, key, "--docker-socket", podman.socket).expect(0)
    assert {"app:2.0", "app:3.0"} <= set(_images(served, agent))
    podman.run("rmi", f"{TEAM}:2.0")
    agent.report(server.url, key, "--docker-socket", podman.socket).expect(0)
    told = set(_images(served, agent))
    assert "app:3.0" in told and "app:2.0" not in told


def test_images_of_a_layout_are_reported(served, agent, builder, tmp_path):
    server, key = served
    images = {
        f"{TEAM}:{tag}": builder.image([builder.layer(python_distribution("pluggy", tag))])
        for tag in ("1.1", "1.2")
    }
    layout = write_layout(tmp_path / "layout", images)
    agent.report(server.url, key, "--oci-layout", layout).expect(0)
    assert set(_images(served, agent)) == {"app:1.1", "app:1.2"}


def test_several_layouts_are_reported_together(served, agent, clean_layout, flagged_layout):
    server, key = served
    sources = ("--oci-layout", clean_layout, "--oci-layout", flagged_layout)
    agent.report(server.url, key, *sources).expect(0)
    assert set(_images(served, agent)) == {"clean:1", "flagged:1"}


def test_a_second_report_is_about_the_same_server(served, agent, clean_layout):
    server, key = served
    for _ in range(2):
        agent.report(server.url, key, "--oci-layout", clean_layout).expect(0)
    assert set(_images(served, agent)) == {"clean:1"}


def test_a_layer_that_the_server_knows_of_this_host_is_not_analysed_again(
    served, agent, builder, tmp_path
):
    server, key = served
    layer = builder.layer(python_distribution("pluggy", "1.5.0"))
    first = write_layout(tmp_path / "first", {f"{TEAM}:1": builder.image([layer])})
    agent.report(server.url, key, "--oci-layout", first).expect(0)
    # With the bytes gone, only what the server already knows can answer.
    second = write_layout(tmp_path / "second", {f"{TEAM}:2": builder.image([layer], created=None)})
    (second / "blobs/sha256" / layer.digest.removeprefix("sha256:")).unlink()
    agent.report(server.url, key, "--oci-layout", second).expect(0)
    assert _images(served, agent)["app:2"]["Status"] == "NORMAL"


def test_a_socket_that_is_not_there_is_named(served, agent, tmp_path):
    server, key = served
    outcome = agent.report(server.url, key, "--docker-socket", tmp_path / "missing.sock")
    assert outcome.exit_code != 0
    assert "missing.sock" in outcome.stderr


def test_a_layout_that_is_not_there_is_named(served, agent, tmp_path):
    server, key = served
    outcome = agent.report(server.url, key, "--oci-layout", tmp_path / "missing")
    assert outcome.exit_code != 0
    assert "missing" in outcome.stderr


def test_a_server_that_does_not_answer_is_named(served, agent, clean_layout):
    _, key = served
    outcome = agent.report("http://127.0.0.1:9", key, "--oci-layout", clean_layout)
    assert outcome.exit_code != 0
    assert "127.0.0.1:9" in outcome.stderr


def test_a_wrong_secret_is_said_without_showing_it(served, agent, clean_layout):
    server, key = served
    wrong = key.with_secret("wrong-secret-of-the-agent")
    outcome = agent.report(server.url, wrong, "--oci-layout", clean_layout)
    assert outcome.exit_code != 0
    assert "SignatureDoesNotMatch" in outcome.stderr
    assert "wrong-secret-of-the-agent" not in outcome.stderr
