"""A receiver of webhooks that answers as it is told, and checks signatures on its own."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOLD = "hold"


class Message:
    """A message as it came."""

    def __init__(self, headers, body: bytes):
        self.id = headers["webhook-id"]
        self.timestamp = int(headers["webhook-timestamp"])
        self.signature = headers["webhook-signature"]
        self.content_type = headers["content-type"]
        self.body = body
        self.json = json.loads(body)

    def is_signed_with(self, secret: str) -> bool:
        """Checks the signature as the Standard Webhooks specification says."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.timestamp}.".encode() + self.body
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{digest}" in self.signature.split(" ")


class WebhookReceiver:
    """Answers the first messages as given, all later ones with 200.

    An answer is a status, a status and headers, or `HOLD`.
    """

    def __init__(self, first_answers=()):
        self._answers = list(first_answers)
        self._lock = threading.Lock()
        self._free = threading.Event()
        self.messages = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver._lock:
                    answer = receiver._answers.pop(0) if receiver._answers else 200
                    receiver.messages.append(Message(self.headers, body))
                if answer == HOLD:
                    receiver._free.wait(120)
                    return
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in {**headers, "content-length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def count(self) -> int:
        """The number of messages that came."""
        with self._lock:
            return len(self.messages)

    def close(self):
        """Lets go of messages that are held, and stops."""
        self._free.set()
        self._server.shutdown()
        self._server.server_close()
