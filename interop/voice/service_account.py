"""A service account of Google's, and somebody who gives it tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class Tokens(BaseHTTPRequestHandler):
    """Gives a token to whoever asks, in the place of oauth2.googleapis.com."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}).encode())

    def log_message(self, *_: object) -> None:
        """Nothing: what was asked for is of no interest."""


@contextmanager
def service_account() -> Iterator[str]:
    """The account's key in JSON, as one downloads it; it is good for tokens as long as the context lasts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with HTTPServer(("127.0.0.1", 0), Tokens) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield json.dumps(
            {
                "type": "service_account",
                "project_id": "offline",
                "client_email": "bot@offline.iam.gserviceaccount.com",
                "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
                "token_uri": f"http://127.0.0.1:{server.server_port}/token",
            }
        )
        server.shutdown()
