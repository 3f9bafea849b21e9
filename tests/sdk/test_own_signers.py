"""The suites' own signers agree with recorded requests of the official SDKs."""

import json

import pytest

from support import signature_v1, signature_v3
from support.paths import signature_vectors_file
from support.raw_http import RawRequest

_VECTORS = [
    vector
    for vector in json.loads(signature_vectors_file().read_text())["vectors"]
    if vector["expect"] == "valid" and vector["scheme"] in ("HMAC-SHA1", "ACS3-HMAC-SHA256")
]


def _request(vector: dict) -> RawRequest:
    recorded = vector["request"]
    headers = tuple((name, value) for name, value in recorded["headers"])
    body = bytes.fromhex(recorded.get("body_hex", ""))
    return RawRequest(recorded["method"], recorded["target"], headers, body)


@pytest.mark.parametrize("vector", _VECTORS, ids=lambda vector: vector["name"])
def test_a_recorded_signature_is_computed_again(vector):
    request = _request(vector)
    secret = vector["access_key_secret"]
    if vector["scheme"] == "ACS3-HMAC-SHA256":
        authorization = request.header("authorization").split(" ", 1)[1]
        fields = dict(field.strip().split("=", 1) for field in authorization.split(","))
        names = [name.strip() for name in fields["SignedHeaders"].split(";")]
        body_hash = request.header("x-acs-content-sha256")
        canonical = signature_v3.canonical_request(request, names, body_hash)
        assert canonical == vector["canonical_request"]
        text = signature_v3.string_to_sign(canonical)
        computed = signature_v3.signature(secret, text)
    else:
        text = signature_v1.string_to_sign(request.method, signature_v1.pairs_of(request))
        computed = signature_v1.signature(secret, text)
    assert text == vector["string_to_sign"]
    assert computed == vector["signature"]
