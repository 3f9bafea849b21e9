"""Percent-encoding of the RPC signatures: RFC 3986, section 2.3, over UTF-8."""

from urllib.parse import parse_qsl, quote


def encode(text: str) -> str:
    """Encodes everything but letters, digits, `-`, `_`, `.` and `~`."""
    return quote(text, safe="-_.~")


def canonical_pairs(pairs) -> str:
    """Sorts pairs by name and joins them, encoded; blank values stay."""
    ordered = sorted(pairs, key=lambda pair: (pair[0].encode(), pair[1].encode()))
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in ordered)


def decode_pairs(text: str) -> list:
    """Splits a query or a form into decoded pairs, blank values included."""
    return parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")


def as_text(value) -> str:
    """A parameter's value as it travels."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
