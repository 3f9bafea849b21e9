"""Packs directory trees into layers and layers into OCI layouts, and says what is in them.

    layers.py pack TREE LAYER [--note TEXT]     a tree, as overlayfs leaves it, to a gzip layer
    layers.py assemble LAYOUT NAME LAYER...     layers, lowest first, to a layout
    layers.py table DIRECTORY [NAME...]         a line for each layout

A packed layer is a directory with `blob` and `layer.json`. It appears complete or not at all.
Formats: OCI image-spec, layer.md (whiteouts), config.md, manifest.md, image-layout.md.
"""

import argparse
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

CHUNK = 1 << 20
OPAQUE_XATTR = "trusted.overlay.opaque"
# Layouts do not say when they were made: the same layers give the same manifest.
CREATED = "2026-01-01T00:00:00Z"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("pack")
    command.add_argument("tree", type=Path)
    command.add_argument("layer", type=Path)
    command.add_argument("--note", default="")
    command.set_defaults(
        run=lambda given: pack(given.tree.resolve(), given.layer.resolve(), given.note)
    )
    command = commands.add_parser("assemble")
    command.add_argument("layout", type=Path)
    command.add_argument("name")
    command.add_argument("layers", type=Path, nargs="+")
    command.set_defaults(run=lambda given: assemble(given.layout.resolve(), given.name, given.layers))
    command = commands.add_parser("table")
    command.add_argument("directory", type=Path)
    command.add_argument("names", nargs="*")
    command.set_defaults(run=lambda given: print_table(given.directory, given.names))
    given = parser.parse_args()
    given.run(given)
    return 0


def pack(tree: Path, layer: Path, note: str):
    """Writes the layer that turns the layers below into what the tree adds and removes."""
    layer.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".packing-", dir=layer.parent))
    try:
        removed, marks = whiteouts(tree)
        for mark in marks:
            path = making / "marks" / mark
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        write_names(making / "removed", removed)
        write_names(making / "marks.list", marks)
        told = compress(tar_command(tree, making), making / "blob")
        with (making / "entries").open("rb") as names:
            told["entries"] = sum(1 for _ in names)
        told["note"] = note
        for leftover in ("removed", "marks.list", "entries"):
            (making / leftover).unlink()
        shutil.rmtree(making / "marks", ignore_errors=True)
        (making / "layer.json").write_text(json.dumps(told, indent=1) + "\n")
        if layer.exists():
            shutil.rmtree(layer)
        making.rename(layer)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def write_names(path: Path, names: list):
    path.write_bytes(b"".join(os.fsencode(f"{name}\n") for name in names))


def whiteouts(tree: Path) -> tuple[list, list]:
    """Returns overlayfs' devices for removed files, and the names that stand for them in a tar."""
    removed, marks = [], []
    for root, directories, files in os.walk(tree):
        inside = Path(root).relative_to(tree)
        for name in files:
            if is_removal(Path(root, name)):
                removed.append(inside / name)
                marks.append(inside / f".wh.{name}")
        for name in directories:
            path = Path(root, name)
            if not path.is_symlink() and is_opaque(path):
                marks.append(inside / name / ".wh..wh..opq")
    return removed, marks


def is_removal(path: Path) -> bool:
    shown = os.lstat(path)
    return stat.S_ISCHR(shown.st_mode) and shown.st_rdev == 0


def is_opaque(directory: Path) -> bool:
    try:
        return os.getxattr(directory, OPAQUE_XATTR) == b"y"
    except OSError:
        return False


def tar_command(tree: Path, making: Path) -> list:
    """The tar as container engines write it: whole seconds, no owners' names, no leading `./`."""
    command = ["tar", "--create", "--file=-", "--sort=name", "--format=posix", "--numeric-owner"]
    command += ["--pax-option=delete=atime,delete=ctime,delete=mtime"]
    command += ["--xattrs", "--xattrs-include=security.capability"]
    command += ["--verbose", f"--index-file={making / 'entries'}"]
    command += ["--anchored", "--no-wildcards", f"--exclude-from={making / 'removed'}"]
    command.append(f"--directory={tree}")
    tops = sorted(path.name for path in tree.iterdir() if not is_removal(path))
    command += [f"--add-file={name}" for name in tops]
    if (making / "marks").exists():
        command += [f"--directory={making / 'marks'}", f"--files-from={making / 'marks.list'}"]
    elif not tops:
        raise SystemExit(f"{tree} changes nothing")
    return command


