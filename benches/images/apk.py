"""Installs files as packages of apk: copies them and writes the record in the database.

    apk.py ROOT NAME VERSION ORIGIN [STAGED]

No packages of Alpine are needed for that, and no Alpine. Format: apk-tools' documentation,
apk-package(5) and the database's fields as `lib/apk/db/installed` of a real system has them.
"""

import base64
import hashlib
import os
import shutil
import sys
from pathlib import Path

DATABASE = "lib/apk/db/installed"


def main(root: Path, name: str, version: str, origin: str, staged: Path | None) -> int:
    size, files = 0, []
    if staged:
        shutil.copytree(staged, root, symlinks=True, dirs_exist_ok=True)
        for directory, directories, names in os.walk(staged):
            directories.sort()
            inside = Path(directory).relative_to(staged)
            if inside != Path():
                files.append(f"F:{inside}")
            for file in sorted(names):
                path = Path(directory, file)
                size += path.lstat().st_size
                files += [f"R:{file}", f"Z:{checksum(content_of(path))}"]
    record = [
        f"C:{checksum(f'{name}-{version}'.encode())}",
        f"P:{name}",
        f"V:{version}",
        "A:x86_64",
        f"S:{size // 2}",
        f"I:{size}",
        f"T:The package {name}",
        f"U:https://example.com/{origin}",
        "L:MIT",
        f"o:{origin}",
        "m:The distribution's developers <developers@example.com>",
        "t:1714981135",
        "c:66187892e05b03a41d08e9acabd19b7576a1c875",
        *files,
    ]
    database = root / DATABASE
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.open("a") as out:
        out.write("\n".join(record) + "\n\n")
    with (database.parent / "../../../etc/apk/world").resolve().open("a") as world:
        world.write(f"{name}\n")
    return 0


def content_of(path: Path) -> bytes:
    """What apk computes the checksum over: for a link, its target."""
    return os.readlink(path).encode() if path.is_symlink() else path.read_bytes()


def checksum(content: bytes) -> str:
    """`Q1` and the SHA-1 in base64."""
    return "Q1" + base64.b64encode(hashlib.sha1(content).digest()).decode()


if __name__ == "__main__":
    if not 5 <= len(sys.argv) <= 6:
        sys.exit(__doc__.strip())
    root, name, version, origin, *staged = sys.argv[1:]
    sys.exit(main(Path(root), name, version, origin, Path(staged[0]) if staged else None))
