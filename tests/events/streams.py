"""The application under its event loop, in this process, and readers of its streams."""

import asyncio
import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import uvicorn
from django.db import connection, connections

from offerhub.api.events.hub import Hub, StreamHandover
from offerhub.serving.adapter import Application
from offerhub.serving.worker import Worker


class Served(Application):
    """As `offerhub.asgi` composes it, with a hub that tests can look at."""

    def __init__(self) -> None:
        from django.core.wsgi import get_wsgi_application

        self.hub = Hub()
        self._connections: list[Any] = []
        handovers = lambda: StreamHandover(self.hub)  # noqa: E731
        super().__init__(get_wsgi_application(), 4, handovers, self._begin)

    def _begin(self) -> None:
        connection.inc_thread_sharing()
        self._connections.append(connections["default"])

    def close(self) -> None:
        super().close()
        for one in self._connections:
            one.close()

    def close_streams(self) -> None:
        self.hub.close_streams()


@contextlib.contextmanager
def looping(application: Any) -> Iterator[str]:
    """Serve an ASGI application as the web server does, until the block ends; its address."""
    options = {
        name: value
        for name, value in Worker.CONFIG_KWARGS.items()
        if name not in ("timeout_graceful_shutdown",)
    }
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        config = uvicorn.Config(
            application, log_config=None, timeout_graceful_shutdown=5, **options
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            if hasattr(application, "close_streams"):
                application.close_streams()
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
            if hasattr(application, "close"):
                application.close()


@dataclass
class Message:
    """One server-sent event."""

    id: str
    type: str
    event: dict[str, Any]


class Reader:
    """One open stream."""

    def __init__(self, url: str, key: str, query: str = "", last: str = "") -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
        headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = last
        self.connection.request("GET", f"/api/v1/events/stream{query}", headers=headers)
        self.answer = self.connection.getresponse()
        self.comments = 0

    def __iter__(self) -> Iterator[Message]:
        """Messages until the stream ends."""
        fields: dict[str, str] = {}
        while line := self.answer.readline():
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                self.comments += 1
            elif text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif "data" in fields:
                yield Message(fields["id"], fields["event"], orjson.loads(fields["data"]))
                fields = {}

    def take(self, count: int) -> list[Message]:
        """The next so many."""
        messages = iter(self)
        return [next(messages) for _ in range(count)]

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


class Cutter:
    """A way to the server on which connections break: the first after so many bytes of what the
    server says, the next after the next number, and so on; then no more."""

    def __init__(self, url: str, *after: int) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), parts.port)
        self._after = list(after)
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no connection any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            asked = threading.Thread(target=_carry, args=(client, server, 2**40), daemon=True)
            asked.start()
            left = self._after.pop(0) if self._after else 2**40
            if not _carry(server, client, left):
                self.cuts += 1
            asked.join()


def _carry(source: socket.socket, target: socket.socket, left: int) -> int:
    """What is left of so many bytes when the connection ends."""
    with contextlib.suppress(OSError):
        while left and (piece := source.recv(min(left, 16 * 1024))):
            target.sendall(piece)
            left -= len(piece)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    return left
