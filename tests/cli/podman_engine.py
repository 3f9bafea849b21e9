"""A real podman with its own storage, and its API on a socket."""

import json
import subprocess
from pathlib import Path

from support.polling import wait_until
from support.program import environment


class Podman:
    """Runs `podman system service` over the vfs driver, so that it needs no kernel feature."""

    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self.socket = directory / "podman.sock"
        self._directory = directory
        self._log = (directory / "podman.log").open("wb")
        self._service = subprocess.Popen(
            [*self._command(), "system", "service", "--time=0", f"unix://{self.socket}"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=environment(),
        )
        try:
            wait_until(self._answers, "podman's API answers", 60)
        except BaseException:
            self.stop()
            raise

    def _command(self) -> list:
        return [
            "podman",
            "--storage-driver=vfs",
            "--cgroup-manager=cgroupfs",
            f"--root={self._directory}/storage",
            f"--runroot={self._directory}/run",
            f"--tmpdir={self._directory}/tmp",
        ]

    def run(self, *arguments) -> str:
        """Runs a podman command on the same storage."""
        done = subprocess.run(
            [*self._command(), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            env=environment(),
        )
        assert done.returncode == 0, f"podman {arguments} failed:\n{done.stderr}"
        return done.stdout

    def get(self, path: str):
        """Asks the API, through curl so that no client of the product is involved."""
        done = subprocess.run(
            [
                "curl",
                "--silent",
                "--show-error",
                "--fail",
                "--unix-socket",
                str(self.socket),
                f"http://podman{path}",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return json.loads(done.stdout) if done.returncode == 0 else None

    def image(self, reference: str) -> dict:
        """What the API lists of one image."""
        images = self.get("/v1.40/images/json")
        return next(image for image in images if reference in (image["RepoTags"] or []))

    def _answers(self) -> bool:
        if self._service.poll() is not None:
            log = Path(self._log.name).read_text(errors="replace")[-3000:]
            raise AssertionError(f"podman ended with {self._service.returncode}:\n{log}")
        return self.socket.exists() and self.get("/v1.40/version") is not None

    def stop(self):
        self._service.terminate()
        self._service.wait(timeout=60)
        self._log.close()
