"""Layers with a table of contents, and how much of them a scan fetches: the program of
benches/lazy.sh."""

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from registry import start_registry

FORMATS = ("estargz", "zstd-chunked")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
PIECE = 1 << 20


def run(*command: str | Path) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return result.stdout


def write_blob(blobs: Path, content: bytes) -> dict:
    name = hashlib.sha256(content).hexdigest()
    (blobs / name).write_bytes(content)
    return {"digest": f"sha256:{name}", "size": len(content)}


def to_json(value: dict) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()


class Converter:
    """Packs each layer once in each format; what is there is used again."""

    def __init__(self, packer: Path, kept: Path) -> None:
        self.packer = packer
        self.kept = kept

    def layer(self, kind: str, packed: Path) -> dict:
        """Returns the descriptor of a layer, whose blob is beside it."""
        folder = self.kept / kind
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / f"{packed.name}.json"
        if not note.exists():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                blob = Path(scratch) / "layer"
                descriptor = json.loads(run(self.packer, kind, packed, blob))
                blob.rename(folder / descriptor["digest"].split(":")[1])
            note.write_bytes(to_json(descriptor))
        return json.loads(note.read_text())


def blob_of(layout: Path, descriptor: dict) -> Path:
    return layout / "blobs" / descriptor["digest"].replace(":", "/")


def read_manifest(layout: Path) -> dict:
    index = json.loads((layout / "index.json").read_text())
    return json.loads(blob_of(layout, index["manifests"][0]).read_text())


def convert(converter: Converter, layout: Path, kind: str, target: Path) -> int:
    """Writes a layout with the layers of another one in a format; returns their size."""
    blobs = target / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifest = read_manifest(layout)
    layers = []
    for layer in manifest["layers"]:
        descriptor = converter.layer(kind, blob_of(layout, layer))
        name = descriptor["digest"].split(":")[1]
        if not (blobs / name).exists():
            os.link(converter.kept / kind / name, blobs / name)
        layers.append(descriptor)
    # The digests of what the layers hold are not those of the tars that were made; nobody asks.
    config = write_blob(blobs, blob_of(layout, manifest["config"]).read_bytes())
    changed = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, **config},
        "layers": layers,
    }
    entry = {"mediaType": MANIFEST, **write_blob(blobs, to_json(changed))}
    entry["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    (target / "index.json").write_bytes(to_json({"schemaVersion": 2, "manifests": [entry]}))
    (target / "oci-layout").write_bytes(to_json({"imageLayoutVersion": "1.0.0"}))
    return sum(layer["size"] for layer in layers)


class Meter:
    """Stands before the registry and counts the bytes that come from it, headers included."""

    def __init__(self, registry_port: int) -> None:
        self.registry_port = registry_port
        self.carried = 0

    async def start(self) -> tuple[asyncio.Server, int]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.registry_port)
        there = self.copy(reader, far_writer, counts=False)
        await asyncio.gather(there, self.copy(far_reader, writer, counts=True))

    async def copy(self, reader, writer, *, counts: bool) -> None:
        try:
            while piece := await reader.read(PIECE):
                if counts:
                    self.carried += len(piece)
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


async def scan(tallyman: str, image: str, data: Path, *options: str) -> list:
    """Scans an image and returns its packages."""
    command = [tallyman, "scan", "--data", str(data), image, "--format", "json", *options]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return json.loads(output)["packages"]


async def measure(arguments: argparse.Namespace, scratch: Path, registry_port: int) -> None:
    converter = Converter(arguments.packer, arguments.kept)
    meter = Meter(registry_port)
    server, port = await meter.start()
    for name in arguments.images:
        for kind in FORMATS:
            layout = scratch / f"{name}-{kind}"
            size = convert(converter, arguments.directory / name, kind, layout)
            push = f"docker://127.0.0.1:{registry_port}/{name}:{kind}"
            run("skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{layout}:1", push)
            image = f"registry:127.0.0.1:{port}/{name}:{kind}"
            meter.carried = 0
            packages = await scan(arguments.tallyman, image, scratch / f"{name}-{kind}-data")
            fetched = meter.carried
            if arguments.compare:
                data = scratch / f"{name}-{kind}-whole"
                whole = await scan(arguments.tallyman, image, data, "--whole-layers")
                print(f"{name}.{kind}.differences={differences(packages, whole)} packages")
            print(f"{name}.{kind}.layers={size} bytes")
            print(f"{name}.{kind}.fetched={fetched} bytes")
            print(f"{name}.{kind}.share={100 * fetched / size:.2f} %", flush=True)
    server.close()


def differences(some: list, others: list) -> int:
    one, other = ({json.dumps(it, sort_keys=True) for it in them} for them in (some, others))
    return len(one ^ other)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tallyman", required=True)
    parser.add_argument("--packer", type=Path, required=True)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--compare", action="store_true", help="compare with a full read as well")
    parser.add_argument("directory", type=Path)
    parser.add_argument("images", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.kept) as scratch:
        registry, port = start_registry(Path(scratch))
        try:
            asyncio.run(measure(arguments, Path(scratch), port))
        finally:
            registry.kill()


if __name__ == "__main__":
    main()
