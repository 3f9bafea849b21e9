"""Signs RPC requests with ACS3-HMAC-SHA256, written apart from any SDK."""

import hashlib
import hmac
import uuid

from support.access_key import AccessKey
from support.raw_http import RawRequest
from support.request_time import timestamp
from support.rpc_encoding import as_text, canonical_pairs, decode_pairs

ALGORITHM = "ACS3-HMAC-SHA256"


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical_request(request: RawRequest, signed_headers: list, body_hash: str) -> str:
    """Composes the canonical form; values of a repeated header are sorted and joined."""
    path, _, query = request.target.partition("?")
    lines = [request.method, path or "/", canonical_pairs(decode_pairs(query))]
    for name in signed_headers:
        values = sorted(v.strip() for k, v in request.headers if k.lower() == name)
        lines.append(f"{name}:{','.join(values)}")
    lines += ["", ";".join(signed_headers), body_hash]
    return "\n".join(lines)


def string_to_sign(canonical: str) -> str:
    return f"{ALGORITHM}\n{sha256_hex(canonical.encode())}"


def signature(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def authorize(request: RawRequest, key: AccessKey, signed_headers: list) -> RawRequest:
    """Adds the Authorization header over the headers named."""
    names = sorted(name.lower() for name in signed_headers)
    text = string_to_sign(canonical_request(request, names, sha256_hex(request.body)))
    value = (
        f"{ALGORITHM} Credential={key.id},SignedHeaders={';'.join(names)},"
        f"Signature={signature(key.secret, text)}"
    )
    return request.with_header("Authorization", value)


def sign(
    key: AccessKey,
    action: str,
    parameters: dict,
    *,
    host: str,
    version: str = "2018-12-03",
    method: str = "POST",
    in_body: bool = False,
    shift_seconds: int = 0,
    unsigned: tuple = (),
    **headers,
) -> RawRequest:
    """Makes a signed request; `headers`, with underscores, override, add or (None) drop one."""
    encoded = canonical_pairs([(name, as_text(value)) for name, value in parameters.items()])
    body = encoded.encode() if in_body else b""
    target = "/" if in_body or not encoded else f"/?{encoded}"
    chosen = {
        "host": host,
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": timestamp(shift_seconds),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-content-sha256": sha256_hex(body),
        "accept": "application/json",
    }
    if in_body:
        chosen["content-type"] = "application/x-www-form-urlencoded"
    if key.security_token is not None:
        chosen["x-acs-accesskey-id"] = key.id
        chosen["x-acs-security-token"] = key.security_token
    chosen.update({name.replace("_", "-"): value for name, value in headers.items()})
    listed = tuple((name, value) for name, value in chosen.items() if value is not None)
    request = RawRequest(method, target, listed, body)
    return authorize(request, key, [name for name, _ in listed if name not in unsigned])
