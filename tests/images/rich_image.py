"""One image with everything: a whole Debian, Python, npm and Go layers, and one that removes."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from images import real_packages
from images.oci_builder import Image, ImageBuilder, LayerTar

DEBIAN, PYTHON, NODE, GO, REMOVALS = range(5)

_EXPRESS = f"{real_packages.NODE_PREFIX}/lib/node_modules/express"
_NEW_EXPRESS = json.dumps({"name": "express", "version": "5.0.0"})
_REMOVED_DIST_INFO = "requests-2.19.1.dist-info"


@dataclass(frozen=True)
class RichImage:
    """The image, and a directory with what its final filesystem shows of each ecosystem."""

    image: Image
    final_python: Path
    final_node: Path

    def debian_packages(self) -> list:
        return real_packages.dpkg_packages(real_packages.debian_metadata())

    def python_packages(self) -> set:
        return real_packages.pip_packages(self.final_python)

    def node_packages(self) -> set:
        return real_packages.npm_packages(self.final_node)

    def go_modules(self) -> set:
        return real_packages.go_modules(real_packages.go_binary())


def build(builder: ImageBuilder, scratch: Path) -> RichImage:
    """Builds the image and, apart from it, the final directories that the oracles look at."""
    removals = (
        LayerTar()
        .remove(f"{real_packages.SITE_PACKAGES}/{_REMOVED_DIST_INFO}")
        .hide_below(_EXPRESS)
        .file(f"{_EXPRESS}/package.json", _NEW_EXPRESS)
    )
    python, node = real_packages.python_packages(), real_packages.node_packages()
    layers = [
        builder.layer(real_packages.debian_rootfs(), "gzip"),
        builder.layer(LayerTar().tree(python, real_packages.SITE_PACKAGES), "zstd"),
        builder.layer(LayerTar().tree(node, real_packages.NODE_PREFIX), "none"),
        builder.layer(
            LayerTar().file(real_packages.GO_BINARY, real_packages.go_binary().read_bytes(), 0o755)
        ),
        builder.layer(removals),
    ]
    final_python, final_node = scratch / "python", scratch / "node"
    shutil.copytree(python, final_python)
    shutil.rmtree(final_python / _REMOVED_DIST_INFO)
    shutil.copytree(node, final_node, symlinks=True)
    express = final_node / "lib/node_modules/express"
    shutil.rmtree(express)
    express.mkdir()
    (express / "package.json").write_text(_NEW_EXPRESS)
    return RichImage(builder.image(layers), final_python, final_node)
