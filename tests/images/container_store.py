"""A store of podman and buildah in a directory of its own."""

import json
import os
import subprocess
from pathlib import Path


class ContainerStore:
    """Runs podman and buildah on a store; `driver` is overlay or vfs."""

    def __init__(self, directory: Path, driver: str):
        self.driver = driver
        self.root = directory / "store"
        self._runroot = directory / "run"
        self._environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(directory / "runtime"),
            "CONTAINERS_STORAGE_CONF": str(directory / "storage.conf"),
        }
        (directory / "runtime").mkdir(parents=True)
        (directory / "storage.conf").write_text(
            f'[storage]\ndriver = "{driver}"\ngraphroot = "{self.root}"\n'
            f'runroot = "{self._runroot}"\n'
        )

    @property
    def config(self) -> dict:
        """The environment that makes this the usual store."""
        return {"CONTAINERS_STORAGE_CONF": self._environment["CONTAINERS_STORAGE_CONF"]}

    def location(self, reference: str = "") -> str:
        return f"containers-storage:[{self.driver}@{self.root}]{reference}"

    def podman(self, *arguments) -> str:
        return self._run("podman", *arguments)

    def buildah(self, *arguments) -> str:
        return self._run("buildah", *arguments)

    def pull(self, layout: Path, name: str):
        """Pulls the only image of a layout under a name."""
        image = self.podman("pull", "--quiet", f"oci:{layout}")
        self.podman("untag", image)
        self.podman("tag", image, name)

    def inspect(self, name: str) -> dict:
        (found,) = json.loads(self.podman("image", "inspect", name))
        return found

    def unpacked(self, path: str) -> list:
        """All unpacked copies of a file; vfs copies what is below into each layer."""
        pattern = f"overlay/*/diff/{path}" if self.driver == "overlay" else f"vfs/dir/*/{path}"
        return sorted(self.root.glob(pattern))

    def _run(self, program: str, *arguments) -> str:
        done = subprocess.run(
            [program, *(str(argument) for argument in arguments)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        shown = f"{program} {' '.join(str(argument) for argument in arguments)}"
        assert done.returncode == 0, f"`{shown}` failed:\n{done.stderr[-3000:]}"
        return done.stdout.strip()

    def close(self):
        """Lets go of mounts, so that the directory can be removed."""
        self.buildah("rm", "--all")
        subprocess.run(["umount", "--quiet", self.root / self.driver], capture_output=True)
