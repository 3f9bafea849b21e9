"""A real containerd in a directory of its own, without the CRI plugin."""

import os
import subprocess
from pathlib import Path

from support.polling import wait_until


class Containerd:
    """Runs containerd and its client `ctr`."""

    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self.root = directory / "root"
        # A socket's path has a hundred characters at most.
        self._socket = Path(os.path.relpath(directory / "c.sock"))
        config = directory / "config.toml"
        config.write_text(
            f'version = 2\nroot = "{self.root}"\nstate = "{directory}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\n  address = "{directory}/c.sock"\n'
            f'[plugins."io.containerd.internal.v1.opt"]\n  path = "{directory}/opt"\n'
        )
        self._log = (directory / "containerd.log").open("wb")
        self._process = subprocess.Popen(
            ["containerd", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        try:
            wait_until(self._answers, f"containerd answers (see {self._log.name})", 60)
        except BaseException:
            self.stop()
            raise

    def _answers(self) -> bool:
        assert self._process.poll() is None, Path(self._log.name).read_text()[-2000:]
        return self._ctr("version").returncode == 0

    def run(self, *arguments, namespace: str = "default") -> str:
        """Runs a command of ctr that must succeed."""
        done = self._ctr("--namespace", namespace, *arguments)
        assert done.returncode == 0, f"ctr {arguments} failed:\n{done.stderr}"
        return done.stdout

    def _ctr(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["ctr", "--address", self._socket, *(str(argument) for argument in arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def location(self, reference: str = "") -> str:
        return f"containerd:[{self.root}]{reference}"

    def blob(self, digest: str) -> Path:
        content = self.root / "io.containerd.content.v1.content"
        return content / "blobs" / digest.replace(":", "/")

    def stop(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=30)
        self._log.close()
