"""A marketplace's server that hears webhooks in a process of its own, so that its work is not ours.

    python -m bench.consumer FAILING

Prints its address, then answers: 503 to so many of a hundred posts, else 204, and 400 to what the
published verification library refuses once it was told its secret (`PUT /` with the secret). It
does no event more often than once and fails none ten times, for then nobody sends it again.
`GET /` counts what it has heard, `GET /all` tells what it has done.
"""

import json
import random
import socket
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

MOST_FAILURES = 9  # of one event

lock = threading.Lock()
chance = random.Random(1)  # noqa: S311 (the same each time)
failing = 0
verifier: Webhook | None = None
posts = refused = repeated = differing = 0
failures: Counter[str] = Counter()
first: dict[str, bytes] = {}  # webhook-id: the body, in the order of the first arrival
done: dict[str, tuple[str, int]] = {}  # webhook-id: subject and sequence, in the order of doing


def hear(message: str, body: bytes, headers: Any) -> int:
    """Take note of a webhook; the status that it is answered with."""
    global posts, refused, repeated, differing
    with lock:
        posts += 1
        try:
            if verifier is not None:
                verifier.verify(body, headers)
        except WebhookVerificationError:
            refused += 1
            return 400
        differing += first.setdefault(message, body) != body
        if failures[message] < MOST_FAILURES and chance.random() * 100 < failing:
            failures[message] += 1
            return 503
        if message in done:
            repeated += 1
        else:
            event = json.loads(body)
            done[message] = (event["subject"], event["sequence"])
        return 204


class Handler(BaseHTTPRequestHandler):
    """Reads, notes, answers."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = self.headers["webhook-id"]
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(hear(message, body, headers) if message else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        with lock:
            whole: dict[str, Any] = {"posts": posts, "done": len(done)}
            if self.path == "/all":
                whole |= {"first": list(first), "done": done, "refused": refused}
                whole |= {"repeated": repeated, "differing": differing}
                whole |= {"failed": failures.total()}
        body = json.dumps(whole).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        global verifier
        verifier = Webhook(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    """Takes many connections at a time."""

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A deliverer that was killed hung up."""

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().server_bind()


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    failing = int(sys.argv[1])
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
