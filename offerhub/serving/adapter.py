"""A WSGI application as an ASGI one: the loop reads and writes, threads that stay run it."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from offerhub.serving.environ import Scope, environ_of

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MOST_BODY = 32 * 1024 * 1024  # routes refuse far less; this bounds what is kept before they can
IN_MEMORY = 1024 * 1024  # of a body; the rest is a temporary file
HANDOVER = "offerhub.handover"  # in the environ: who takes an answer over


class TooLarge(Exception):
    """The body is longer than any route takes."""


class Gone(Exception):
    """The caller hung up."""


class Handover(Protocol):
    """Who may take an answer over once the threads are done with it."""

    def follows(self) -> bool:
        """Whether the application asked for that."""

    async def follow(self, send: Send) -> None:
        """Write the rest of the body, until there is nothing more or this is cancelled."""

    def release(self) -> None:
        """The answer has ended, however it did."""


@dataclass
class _Answer:
    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    chunks: Any = None  # of an answer that comes in pieces

    def start(self, status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        """WSGI's `start_response`."""
        self.status = int(status.split(" ", 1)[0])
        self.headers = [
            (name.lower().encode("latin-1"), value.strip().encode("latin-1"))
            for name, value in headers  # Django begins cookies with a space
        ]


class Application:
    """The ASGI application. `handovers` makes one for each GET; None: nothing is handed over."""

    def __init__(
        self,
        wsgi: Callable[..., Iterable[bytes]],
        threads: int,
        handovers: Callable[[], Handover] | None = None,
        begin_thread: Callable[[], None] = lambda: None,
    ) -> None:
        self._wsgi, self._count, self._handovers = wsgi, threads, handovers
        self._begin_thread = begin_thread
        self._threads: ThreadPoolExecutor | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        try:
            body, size = await _body(scope, receive)
        except TooLarge:
            await _refuse(send, 413, b"The body is too large")
            return
        except Gone:
            return
        handover = self._handovers() if self._handovers and scope["method"] == "GET" else None
        with body:
            environ = environ_of(scope, body, size)
            if handover is not None:
                environ[HANDOVER] = handover
            try:
                await self._answer(environ, handover, receive, send)
            finally:
                if handover is not None:
                    handover.release()

    async def _answer(
        self, environ: dict[str, Any], handover: Handover | None, receive: Receive, send: Send
    ) -> None:
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._pool(), self._run, environ)
        if handover is not None and handover.follows():
            await _follow(answer, handover, receive, send)
            return
        await send(_head(answer.status, answer.headers))
        if answer.chunks is None:
            await send({"type": "http.response.body", "body": answer.body})
        else:
            await self._pour(answer.chunks, send)

    def _run(self, environ: dict[str, Any]) -> _Answer:
        """On a thread: the whole answer, or its pieces if it is made to come in pieces."""
        answer = _Answer()
        result: Any = self._wsgi(environ, answer.start)
        if getattr(result, "streaming", False) or hasattr(result, "filelike"):
            answer.chunks = result
            return answer
        try:
            answer.body = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        return answer

    async def _pour(self, chunks: Any, send: Send) -> None:
        """Piece by piece, each made when the one before is on its way."""
        loop, pool, pieces = asyncio.get_running_loop(), self._pool(), iter(chunks)
        try:
            while (piece := await loop.run_in_executor(pool, next, pieces, None)) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            if hasattr(chunks, "close"):
                await loop.run_in_executor(pool, chunks.close)
        await send({"type": "http.response.body"})

    def close(self) -> None:
        """No request will come any more: let the threads go."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _pool(self) -> ThreadPoolExecutor:
        """Made when the first request comes: threads do not survive a fork."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(
                self._count, thread_name_prefix="web", initializer=self._begin_thread
            )
        return self._threads


async def _body(scope: Scope, receive: Receive) -> tuple[Any, int]:
    """The whole body. Raises TooLarge and Gone."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > MOST_BODY:
            raise TooLarge
    spool = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (the caller closes it)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            spool.close()
            raise Gone
        data = message.get("body", b"")
        size += len(data)
        if size > MOST_BODY:
            spool.close()
            raise TooLarge
        spool.write(data)
        more = message.get("more_body", False)
    spool.seek(0)
    return spool, size


async def _follow(answer: _Answer, handover: Handover, receive: Receive, send: Send) -> None:
    headers = [(name, value) for name, value in answer.headers if name != b"content-length"]
    await send(_head(answer.status, headers))
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    following = asyncio.ensure_future(handover.follow(send))
    hanging_up = asyncio.ensure_future(_hung_up(receive))
    await asyncio.wait({following, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
    for task in (following, hanging_up):
        task.cancel()
    await asyncio.gather(following, hanging_up, return_exceptions=True)
    await send({"type": "http.response.body"})


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(status: int, headers: Headers) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _refuse(send: Send, status: int, text: bytes) -> None:
    length = str(len(text)).encode()
    plain = [(b"content-type", b"text/plain"), (b"content-length", length)]
    await send(_head(status, [*plain, (b"connection", b"close")]))
    await send({"type": "http.response.body", "body": text})
