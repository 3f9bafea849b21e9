"""All hostile images, in the order in which they are told of in docs/hostile-images.md."""

from hostile import escapes, floods, lies, nesting, parsers
from hostile.image import Hostile, Workshop, analyzed, witness


def _plain(workshop: Workshop):
    return workshop.layout(workshop.gzip(witness()))


IMAGES: list[Hostile] = [
    Hostile("plain", "nothing but the package that others hold as well", _plain, analyzed()),
    *floods.IMAGES,
    *nesting.IMAGES,
    *lies.IMAGES,
    *escapes.IMAGES,
    *parsers.IMAGES,
]
