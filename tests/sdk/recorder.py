"""A loopback server that records what a client sends and answers an empty success."""

import http.server
import threading

from support.raw_http import RawRequest


class Recorder:
    """Records requests while its `with` block runs."""

    def __init__(self):
        self.requests: list[RawRequest] = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self._read_body()
                headers = tuple(self.headers.items())
                recorder.requests.append(RawRequest(self.command, self.path, headers, body))
                answer = b'{"RequestId":"00000000-0000-0000-0000-000000000000"}'
                self.send_response(200)
                self.send_header("content-type", "application/json;charset=utf-8")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET

            def _read_body(self) -> bytes:
                if self.headers.get("transfer-encoding", "").lower() == "chunked":
                    return b"".join(iter(self._read_chunk, b""))
                return self.rfile.read(int(self.headers.get("content-length") or 0))

            def _read_chunk(self) -> bytes:
                size = int(self.rfile.readline().split(b";")[0], 16)
                data = self.rfile.read(size)
                self.rfile.readline()
                return data

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
        assert not self._thread.is_alive(), "the recorder did not end"


def record(client, key, action, parameters, **options) -> RawRequest:
    """What a client sends for a call, without the call reaching a server."""
    with Recorder() as recorder:
        client.call(recorder.address, key, action, parameters, **options)
    assert len(recorder.requests) == 1, f"{client.name} sent {len(recorder.requests)} requests"
    return recorder.requests[0]
