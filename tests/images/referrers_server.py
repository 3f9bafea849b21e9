"""A fake of the Referrers API in front of a real registry, which has none.

Debian's docker-registry (2.8) knows nothing of the API. This answers it from a list that a test
gives, one entry a page, and passes everything else on to the registry (distribution-spec, "Listing
Referrers").
"""

import http.server
import json
import re
import socket
import threading

import requests

from images.oci_builder import OCI_INDEX

REFERRERS = re.compile(r"/v2/.+/referrers/(sha256:[0-9a-f]{64})(?:\?page=(\d+))?$")
TLS_GREETING = b"\x16"


class ReferrersServer:
    """Serves a registry with the lists of `referrers`: digest to descriptors."""

    def __init__(self, registry: str):
        self.referrers = {}
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle(self):
                # A client asks for TLS first; what it sends need not have a line in it.
                if self.connection.recv(1, socket.MSG_PEEK) != TLS_GREETING:
                    super().handle()

            def do_GET(self):
                outer.asked.append(self.path)
                asked = REFERRERS.match(self.path)
                if asked:
                    return self._list(asked[1], int(asked[2] or 0))
                accept = {"Accept": self.headers.get("Accept", "*/*")}
                answer = requests.get(f"http://{registry}{self.path}", headers=accept, timeout=60)
                self._answer(answer.status_code, answer.headers["Content-Type"], answer.content)

            def _list(self, digest, page):
                entries = outer.referrers.get(digest, [])
                content = {"schemaVersion": 2, "mediaType": OCI_INDEX}
                content["manifests"] = entries[page : page + 1]
                path = self.path.split("?")[0]
                more = page + 1 < len(entries)
                link = {"Link": f'<{path}?page={page + 1}>; rel="next"'} if more else {}
                self._answer(200, OCI_INDEX, json.dumps(content).encode(), link)

            def _answer(self, status, content_type, data, headers=None):
                self.send_response(status)
                for name, value in {"Content-Type": content_type, **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
