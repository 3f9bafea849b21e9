"""A running `tallyman serve`."""

import re
import signal
import subprocess
from pathlib import Path

from support import program
from support.polling import wait_until

_LISTENING = re.compile(r"listening on (http://\S+)")


class Server:
    """Serves one data directory on a free port of the loopback interface until it is stopped."""

    def __init__(self, data: Path, log: Path, env: dict | None = None):
        self.data = data
        self.log = log
        self._position = log.stat().st_size if log.exists() else 0
        with log.open("ab") as stream:
            words = ("serve", "--data", data, "--listen", "127.0.0.1:0")
            self._process = program.start(*words, stdout=stream, stderr=stream, env=env)
        self.url = wait_until(self._announced, f"the server says where it listens (see {log})", 60)
        self.address = self.url.removeprefix("http://")

    @property
    def pid(self) -> int:
        return self._process.pid

    def _announced(self) -> str | None:
        with self.log.open("rb") as stream:
            stream.seek(self._position)
            text = stream.read().decode("utf-8", "replace")
        found = _LISTENING.search(text)
        if found:
            return found.group(1).rstrip("/")
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}:\n{text}")
        return None

    def kill(self):
        """Ends the server at once, as kill -9 does."""
        self._process.kill()
        self._process.wait(timeout=30)

    def stop(self):
        """Asks the server to end, and fails if it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the server did not end within 30 s of SIGTERM") from None
