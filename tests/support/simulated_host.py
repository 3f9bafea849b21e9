"""Runs a program as if on another host: with a machine id and a host name of its own."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = 'mount --bind "$1" /etc/machine-id && hostname "$2" && shift 2 && exec "$@"'


@dataclass(frozen=True)
class SimulatedHost:
    """A host that exists only in mount and UTS namespaces (needs root, as the agent does)."""

    name: str
    directory: Path

    def command_prefix(self) -> list:
        """The words to put before a command."""
        self.directory.mkdir(parents=True, exist_ok=True)
        machine_id = self.directory / f"machine-id-{self.name}"
        digest = hashlib.sha256(str(machine_id).encode()).hexdigest()
        machine_id.write_text(digest[:32] + "\n")
        return [
            "unshare",
            "--mount",
            "--uts",
            "sh",
            "-c",
            _SCRIPT,
            "sh",
            str(machine_id),
            self.name,
        ]
