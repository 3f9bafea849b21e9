"""Images that say of themselves what is not so: sizes, digests, diff ids."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

from hostile import layer_stream
from hostile.image import Hostile, Workshop, analyzed, failed, refused, witness
from images.oci_builder import sha256_of_bytes, sha256_of_file
from support.fleet import python_distribution

MIB = 1 << 20
BEYOND_64_BITS = 2**64 - 256


def _truncated_gzip(workshop: Workshop) -> Path:
    content = gzip.compress(workshop.unique() + witness(), mtime=0)
    path = workshop.path("cut.gz")
    path.write_bytes(content[:-30])
    return workshop.layout(workshop.packed(path))


def _truncated_in_the_store(workshop: Workshop) -> Path:
    layer = workshop.gzip(witness())
    layout = workshop.layout(layer)
    stored = workshop.blob(layout, layer)
    stored.write_bytes(stored.read_bytes()[:-30])
    return layout


def _other_content(workshop: Workshop) -> Path:
    layer = workshop.gzip(witness())
    layout = workshop.layout(layer)
    other = gzip.compress(python_distribution("pluggy", "9.9.9").bytes(), mtime=0)
    workshop.blob(layout, layer).write_bytes(other.ljust(layer.size, b"\0")[: layer.size])
    return layout


def _other_config(workshop: Workshop) -> Path:
    image = workshop.builder.image([workshop.gzip(witness())])
    layout = workshop.layout_of(image)
    stored = workshop.blob(layout, image.config)
    stored.write_text(stored.read_text().replace("amd64", "arm64"))
    return layout


def _claimed_size(change: int):
    def make(workshop: Workshop) -> Path:
        layer = workshop.gzip(witness())
        return workshop.layout(replace(layer, size=layer.size + change))

    return make


def _entry_of_size(size: int):
    """The last entry claims more than there is."""

    def make(workshop: Workshop) -> Path:
        path = "opt/app/lib/python3.11/site-packages/big-1.dist-info/METADATA"
        claim = layer_stream.header(path.encode(), size)
        return workshop.layout(workshop.gzip(witness()[: -20 * 512], claim, b"Name: big\n"))

    return make


def _pax_size(workshop: Workshop) -> Path:
    """The engines go by the extended header: what looks like the end is content."""
    hidden = workshop.builder.layer(python_distribution("hidden", "1")).path
    content = gzip.decompress(hidden.read_bytes())
    claim = layer_stream.extended({"size": str(len(content)).encode()})
    blob = layer_stream.header(b"srv/blob", 0)
    return workshop.layout(workshop.gzip(claim, blob, content, witness()))


def _diff_ids_of_another_image(workshop: Workshop) -> Path:
    """The layers of a clean image are named as the unpacked ones of this image."""
    clean = workshop.builder.image([workshop.builder.layer(python_distribution("clean", "1"))])
    layer = workshop.gzip(witness())
    claims = replace(layer, diff_id=clean.layers[0].diff_id)
    return workshop.layout(claims)


def _layers_without_diff_id(workshop: Workshop) -> Path:
    image = workshop.builder.image([workshop.gzip(witness())])
    config = json.loads(image.config.path.read_text())
    config["rootfs"]["diff_ids"] = []
    changed = workshop.path("config")
    changed.write_text(json.dumps(config))
    digest = sha256_of_file(changed)
    config_blob = replace(image.config, path=changed, digest=digest, size=changed.stat().st_size)
    manifest = json.loads(image.manifest.path.read_text())
    manifest["config"] = config_blob.descriptor()
    content = json.dumps(manifest).encode()
    changed = workshop.path("manifest")
    changed.write_bytes(content)
    digest = sha256_of_bytes(content)
    manifest_blob = replace(image.manifest, path=changed, digest=digest, size=len(content))
    return workshop.layout_of(replace(image, config=config_blob, manifest=manifest_blob))


IMAGES = [
    Hostile(
        "gzip-cut",
        "a gzip layer that ends early, under its own digest",
        _truncated_gzip,
        failed("decompress"),
    ),
    Hostile("layer-cut", "a layer that is cut in the store", _truncated_in_the_store, failed("bytes")),
    Hostile(
        "layer-digest",
        "a layer of the right size with another content",
        _other_content,
        failed("digest"),
    ),
    Hostile(
        "config-digest",
        "a configuration of the right size with another content",
        _other_config,
        refused("its digest is"),
    ),
    Hostile("layer-larger", "a layer that is larger than said", _claimed_size(-7), failed("bytes")),
    Hostile("layer-smaller", "a layer that is smaller than said", _claimed_size(7), failed("bytes")),
    Hostile(
        "layer-huge",
        "a layer that is said to have 8 EiB",
        _claimed_size(2**63 - MIB),
        failed(),
    ),
    Hostile(
        "entry-larger",
        "a package's metadata that claims 16 MiB more than the layer has",
        _entry_of_size(16 * MIB),
        failed("truncated in the content of an entry"),
    ),
    Hostile(
        "entry-huge",
        "an entry that claims nearly 2⁶⁴ bytes",
        _entry_of_size(BEYOND_64_BITS),
        failed("tar is broken"),
    ),
    Hostile(
        "entry-pax-size",
        "a size in the extended header that differs from the header's, as content with a package",
        _pax_size,
        analyzed(),
    ),
    Hostile(
        "diff-ids",
        "a configuration that claims another image's diff ids",
        _diff_ids_of_another_image,
        analyzed(),
    ),
    Hostile(
        "diff-ids-missing",
        "a configuration without a diff id for the layer",
        _layers_without_diff_id,
        refused("it lists 0 layers, the manifest 1"),
    ),
]
