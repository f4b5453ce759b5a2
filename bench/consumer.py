"""A marketplace's server that hears webhooks in a process of its own, so that its work is not ours.

    python -m bench.consumer FAILING

Prints its address, then answers: 503 to so many of a hundred posts, else 204. `GET /` tells what it
has heard: for each event the sequence of its object, in the order of the first arrival.
"""

import json
import random
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

lock = threading.Lock()
chance = random.Random(1)  # noqa: S311 (the same each time)
failing = 0
posts = 0
first: dict[str, list[Any]] = {}  # webhook-id: subject, sequence, body, headers


class Handler(BaseHTTPRequestHandler):
    """Reads, notes, answers."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        global posts
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 204
        if message := self.headers["webhook-id"]:
            event = json.loads(body)
            signed = {n: v for n, v in self.headers.items() if n.startswith("webhook-")}
            heard = [event["subject"], event["sequence"], body.decode(), signed]
            with lock:
                posts += 1
                first.setdefault(message, heard)
                status = 503 if chance.random() * 100 < failing else 204
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        with lock:
            whole = {"posts": posts, "first": first if self.path == "/all" else len(first)}
        body = json.dumps(whole).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        global failing
        failing = int(self.path.strip("/"))
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
