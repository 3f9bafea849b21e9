"""A token server as registries use them (distribution, "Token Authentication Specification")."""

import base64
import http.server
import json
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ISSUER = "tests-token-server"
SERVICE = "tests-registry"


class TokenServer:
    """Gives tokens: to anybody for pulling from `public/…`, to one user for everything."""

    def __init__(self, directory: Path, user: str, password: str):
        directory.mkdir(parents=True, exist_ok=True)
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = self._self_signed()
        self._bundle = directory / "token-certificate.pem"
        self._bundle.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.asked_scopes = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = parse_qs(urlsplit(self.path).query)
                outer.asked_scopes += query.get("scope", [])
                given = self.headers.get("Authorization")
                if given is not None and given != expected:
                    return self._answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
                access = [
                    outer._grant(scope, given is not None) for scope in query.get("scope", [])
                ]
                self._answer(200, {"token": outer._token([a for a in access if a["actions"]])})

            def _answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.realm = f"http://127.0.0.1:{self._server.server_address[1]}/token"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def registry_auth(self) -> str:
        """The part of the registry's configuration that trusts this server."""
        return (
            "auth:\n  token:\n"
            f"    realm: {self.realm}\n    service: {SERVICE}\n    issuer: {ISSUER}\n"
            f"    rootcertbundle: {self._bundle}\n"
        )

    @staticmethod
    def _grant(scope: str, known: bool) -> dict:
        kind, name, actions = scope.split(":")
        wanted = actions.split(",")
        if not known:
            wanted = [a for a in wanted if a == "pull" and name.startswith("public/")]
        return {"type": kind, "name": name, "actions": wanted}

    def _token(self, access: list) -> str:
        now = int(time.time())
        certificate = self._certificate.public_bytes(serialization.Encoding.DER)
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(certificate).decode()]}
        claims = {
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": "",
            "exp": now + 300,
            "nbf": now - 30,
            "iat": now,
            "jti": uuid.uuid4().hex,
            "access": access,
        }
        signed = f"{_base64url(json.dumps(header))}.{_base64url(json.dumps(claims))}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"

    def _self_signed(self):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.now(timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )


def _base64url(data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
