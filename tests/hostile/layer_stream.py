"""Writes the tar of a layer as a stream, with whatever names, sizes and links its entries claim.

Formats: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block". Python's own writer
refuses most of what is written here.
"""

import gzip
import zlib
from pathlib import Path

BLOCK = 512
FILE, HARD_LINK, SYMLINK, DIRECTORY, EXTENDED = b"0", b"1", b"2", b"5", b"x"

_CHECKSUM = slice(148, 156)


def header(name: bytes, size: int = 0, kind: bytes = FILE, link: bytes = b"") -> bytes:
    """One header; a size beyond eleven octal digits is written in binary, as GNU tar does."""
    octal = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    fields = (
        (name, 100),
        (b"0000755\0" if kind == DIRECTORY else b"0000644\0", 8),
        (b"0000000\0", 8),
        (b"0000000\0", 8),
        (octal, 12),
        (b"14524702400\0", 12),
        (b" " * 8, 8),
        (kind, 1),
        (link, 100),
        (b"ustar\x0000", 8),
    )
    block = bytearray(b"".join(value.ljust(width, b"\0") for value, width in fields))
    assert len(block) == 265, "a field is longer than its place"
    block.extend(bytes(BLOCK - len(block)))
    block[_CHECKSUM] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    """Content up to the next block."""
    return content + bytes(-len(content) % BLOCK)


def extended(records: dict) -> bytes:
    """An extended header for the entry that follows."""
    content = b"".join(_record(key.encode(), value) for key, value in records.items())
    return header(b"pax", len(content), EXTENDED) + padded(content)


def _record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    # The length counts its own digits.
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def entry(path: str, content: bytes | str = b"", kind: bytes = FILE, link: str = "") -> bytes:
    """One entry; names that do not fit a header stand in an extended one."""
    name, target = path.encode(), link.encode()
    data = content.encode() if isinstance(content, str) else content
    records = {}
    if len(name) > 100:
        records["path"], name = name, name[:100]
    if len(target) > 100:
        records["linkpath"], target = target, target[:100]
    before = extended(records) if records else b""
    return before + header(name, len(data), kind, target) + padded(data)


def numbered_entries(prefix: str, count: int, kind: bytes = FILE, suffix: str = "", link: str = ""):
    """Yields pieces with that many entries without content, each of another name."""
    zero = header(f"{prefix}{0:07d}{suffix}".encode(), kind=kind, link=link.encode())
    at = len(prefix)
    head, middle, tail = zero[:at], zero[at + 7 : _CHECKSUM.start], zero[_CHECKSUM.stop :]
    checksum = sum(zero) - sum(zero[_CHECKSUM]) + 8 * ord(" ")
    low = [(b"%03d" % n, sum(map(int, str(n)))) for n in range(1000)]
    for thousand in range(0, count, 1000):
        high = b"%04d" % (thousand // 1000)
        base = checksum + sum(high) - 4 * ord("0")
        start = head + high
        yield b"".join(
            [
                b"%b%b%b%06o\0 %b" % (start, digits, middle, base + digit_sum, tail)
                for digits, digit_sum in low[: count - thousand]
            ]
        )


def end() -> bytes:
    """The end of an archive."""
    return bytes(2 * BLOCK)


class GzipFile:
    """Writes a gzip file, in one member or, where bytes repeat, in many."""

    def __init__(self, path: Path):
        self._file = path.open("wb")

    def __enter__(self) -> "GzipFile":
        return self

    def __exit__(self, *_):
        self._file.close()

    def member(self, pieces) -> "GzipFile":
        """Writes the pieces as one member."""
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        for piece in pieces:
            self._file.write(packer.compress(piece))
        self._file.write(packer.flush())
        return self

    def zeros(self, count: int) -> "GzipFile":
        """Writes that many zeros in members of 64 MiB, packed as tightly as the format can."""
        whole, rest = divmod(count, 64 << 20)
        packed = gzip.compress(bytes(64 << 20), 9, mtime=0) if whole else b""
        for _ in range(whole):
            self._file.write(packed)
        self._file.write(gzip.compress(bytes(rest), 9, mtime=0))
        return self

    def incompressible(self, content: bytes) -> "GzipFile":
        """Writes content unpacked."""
        self._file.write(gzip.compress(content, 0, mtime=0))
        return self
