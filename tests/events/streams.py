"""The application under its event loop, in this process, and readers of its streams."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import uvicorn

from offerhub.serving.worker import Worker


@contextmanager
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
