"""A marketplace's server that hears webhooks, in this process: it can be told how to answer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass
class Heard:
    """One POST."""

    headers: dict[str, str]
    body: bytes
    path: str
    at: float

    @property
    def event(self) -> dict[str, Any]:
        """The body, read."""
        read: dict[str, Any] = orjson.loads(self.body)
        return read

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


# What a consumer answers: a status with headers, or a function that writes to the connection.
Reply = int | tuple[int, dict[str, str]] | Callable[[socket.socket], None]


@dataclass
class Consumer:
    """What it heard, in the order of arrival, and `reply`, which says how it answers."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    reply: Callable[[Heard], Reply] = lambda heard: 200
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self) -> list[str]:
        return [one.id for one in self.heard]

    def types(self) -> list[str]:
        return [one.event["type"] for one in self.heard]


class _Handler(BaseHTTPRequestHandler):
    consumer: Consumer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        heard = Heard(headers, body, self.path, time.monotonic())
        with self.consumer.lock:
            self.consumer.heard.append(heard)
            reply = self.consumer.reply(heard)
        if callable(reply):
            reply(self.connection)
            self.close_connection = True
            return
        status, more = reply if isinstance(reply, tuple) else (reply, {})
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"said")

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read answers, not access logs."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A deliverer that hangs up is no error here."""


@contextmanager
def consuming() -> Iterator[Consumer]:
    """Run one until the block ends."""
    consumer = Consumer()
    handler = type("Handler", (_Handler,), {"consumer": consumer})
    server = _Server(("127.0.0.1", 0), handler)
    consumer.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield consumer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
