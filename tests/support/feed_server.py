"""A local HTTP server with feeds as their publishers serve them, and with what goes wrong there."""

import base64
import io
import json
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OSV_HOST = "osv-vulnerabilities.storage.googleapis.com"


@dataclass
class Document:
    """What is served at a path."""

    content: bytes
    etag: str | None = None
    last_modified: str | None = None
    headers: dict = field(default_factory=dict)


@dataclass
class Request:
    """A request as it came."""

    path: str
    headers: dict
    status: int = 0
    sent_bytes: int = 0


class FeedServer:
    """Serves documents with versions and ranges; `trouble` answers in place of them."""

    def __init__(self):
        self.documents: dict[str, Document] = {}
        # By path: functions that get the handler, and return whether they answered.
        self.trouble: dict[str, list] = {}
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def mirror(self) -> list:
        """The option that makes this server the mirror of everything."""
        return ["--mirror", f"*={self.url}"]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def serve(self, path: str, content: bytes, **details) -> Document:
        document = Document(content, **details)
        self.documents[path] = document
        return document

    def serve_osv(self, ecosystem: str, records: list, *, version: str = "1") -> Document:
        """Serves records as OSV does: an archive with a file for each, and its checksum."""
        content = osv_archive(records)
        headers = {"x-goog-hash": f"crc32c={_crc32c(content)}"}
        path = f"/{OSV_HOST}/{ecosystem}/all.zip"
        return self.serve(path, content, etag=f'"{version}"', headers=headers)

    def sent(self) -> int:
        return sum(request.sent_bytes for request in self.requests)

    def _handler(server):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                path = self.path.split("://", 1)[-1]
                if "://" in self.path:  # asked as a proxy: the host is part of the path
                    path = "/" + path
                self.request_seen = Request(path, {k.lower(): v for k, v in self.headers.items()})
                server.requests.append(self.request_seen)
                pending = server.trouble.get(path)
                if pending and pending.pop(0)(self):
                    return
                self.answer(server.documents.get(path))

            def answer(self, document: Document | None):
                asked = self.request_seen.headers
                if document is None:
                    return self.reply(404, {}, b"")
                headers = dict(document.headers)
                if document.etag:
                    headers["ETag"] = document.etag
                if document.last_modified:
                    headers["Last-Modified"] = document.last_modified
                is_known = document.etag and asked.get("if-none-match") == document.etag
                if is_known or (
                    document.last_modified
                    and "if-none-match" not in asked
                    and asked.get("if-modified-since") == document.last_modified
                ):
                    return self.reply(304, headers, b"")
                start = 0
                if "range" in asked and asked.get("if-range") in (document.etag, document.last_modified):
                    start = int(asked["range"].removeprefix("bytes=").rstrip("-"))
                if start:
                    total = len(document.content)
                    headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
                    return self.reply(206, headers, document.content[start:])
                return self.reply(200, headers, document.content)

            def reply(self, status: int, headers: dict, body: bytes, *, cut: int | None = None):
                self.request_seen.status = status
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                sent = body if cut is None else body[:cut]
                self.request_seen.sent_bytes = len(sent)
                try:
                    self.wfile.write(sent)
                    self.wfile.flush()
                except OSError:
                    pass
                if cut is not None:
                    self.close_connection = True
                    self.connection.close()
                return True

        return Handler


def osv_archive(records: list) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    return packed.getvalue()


def cut_after(document: Document, count: int):
    """A trouble: the connection breaks after so many bytes."""

    def answer(handler):
        headers = {"ETag": document.etag} if document.etag else {}
        return handler.reply(200, headers, document.content, cut=count)

    return answer


def status(code: int, **headers):
    """A trouble: an answer without content."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.reply(code, named, b"")


def held(arrived: threading.Event, release: threading.Event, document: Document, count: int):
    """A trouble: the answer stops after so many bytes until it is released."""

    def answer(handler):
        handler.request_seen.status = 200
        handler.send_response(200)
        if document.etag:
            handler.send_header("ETag", document.etag)
        handler.send_header("Content-Length", str(len(document.content)))
        handler.end_headers()
        handler.wfile.write(document.content[:count])
        handler.wfile.flush()
        handler.request_seen.sent_bytes = count
        arrived.set()
        release.wait(60)
        handler.close_connection = True
        return True

    return answer


def _crc32c(content: bytes) -> str:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ 0x82F63B78 if value & 1 else value >> 1
        table.append(value)
    crc = 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()
