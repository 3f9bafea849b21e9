"""Runs the program under test."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support.paths import BINARY

MEASURE = Path(__file__).with_name("measure.py")
SECRET_VARIABLE = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"


@dataclass(frozen=True)
class Outcome:
    """What one run of the program left."""

    arguments: tuple
    exit_code: int
    stdout: str
    stderr: str

    def json(self):
        """The whole standard output as JSON."""
        try:
            return json.loads(self.stdout)
        except ValueError:
            raise AssertionError(f"standard output is not JSON\n{self}") from None

    def expect(self, exit_code: int = 0) -> "Outcome":
        """Returns itself after checking the exit code."""
        assert self.exit_code == exit_code, f"exit code is not {exit_code}\n{self}"
        return self

    def __str__(self):
        return (
            f"$ tallyman {' '.join(self.arguments)}\nexit code {self.exit_code}\n"
            f"--- standard output\n{self.stdout[-4000:]}\n--- standard error\n{self.stderr[-4000:]}"
        )


def binary() -> Path:
    """The program, or a failure that says how to get it."""
    if not BINARY.is_file():
        raise FileNotFoundError(
            f"{BINARY} does not exist: run `cargo build`, or set TALLYMAN_BIN to the program"
        )
    return BINARY


def environment(extra: dict | None = None) -> dict:
    """The environment without what would configure the program or a registry client by accident."""
    private = ("ALIBABA_", "ALIBABACLOUD_", "ALICLOUD_", "TALLYMAN_", "DOCKER_", "CONTAINER_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(private)}
    kept["NO_COLOR"] = "1"
    kept.update(extra or {})
    return kept


def run(
    *arguments,
    env: dict | None = None,
    timeout: float = 180,
    cwd=None,
    prefix: list | None = None,
    stdin: str = "",
) -> Outcome:
    """Runs the program to its end; a command that does not end by itself is a failure.

    `prefix` goes before the program, to run it under another one.
    """
    words = tuple(str(argument) for argument in arguments)
    try:
        done = subprocess.run(
            [*(prefix or []), str(binary()), *words],
            env=environment(env),
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as late:
        raise AssertionError(
            f"`tallyman {' '.join(words)}` did not end within {timeout} s\n{late.stderr}"
        ) from None
    return Outcome(words, done.returncode, done.stdout, done.stderr)


def run_measured(*arguments, timeout: float = 180) -> tuple[Outcome, int]:
    """Runs the program to its end, and returns the most memory that it had as well, in bytes."""
    with tempfile.NamedTemporaryFile("r") as peak:
        # Between them: what a process was before it became the program counts for its memory.
        measure = [sys.executable, "-I", "-S", str(MEASURE), peak.name]
        outcome = run(*arguments, timeout=timeout, prefix=measure)
        return outcome, int(peak.read()) << 10


def start(
    *arguments, stdout, stderr, env: dict | None = None, prefix: list | None = None
) -> subprocess.Popen:
    """Starts the program and leaves it running; its output goes to the given open files."""
    words = [str(argument) for argument in arguments]
    return subprocess.Popen(
        [*(prefix or []), str(binary()), *words],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
    )
