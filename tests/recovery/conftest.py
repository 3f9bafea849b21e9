"""A large image, and an installation that is killed again and again."""

import pytest

from images.oci_builder import write_layout
from recovery import large_image
from support import advisories
from support.installation import Installation


@pytest.fixture(scope="session")
def large(builder, tmp_path_factory):
    """The image and its layout."""
    directory = tmp_path_factory.mktemp("large")
    image = large_image.build(builder, directory / "layers")
    layout = write_layout(directory / "layout", {"registry.example.com/big/image:1": image})
    return image, layout


@pytest.fixture
def covered_installation(tmp_path):
    """A new installation in which every ecosystem of the images has a feed."""
    made = Installation(tmp_path / "data")
    made.import_advisories(advisories.write(tmp_path / "advisories", advisories.coverage()))
    return made
