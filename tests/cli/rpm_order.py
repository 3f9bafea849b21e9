"""The order of RPM versions, as rpm's documentation of version comparison describes it: epochs,
then versions, then releases, each in runs of digits and of letters, with `~` before and `^` after."""

import re
from itertools import zip_longest


def _segments(text):
    return re.findall(r"\d+|[a-zA-Z]+|~|\^", text)


def _rank(segment):
    """What sorts before what: a tilde, the end, a caret, letters, digits."""
    if segment is None:
        return (1,)
    if segment == "~":
        return (0,)
    if segment == "^":
        return (2,)
    return (4, int(segment)) if segment.isdigit() else (3, segment)


def _compare(a, b):
    for one, other in zip_longest(_segments(a), _segments(b)):
        ranks = _rank(one), _rank(other)
        if ranks[0] != ranks[1]:
            return -1 if ranks[0] < ranks[1] else 1
    return 0


def _parts(version):
    epoch, _, rest = version.rpartition(":")
    number, _, release = rest.partition("-")
    return int(epoch or 0), number, release


def is_before(a, b):
    """Tells whether version `a` is less than version `b`."""
    (epoch_a, *parts_a), (epoch_b, *parts_b) = _parts(a), _parts(b)
    if epoch_a != epoch_b:
        return epoch_a < epoch_b
    for one, other in zip(parts_a, parts_b, strict=True):
        order = _compare(one, other)
        if order:
            return order < 0
    return False
