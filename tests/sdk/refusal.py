"""How an official client shows a refused call."""

from dataclasses import dataclass


@dataclass
class Refused(Exception):
    """The error that the server answered, as the client's caller sees it."""

    code: str
    status: int | None
    message: str
    request_id: str | None
    access_denied_detail: dict | None = None

    def __str__(self):
        return f"{self.status} {self.code}: {self.message}"
