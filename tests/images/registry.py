"""A real docker-registry on the loopback interface, and a client that pushes exact bytes to it."""

import json
import random
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import requests

from support.polling import wait_until


def free_port() -> int:
    """A port that nobody listens on, outside the range from which the system gives out ports."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no port is free between 20000 and 30000")


class Registry:
    """Runs docker-registry (Debian's package of the distribution project)."""

    def __init__(self, directory: Path, auth: str = ""):
        directory.mkdir(parents=True, exist_ok=True)
        self.storage = directory / "storage"
        self.host = f"127.0.0.1:{free_port()}"
        config = directory / "config.yml"
        config.write_text(
            "version: 0.1\nlog:\n  accesslog:\n    disabled: true\n"
            f"storage:\n  filesystem:\n    rootdirectory: {self.storage}\n"
            f"http:\n  addr: {self.host}\n{auth}"
        )
        self._log = (directory / "registry.log").open("wb")
        self._process = subprocess.Popen(
            ["docker-registry", "serve", str(config)], stdout=self._log, stderr=self._log
        )
        try:
            wait_until(self._answers, f"docker-registry answers (see {self._log.name})", 30)
        except BaseException:
            self.stop()
            raise

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            log = Path(self._log.name).read_text()[-2000:]
            raise AssertionError(f"docker-registry ended with {self._process.returncode}:\n{log}")
        try:
            return requests.get(f"http://{self.host}/v2/", timeout=2).status_code in (200, 401)
        except requests.ConnectionError:
            return False

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()

    def stored_blob(self, digest: str) -> Path:
        """The file in which the registry keeps a blob."""
        hexadecimal = digest.removeprefix("sha256:")
        blobs = self.storage / "docker/registry/v2/blobs/sha256"
        return blobs / hexadecimal[:2] / hexadecimal / "data"


def htpasswd_auth(directory: Path, user: str, password: str) -> str:
    """The part of the configuration that asks for a user name and a password."""
    directory.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["htpasswd", "-Bbn", user, password], capture_output=True, text=True, check=True
    )
    path = directory / "htpasswd"
    path.write_text(made.stdout)
    return f"auth:\n  htpasswd:\n    realm: tests\n    path: {path}\n"


@dataclass(frozen=True)
class Pusher:
    """Pushes images byte for byte, which skopeo does not (it compresses layers anew)."""

    host: str
    user: str | None = None
    password: str | None = None

    def push(self, repository: str, tag: str, image) -> str:
        """Pushes an image or an index with all it names; returns its reference."""
        self._push_parts(repository, image)
        self.push_manifest(repository, tag, image.manifest)
        return f"{self.host}/{repository}:{tag}"

    def _push_parts(self, repository: str, image):
        if hasattr(image, "images"):
            for part in image.images:
                self._push_parts(repository, part)
                self.push_manifest(repository, part.manifest.digest, part.manifest)
            return
        for blob in image.blobs():
            if blob != image.manifest:
                self.push_blob(repository, blob)

    def push_blob(self, repository: str, blob):
        """Pushes one blob."""
        start = self._send("POST", f"/v2/{repository}/blobs/uploads/", repository, 202)
        location = start.headers["Location"]
        joiner = "&" if "?" in location else "?"
        with blob.path.open("rb") as stream:
            self._send(
                "PUT",
                f"{location}{joiner}digest={blob.digest}",
                repository,
                201,
                data=stream,
                headers={"Content-Type": "application/octet-stream"},
            )

    def push_manifest(self, repository: str, reference: str, manifest):
        """Pushes a manifest or an index under a tag or its digest."""
        self._send(
            "PUT",
            f"/v2/{repository}/manifests/{reference}",
            repository,
            201,
            data=manifest.path.read_bytes(),
            headers={"Content-Type": manifest.media_type},
        )

    def _send(self, method, target, repository, status, data=None, headers=None):
        url = target if target.startswith("http") else f"http://{self.host}{target}"
        authorization = self._authorization(repository)
        answer = requests.request(
            method, url, data=data, headers={**(headers or {}), **authorization}, timeout=120
        )
        assert answer.status_code == status, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer

    def _authorization(self, repository: str) -> dict:
        """Follows the registry's challenge (distribution, token and basic authentication)."""
        if self.user is None:
            return {}
        challenge = requests.get(f"http://{self.host}/v2/", timeout=10).headers["WWW-Authenticate"]
        if challenge.lower().startswith("basic"):
            basic = requests.auth._basic_auth_str(self.user, self.password)
            return {"Authorization": basic}
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        answer = requests.get(
            fields["realm"],
            params={"service": fields["service"], "scope": f"repository:{repository}:pull,push"},
            auth=(self.user, self.password),
            timeout=10,
        )
        return {"Authorization": f"Bearer {answer.json()['token']}"}


def docker_config(directory: Path, host: str, user: str, password: str) -> dict:
    """Writes what `docker login` writes; returns the environment that leads to it."""
    directory.mkdir(parents=True, exist_ok=True)
    basic = requests.auth._basic_auth_str(user, password).removeprefix("Basic ")
    config = {"auths": {host: {"auth": basic}}}
    (directory / "config.json").write_text(json.dumps(config))
    return {"DOCKER_CONFIG": str(directory)}
