"""What an installation has stored, read from its database while it stands still."""

import sqlite3
from pathlib import Path

_MAGIC = b"SQLite format 3\x00"


def database(data: Path) -> Path:
    """The one database file of a data directory."""
    found = []
    for path in data.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(len(_MAGIC)) == _MAGIC:
                    found.append(path)
    assert len(found) == 1, f"{len(found)} databases below {data}: {found}"
    return found[0]


def image_states(data: Path) -> dict:
    """The state of each stored image by the digest of its manifest."""
    with sqlite3.connect(f"file:{database(data)}?mode=ro", uri=True, timeout=30) as connection:
        rows = connection.execute("SELECT manifest_digest, state FROM image").fetchall()
    connection.close()
    return dict(rows)


def is_sound(data: Path) -> bool:
    """Whether SQLite finds its file intact."""
    with sqlite3.connect(f"file:{database(data)}?mode=ro", uri=True, timeout=30) as connection:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return answer == "ok"
