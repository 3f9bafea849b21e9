"""`tallyman agent --once` on a simulated host."""

from pathlib import Path

from support import program
from support.access_key import AccessKey
from support.simulated_host import SimulatedHost


class Agent:
    """An agent with a data directory, on a host of its own."""

    def __init__(self, directory: Path, host_name: str):
        self.data = directory / "data"
        self.host = SimulatedHost(host_name, directory)

    def report(self, url: str, key: AccessKey, *sources, **options) -> program.Outcome:
        """Reports the images of the sources named to a server and waits for the end."""
        words, settings = self._command(url, key, sources)
        return program.run(*words, **settings, **options)

    def start_report(self, url: str, key: AccessKey, *sources, stdout, stderr):
        """Starts a report and leaves it running."""
        words, settings = self._command(url, key, sources)
        return program.start(*words, stdout=stdout, stderr=stderr, **settings)

    def _command(self, url, key, sources):
        words = [
            "agent",
            "--once",
            "--server",
            url,
            "--access-key-id",
            key.id,
            "--data",
            self.data,
            *sources,
        ]
        env = {program.SECRET_VARIABLE: key.secret}
        return words, {"env": env, "prefix": self.host.command_prefix()}