def compress(command: list, blob: Path) -> dict:
    """Runs a command that writes a tar, compresses it to a file, and returns both ends' digests."""
    packer = ["pigz", "-6", "-n", "-c"] if shutil.which("pigz") else ["gzip", "-6", "-n", "-c"]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)
    gzip = subprocess.Popen(packer, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    packed = Counter()

    def keep():
        with blob.open("wb") as out:
            while chunk := gzip.stdout.read1(CHUNK):
                packed.see(chunk)
                out.write(chunk)

    keeper = threading.Thread(target=keep)
    keeper.start()
    plain = Counter()
    while chunk := writer.stdout.read(CHUNK):
        plain.see(chunk)
        gzip.stdin.write(chunk)
    gzip.stdin.close()
    keeper.join()
    if writer.wait() != 0 or gzip.wait() != 0:
        raise SystemExit(f"`{command[0]}` or `{packer[0]}` failed")
    return {
        "digest": packed.digest(),
        "size": packed.size,
        "diff_id": plain.digest(),
        "uncompressed": plain.size,
    }


class Counter:
    """The digest and the length of a stream."""

    def __init__(self):
        self.size = 0
        self._hash = hashlib.sha256()

    def see(self, chunk: bytes):
        self.size += len(chunk)
        self._hash.update(chunk)

    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def assemble(layout: Path, name: str, layers: list):
    """Writes a layout of one image; blobs are hard links to the packed layers'."""
    making = Path(tempfile.mkdtemp(prefix=f".tmp-{layout.name}-", dir=layout.parent))
    try:
        blobs = making / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        told = [json.loads((layer / "layer.json").read_text()) for layer in layers]
        for layer, facts in zip(layers, told):
            target = blobs / facts["digest"].removeprefix("sha256:")
            if not target.exists():
                os.link(layer / "blob", target)
        config = write_blob(blobs, CONFIG, configuration(told))
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
        for facts in told:
            described = {"mediaType": LAYER, "digest": facts["digest"], "size": facts["size"]}
            manifest["layers"].append(described)
        described = write_blob(blobs, MANIFEST, manifest)
        described["platform"] = {"architecture": "amd64", "os": "linux"}
        described["annotations"] = {"org.opencontainers.image.ref.name": name}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [described]}
        (making / "index.json").write_text(json.dumps(index))
        (making / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
        (making / "facts.json").write_text(json.dumps(told, indent=1) + "\n")
        making.chmod(0o755)
        making.rename(layout)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def configuration(told: list) -> dict:
    return {
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["/bin/sh"],
        },
        "rootfs": {"type": "layers", "diff_ids": [facts["diff_id"] for facts in told]},
        "history": [{"created": CREATED, "created_by": facts["note"]} for facts in told],
    }


def write_blob(blobs: Path, media_type: str, content: dict) -> dict:
    data = json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def print_table(directory: Path, names: list):
    """Prints what the layouts hold: a line of headings, then a line for each."""
    if not names:
        names = sorted(path.parent.name for path in directory.glob("[!.]*/facts.json"))
    print(f"{'image':<12} {'layers':>6} {'compressed':>13} {'uncompressed':>14} {'entries':>8}")
    for name in names:
        layers = json.loads((directory / name / "facts.json").read_text())
        compressed, uncompressed, entries = (
            sum(layer[key] for layer in layers) for key in ("size", "uncompressed", "entries")
        )
        print(f"{name:<12} {len(layers):>6} {compressed:>13} {uncompressed:>14} {entries:>8}")


if __name__ == "__main__":
    sys.exit(main())
