"""Tables of known differences: one line each, fields parted by tabs, the reason last."""

from pathlib import Path


def read(path: Path, columns: tuple) -> list:
    """Returns the fields of each line; lines that begin with `#` say something about those below."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != len(columns) or not fields[-1].strip():
            raise SystemExit(f"{path}:{number}: give {len(columns)} fields: {', '.join(columns)}")
        rows.append(fields)
    return rows
