"""Where the suites find the program, the tools and the caches."""

import os
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
REPOSITORY = TESTS.parent

BINARY = Path(os.environ.get("TALLYMAN_BIN", REPOSITORY / "target" / "debug" / "tallyman"))
TEST_ENV = Path(os.environ.get("TALLYMAN_TEST_ENV", REPOSITORY / "target" / "test-env"))
CACHE = TEST_ENV / "cache"
NODE_ENV = TEST_ENV / "node"
SPDX_TOOLS = TEST_ENV / "spdx" / "tools-java.jar"

_NEIGHBOUR = REPOSITORY.parent / "shared" / "contract"


def contract_file() -> Path:
    """The description of the API: CONTRACT_FILE, else the neighbour's, else the facts kept here."""
    candidates = [
        os.environ.get("CONTRACT_FILE"),
        _NEIGHBOUR / "image-family.json",
        TESTS / "contract" / "fields.json",
    ]
    return _first_file(candidates)


def signature_vectors_file() -> Path:
    """Recorded requests: SIGNATURE_VECTORS, else the neighbour's, else the published examples."""
    candidates = [
        os.environ.get("SIGNATURE_VECTORS"),
        _NEIGHBOUR / "signature-vectors.json",
        TESTS / "sdk" / "published_signatures.json",
    ]
    return _first_file(candidates)


def _first_file(candidates) -> Path:
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise FileNotFoundError(f"none of {[str(c) for c in candidates]} is a file")
