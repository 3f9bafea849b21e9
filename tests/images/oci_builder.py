"""Builds container images byte by byte: layers, configurations, manifests and how they are packed.

Formats: OCI image-spec (layer.md, config.md, manifest.md, image-index.md, image-layout.md) and the
archive of `docker save`. Nothing is shared with the product's own builder.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
FOREIGN_LAYERS = (
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
)
REF_NAME = "org.opencontainers.image.ref.name"

_SUFFIX = {"none": "", "gzip": "+gzip", "zstd": "+zstd"}
_CHUNK = 1 << 20


def sha256_of_bytes(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


@dataclass(frozen=True)
class Blob:
    """Bytes that a manifest speaks of, kept in a file."""

    path: Path
    digest: str
    size: int
    media_type: str
    diff_id: str = ""
    urls: tuple = ()

    def descriptor(self) -> dict:
        described = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        return {**described, "urls": list(self.urls)} if self.urls else described


class LayerTar:
    """Writes the tar of one layer, entry by entry."""

    def __init__(self):
        self._bytes = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._bytes, mode="w", format=tarfile.PAX_FORMAT)
        self._directories = set()

    def file(self, path: str, content: bytes | str, mode: int = 0o644) -> "LayerTar":
        """Adds a regular file and the directories above it."""
        self._parents(path)
        data = content.encode() if isinstance(content, str) else content
        entry = self._entry(path, mode)
        entry.size = len(data)
        self._tar.addfile(entry, io.BytesIO(data))
        return self

    def symlink(self, path: str, target: str) -> "LayerTar":
        self._parents(path)
        entry = self._entry(path, 0o777)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)
        return self

    def hardlink(self, path: str, target: str) -> "LayerTar":
        self._parents(path)
        entry = self._entry(path, 0o644)
        entry.type, entry.linkname = tarfile.LNKTYPE, target
        self._tar.addfile(entry)
        return self

    def tree(self, source: Path, prefix: str) -> "LayerTar":
        """Adds what lies beneath a directory of this machine, in a stable order."""
        for root, directories, files in os.walk(source):
            directories.sort()
            for name in sorted(files + [d for d in directories if Path(root, d).is_symlink()]):
                path = Path(root, name)
                inside = f"{prefix}/{path.relative_to(source)}".lstrip("/")
                if path.is_symlink():
                    self.symlink(inside, os.readlink(path))
                else:
                    self.file(inside, path.read_bytes(), path.stat().st_mode & 0o777)
        return self

    def remove(self, path: str) -> "LayerTar":
        """Hides a file or directory of the layers below (a whiteout)."""
        parent, _, name = path.rpartition("/")
        return self.file(f"{parent}/.wh.{name}" if parent else f".wh.{name}", b"")

    def hide_below(self, directory: str) -> "LayerTar":
        """Makes a directory opaque: nothing of it shines through from the layers below."""
        return self.file(f"{directory}/.wh..wh..opq", b"")

    def bytes(self) -> bytes:
        self._tar.close()
        return self._bytes.getvalue()

    def _parents(self, path: str):
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            directory = "/".join(parts[:depth])
            if directory not in self._directories:
                self._directories.add(directory)
                entry = self._entry(directory, 0o755)
                entry.type = tarfile.DIRTYPE
                self._tar.addfile(entry)

    @staticmethod
    def _entry(path: str, mode: int) -> tarfile.TarInfo:
        entry = tarfile.TarInfo(path)
        entry.mode, entry.mtime = mode, 1_700_000_000
        return entry


@dataclass
class Image:
    """One image: its configuration, its layers from the base upwards, and its manifest."""

    config: Blob
    layers: list
    manifest: Blob
    platform: dict

    @property
    def size_bytes(self) -> int:
        return sum(layer.size for layer in self.layers)

    def blobs(self) -> list:
        return [*(layer for layer in self.layers if not layer.urls), self.config, self.manifest]

    def descriptor(self) -> dict:
        return {**self.manifest.descriptor(), "platform": self.platform}


@dataclass
class Index:
    """An index of several images, one for each platform."""

    manifest: Blob
    images: list

    def blobs(self) -> list:
        return [blob for image in self.images for blob in image.blobs()] + [self.manifest]

    def descriptor(self) -> dict:
        return self.manifest.descriptor()


@dataclass
class ImageBuilder:
    """Makes layers and images; the bytes lie in one scratch directory under their digests."""

    scratch: Path
    created: str = "2024-05-06T07:08:09Z"
    _known: dict = field(default_factory=dict)

    def layer(self, tar: LayerTar | bytes | Path, compression: str = "gzip") -> Blob:
        """Packs a layer of a tar."""
        if isinstance(tar, LayerTar):
            tar = tar.bytes()
        if isinstance(tar, bytes):
            plain = self._scratch_file("layer.tar")
            plain.write_bytes(tar)
        else:
            plain = tar
        diff_id = sha256_of_file(plain)
        key = (diff_id, compression)
        if key not in self._known:
            packed = self._compress(plain, compression)
            self._known[key] = self._store(packed, OCI_LAYER + _SUFFIX[compression], diff_id)
        if isinstance(tar, bytes):
            plain.unlink(missing_ok=True)
        return self._known[key]

    def foreign_layer(self, tar: LayerTar, media_type: str, *urls: str) -> Blob:
        """A layer that is to be fetched from somewhere else, which nobody may do unasked: what has
        addresses is not written with its image."""
        return replace(self.layer(tar), media_type=media_type, urls=urls)

    def image(
        self,
        layers: list,
        *,
        architecture: str = "amd64",
        variant: str | None = None,
        created: str | None = "",
        labels: dict | None = None,
    ) -> Image:
        """Makes an image of layers; `created=None` leaves the time out."""
        platform = {"os": "linux", "architecture": architecture}
        if variant:
            platform["variant"] = variant
        config = {
            **platform,
            "config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/true"], "Labels": labels or {}},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created_by": f"layer {n}"} for n, _ in enumerate(layers)],
        }
        if created is not None:
            config["created"] = created or self.created
        config_blob = self._json(config, OCI_CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config_blob.descriptor(),
            "layers": [layer.descriptor() for layer in layers],
        }
        return Image(config_blob, list(layers), self._json(manifest, OCI_MANIFEST), platform)

    def index(self, images: list) -> Index:
        """Makes an index over images of several platforms."""
        content = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [image.descriptor() for image in images],
        }
        return Index(self._json(content, OCI_INDEX), list(images))

    def _json(self, value: dict, media_type: str) -> Blob:
        path = self._scratch_file("blob.json")
        path.write_text(json.dumps(value, separators=(",", ":")))
        return self._store(path, media_type)

    def _store(self, path: Path, media_type: str, diff_id: str = "") -> Blob:
        digest = sha256_of_file(path)
        kept = self.scratch / digest.removeprefix("sha256:")
        if not kept.exists():
            shutil.move(path, kept)
        elif path != kept:
            path.unlink()
        return Blob(kept, digest, kept.stat().st_size, media_type, diff_id)

    def _scratch_file(self, name: str) -> Path:
        self.scratch.mkdir(parents=True, exist_ok=True)
        return self.scratch / f"new-{name}"

    def _compress(self, plain: Path, compression: str) -> Path:
        packed = self._scratch_file("packed")
        if compression == "none":
            shutil.copyfile(plain, packed)
        elif compression == "gzip":
            with plain.open("rb") as source, packed.open("wb") as raw:
                with gzip.GzipFile("", "wb", 1, raw, mtime=0) as target:
                    shutil.copyfileobj(source, target, _CHUNK)
        elif compression == "zstd":
            command = ["zstd", "-q", "-f", "-3", "-o", str(packed), str(plain)]
            subprocess.run(command, check=True)
        else:
            raise ValueError(f"no such compression: {compression}")
        return packed


def write_layout(directory: Path, named: dict) -> Path:
    """Writes an OCI layout; `named` maps a reference to its image or index."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    manifests = []
    for name, image in named.items():
        for blob in image.blobs():
            target = blobs / blob.digest.removeprefix("sha256:")
            if not target.exists():
                shutil.copyfile(blob.path, target)
        manifests.append({**image.descriptor(), "annotations": {REF_NAME: name}})
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    (directory / "index.json").write_text(json.dumps(index))
    return directory


def blob_path(layout: Path, digest: str) -> Path:
    """The file of a blob inside a layout."""
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def write_layout_tar(archive: Path, named: dict, scratch: Path) -> Path:
    """Writes an OCI layout as one tar."""
    directory = write_layout(scratch, named)
    with tarfile.open(archive, "w") as tar:
        for path in sorted(directory.rglob("*")):
            tar.add(path, str(path.relative_to(directory)), recursive=False)
    return archive


def write_docker_archive(archive: Path, named: dict) -> Path:
    """Writes what `docker save` writes: manifest.json, configurations, layers."""
    written, entries = set(), []
    with tarfile.open(archive, "w") as tar:
        for name, image in named.items():
            config = image.config.digest.removeprefix("sha256:") + ".json"
            layers = [layer.digest.removeprefix("sha256:") + "/layer.tar" for layer in image.layers]
            blobs = zip([config, *layers], [image.config, *image.layers], strict=True)
            for path, blob in blobs:
                if path not in written:
                    written.add(path)
                    tar.add(blob.path, path)
            entries.append({"Config": config, "RepoTags": [name], "Layers": layers})
        manifest = json.dumps(entries).encode()
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest))
    return archive
