"""An image that takes a while to analyse."""

import gzip
import shutil
from pathlib import Path

from images import real_packages
from images.oci_builder import OCI_LAYER, Blob, Image, ImageBuilder, sha256_of_file

LAYERS = 4


def build(builder: ImageBuilder, scratch: Path) -> Image:
    """Several layers, each a whole Debian that differs from the others in its last bytes.

    A tar may be followed by zeros and a gzip file by another member, so that the expensive part is
    compressed once.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    base = builder.layer(real_packages.debian_rootfs(), "gzip")
    layers = []
    for number in range(LAYERS):
        path = scratch / f"layer-{number}.tar.gz"
        shutil.copyfile(base.path, path)
        with path.open("ab") as stream:
            stream.write(gzip.compress(bytes(10240 * (number + 1)), mtime=0))
        layers.append(_blob(path, number))
    return builder.image(layers)


def _blob(path: Path, number: int) -> Blob:
    # The diff id is what a config claims; nothing may depend on it, so that a made-up one will do.
    claimed = f"sha256:{number:064x}"
    media_type = f"{OCI_LAYER}+gzip"
    return Blob(path, sha256_of_file(path), path.stat().st_size, media_type, claimed)
