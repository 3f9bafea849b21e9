"""Signs RPC requests with signature version 1.0 (HMAC-SHA1), written apart from any SDK."""

import base64
import hashlib
import hmac
import uuid

from support.access_key import AccessKey
from support.raw_http import RawRequest
from support.request_time import timestamp
from support.rpc_encoding import as_text, canonical_pairs, decode_pairs, encode

FORM = "application/x-www-form-urlencoded"


def string_to_sign(method: str, pairs) -> str:
    """Composes what is signed of all parameters but Signature."""
    signed = [(name, value) for name, value in pairs if name != "Signature"]
    return f"{method}&{encode('/')}&{encode(canonical_pairs(signed))}"


def signature(secret: str, text: str) -> str:
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def pairs_of(request: RawRequest) -> list:
    """The parameters of a request, from the query and from a form."""
    query = request.target.partition("?")[2]
    pairs = decode_pairs(query)
    if (request.header("content-type") or "").startswith(FORM):
        pairs += decode_pairs(request.body.decode())
    return pairs


def sign(
    key: AccessKey,
    action: str,
    parameters: dict,
    *,
    version: str = "2018-12-03",
    method: str = "POST",
    in_body: bool = False,
    shift_seconds: int = 0,
    **common,
) -> RawRequest:
    """Makes a signed request; `common` overrides or, with None, leaves out a common parameter."""
    pairs = {
        "Action": action,
        "Version": version,
        "Format": "JSON",
        "AccessKeyId": key.id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": timestamp(shift_seconds),
        "SecurityToken": key.security_token,
        **parameters,
        **common,
    }
    listed = [(name, as_text(value)) for name, value in pairs.items() if value is not None]
    text = string_to_sign(method, listed)
    listed.append(("Signature", signature(key.secret, text)))
    encoded = canonical_pairs(listed)
    if in_body:
        return RawRequest(method, "/", (("content-type", FORM),), encoded.encode())
    return RawRequest(method, f"/?{encoded}", ())
