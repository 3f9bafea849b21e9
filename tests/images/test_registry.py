"""Images in a real registry: anonymous, with a password, with tokens."""

import subprocess

import pytest

from images.oci_builder import write_docker_archive
from images.registry import Pusher, Registry, docker_config, htpasswd_auth
from images.scan_report import ScanReport
from images.token_server import TokenServer
from support.fleet import python_distribution

USER, PASSWORD = "ada", "correct horse battery staple"
PACKAGES = {("iniconfig", "2.0.0")}


@pytest.fixture(scope="module")
def image(builder):
    return builder.image([builder.layer(python_distribution("iniconfig", "2.0.0"))])


@pytest.fixture(scope="module")
def password_registry(tmp_path_factory):
    directory = tmp_path_factory.mktemp("password-registry")
    registry = Registry(directory, htpasswd_auth(directory / "auth", USER, PASSWORD))
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def token_registry(tmp_path_factory):
    directory = tmp_path_factory.mktemp("token-registry")
    tokens = TokenServer(directory / "tokens", USER, PASSWORD)
    registry = Registry(directory, tokens.registry_auth())
    yield registry
    registry.stop()
    tokens.stop()


def _found(outcome) -> set:
    return ScanReport(outcome.expect(0).json()).versions("pypi")


@pytest.fixture(scope="module")
def pushed(anonymous_registry, image):
    return Pusher(anonymous_registry.host).push("team/app", "1.0", image)


def test_an_image_is_found_by_its_tag(covered, pushed):
    assert _found(covered.scan(pushed)) == PACKAGES


def test_an_image_is_found_by_its_digest(covered, pushed, image):
    name = pushed.rsplit(":", 1)[0]
    assert _found(covered.scan(f"{name}@{image.manifest.digest}")) == PACKAGES
    assert _found(covered.scan(f"{pushed}@{image.manifest.digest}")) == PACKAGES


def test_a_nested_repository_is_found(covered, anonymous_registry, image):
    reference = Pusher(anonymous_registry.host).push("a/b/c/d", "v1", image)
    assert _found(covered.scan(reference)) == PACKAGES


def test_an_image_that_skopeo_pushed_is_read(covered, anonymous_registry, image, tmp_path):
    archive = write_docker_archive(tmp_path / "a.tar", {"localhost/a:1": image})
    reference = f"{anonymous_registry.host}/skopeo/app:1"
    subprocess.run(
        [
            "skopeo",
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
            f"docker-archive:{archive}",
            f"docker://{reference}",
        ],
        check=True,
    )
    assert _found(covered.scan(reference)) == PACKAGES


@pytest.mark.parametrize("name", ["team/app:no-such-tag", "no/such/repository:1"])
def test_what_the_registry_does_not_have_is_named(covered, anonymous_registry, name):
    outcome = covered.scan(f"{anonymous_registry.host}/{name}").expect(3)
    assert name in outcome.stderr


def test_a_registry_that_does_not_answer_is_named(covered):
    outcome = covered.scan("127.0.0.1:9/team/app:1").expect(3)
    assert "127.0.0.1:9" in outcome.stderr


def test_a_password_opens_a_registry(covered, password_registry, image, tmp_path):
    reference = Pusher(password_registry.host, USER, PASSWORD).push("team/app", "1", image)
    env = docker_config(tmp_path / "docker", password_registry.host, USER, PASSWORD)
    assert _found(covered.scan(reference, env=env)) == PACKAGES


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_missing_or_wrong_password_is_said(covered, password_registry, image, tmp_path, password):
    reference = Pusher(password_registry.host, USER, PASSWORD).push("team/app", "1", image)
    env = {}
    if password:
        env = docker_config(tmp_path / "docker", password_registry.host, USER, password)
    outcome = covered.scan(reference, env=env).expect(3)
    assert password_registry.host in outcome.stderr
    assert "credentials" in outcome.stderr or "login" in outcome.stderr
    assert password is None or password not in outcome.stderr


def test_a_token_is_fetched_for_everybody(covered, token_registry, image):
    reference = Pusher(token_registry.host, USER, PASSWORD).push("public/app", "1", image)
    assert _found(covered.scan(reference)) == PACKAGES


def test_a_token_is_fetched_with_a_password(covered, token_registry, image, tmp_path):
    reference = Pusher(token_registry.host, USER, PASSWORD).push("private/app", "1", image)
    env = docker_config(tmp_path / "docker", token_registry.host, USER, PASSWORD)
    assert _found(covered.scan(reference, env=env)) == PACKAGES


def test_a_token_that_grants_nothing_is_said(covered, token_registry, image):
    reference = Pusher(token_registry.host, USER, PASSWORD).push("private/app", "1", image)
    outcome = covered.scan(reference).expect(3)
    assert token_registry.host in outcome.stderr


def test_a_blob_that_the_registry_altered_is_refused(covered, builder, anonymous_registry):
    layer = builder.layer(python_distribution("iniconfig", "7.7.7"))
    pusher = Pusher(anonymous_registry.host)
    reference = pusher.push("altered/app", "1", builder.image([layer]))
    stored = anonymous_registry.stored_blob(layer.digest)
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)
    outcome = covered.scan(reference).expect(3)
    assert ScanReport(outcome.json()).state == "failed"
    assert layer.digest in outcome.stdout
