"""A large image, and an installation that is killed again and again."""

import pytest

from images.oci_builder import write_layout
from recovery import large_image
from recovery.changing_fleet import IMAGE, Fleet
from support import advisories
from support.fleet import python_distribution
from support.installation import Installation
from support.webhook_receiver import WebhookReceiver


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


@pytest.fixture
def fleet(installation, start_server, builder, tmp_path):
    image = builder.image([builder.layer(python_distribution("tallyman-probe", "1.0.0"))])
    layout = write_layout(tmp_path / "layout", {IMAGE: image})
    return Fleet(installation, start_server, layout, tmp_path)


@pytest.fixture
def receiver():
    """Makes receivers and closes them at the end."""
    made = []

    def make(*first_answers) -> WebhookReceiver:
        made.append(WebhookReceiver(first_answers))
        return made[-1]

    yield make
    for it in made:
        it.close()
