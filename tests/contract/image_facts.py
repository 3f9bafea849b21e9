"""Facts of an image, computed from the files of its OCI layout with nothing of the product."""

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class ImageFacts:
    """What the bytes of a layout say of one image."""

    manifest_hex: str
    config_hex: str
    size_bytes: int
    created_ms: int | None


def facts_in_layout(layout: Path, name: str) -> ImageFacts:
    """Reads the image that a layout lists under a name."""
    listed = json.loads((layout / "index.json").read_text())["manifests"]
    entry = next(item for item in listed if item["annotations"][REF_NAME] == name)
    manifest_path = _blob(layout, entry["digest"])
    manifest = json.loads(manifest_path.read_text())
    config_path = _blob(layout, manifest["config"]["digest"])
    sizes = [_blob(layout, layer["digest"]).stat().st_size for layer in manifest["layers"]]
    created = json.loads(config_path.read_text()).get("created")
    return ImageFacts(
        manifest_hex=_sha256sum(manifest_path),
        config_hex=_sha256sum(config_path),
        size_bytes=sum(sizes),
        created_ms=None if created is None else _milliseconds(created),
    )


def _blob(layout: Path, digest: str) -> Path:
    algorithm, _, hexadecimal = digest.partition(":")
    return layout / "blobs" / algorithm / hexadecimal


def _sha256sum(path: Path) -> str:
    shown = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True)
    return shown.stdout.split()[0]


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
