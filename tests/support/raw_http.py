"""Sends a request exactly as it is written down, and changes one on purpose."""

import http.client
import json
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class RawRequest:
    """A request as it goes over the wire; the body is whole, without transfer coding."""

    method: str
    target: str
    headers: tuple
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def with_header(self, name: str, value: str) -> "RawRequest":
        """Replaces a header's value in place, or adds the header."""
        if self.header(name) is None:
            return replace(self, headers=(*self.headers, (name, value)))
        changed = ((k, value if k.lower() == name.lower() else v) for k, v in self.headers)
        return replace(self, headers=tuple(changed))

    def without_header(self, name: str) -> "RawRequest":
        kept = tuple((k, v) for k, v in self.headers if k.lower() != name.lower())
        return replace(self, headers=kept)


@dataclass(frozen=True)
class RawAnswer:
    """An answer as it came."""

    status: int
    headers: dict
    body: bytes

    def json(self) -> dict:
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"status {self.status}, not JSON: {self.body[:2000]!r}") from None

    @property
    def code(self) -> str | None:
        """The error code, none for a success."""
        return self.json().get("Code")


_TRANSPORT = ("content-length", "transfer-encoding", "connection")


def send(address: str, request: RawRequest, timeout: float = 30) -> RawAnswer:
    """Sends the request to `host:port`; only the framing of the body is chosen here."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.putrequest(
            request.method, request.target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers:
            if name.lower() not in _TRANSPORT:
                connection.putheader(name, value.encode("utf-8"))
        if request.header("host") is None:
            connection.putheader("host", address)
        connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(request.body or None)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return RawAnswer(response.status, headers, response.read())
    finally:
        connection.close()
