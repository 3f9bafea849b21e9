"""Runs package managers, and keeps what they made under the test environment's cache."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.paths import CACHE


def run(*command, cwd=None, env=None) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode != 0:
        shown = " ".join(str(word) for word in command)
        raise RuntimeError(f"`{shown}` failed with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def once(name: str, make) -> Path:
    """Makes a cached file or directory unless it is there; a half-made one is never seen."""
    kept = CACHE / name
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
        try:
            made = scratch / Path(name).name
            make(made)
            os.replace(made, kept)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return kept
