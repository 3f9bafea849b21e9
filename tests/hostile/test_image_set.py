"""Scans the hostile images that are made quickly; benches/hostile.sh scans all."""

import pytest

from hostile.image import Hostile, Workshop
from hostile.image_set import IMAGES

SMALL = [image for image in IMAGES if not image.is_large]


def test_every_image_has_a_name_of_its_own():
    assert len({image.name for image in IMAGES}) == len(IMAGES)


@pytest.mark.parametrize("image", SMALL, ids=[image.name for image in SMALL])
def test_a_hostile_image_is_never_taken_for_what_it_pretends_to_be(covered, tmp_path, image: Hostile):
    workshop = Workshop(tmp_path)
    layout = image.make(workshop)
    before = sorted(tmp_path.rglob("*"))
    outcome = covered.scan(layout)
    complaints = image.expected.complaints(outcome.exit_code, outcome.stdout, outcome.stderr)
    assert not complaints, f"{image.title}: {complaints}"
    assert sorted(tmp_path.rglob("*")) == before, "something was written"
