"""A server between the adapters and the network, which may change what is answered."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Handler = BaseHTTPRequestHandler


@dataclass
class Reply:
    """An answer, before it is passed on."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.content)

    @classmethod
    def of(cls, body: Any, status: int = 200, **headers: str) -> "Reply":
        """A JSON answer; `retry_after` and the like become headers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, {"Content-Type": "application/json"} | named, json.dumps(body).encode())


Change = Callable[[Reply], Reply | None]


@dataclass
class Relay:
    """Passes requests on. `change` and `instead` decide for paths that contain a text."""

    url: str = ""
    behind: str = ""
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)  # method, target, body
    connections: int = 0
    rules: list[tuple[str, Change]] = field(default_factory=list)
    fixed: list[tuple[str, Reply]] = field(default_factory=list)
    raw: list[tuple[str, Callable[[Handler], None]]] = field(default_factory=list)

    def change(self, path: str, change: Change) -> None:
        """Change the network's answer; None drops the connection."""
        self.rules.append((path, change))

    def instead(self, path: str, body: Any, status: int = 200, **headers: str) -> None:
        """Answer this; the network is not asked."""
        self.fixed.append((path, Reply.of(body, status, **headers)))

    def by_hand(self, path: str, answer: Callable[[Handler], None]) -> None:
        """Let a function write to the socket itself; the network is not asked."""
        self.raw.append((path, answer))

    def honest_again(self) -> None:
        """Pass everything on as it is."""
        self.rules.clear()
        self.fixed.clear()
        self.raw.clear()

    def count(self, path: str) -> int:
        """How many requests contained this in their target."""
        return sum(path in target for _, target, _ in self.asked)

    def fetch(self, handler: Handler, body: bytes) -> Reply:
        """The network's own answer."""
        if not self.behind:
            return Reply.of({})
        link = http.client.HTTPConnection(urlsplit(self.behind).netloc, timeout=30)
        kept = {k: v for k, v in handler.headers.items() if k.lower() not in ("host", "connection")}
        link.request(handler.command, handler.path, body or None, kept)
        answer = link.getresponse()
        dropped = ("transfer-encoding", "connection", "content-length")
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in dropped}
        reply = Reply(answer.status, headers, answer.read())
        link.close()
        return reply


def _handler(relay: Relay) -> type[Handler]:
    class Passing(Handler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536

        def setup(self) -> None:
            relay.connections += 1
            super().setup()

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            relay.asked.append((self.command, self.path, body))
            for path, answer in relay.raw:
                if path in self.path:
                    answer(self)
                    return
            fixed = next((answer for path, answer in relay.fixed if path in self.path), None)
            reply: Reply | None = fixed or relay.fetch(self, body)
            for path, change in relay.rules:
                if path in self.path and reply is not None:
                    reply = change(reply)
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = do_PUT = _pass

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    return Passing


@contextmanager
def running_relay(behind: str = "") -> Iterator[Relay]:
    """A relay on a port of this machine; without anything behind it answers `{}`."""
    relay = Relay(behind=behind)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(relay))
    server.daemon_threads = True
    relay.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
