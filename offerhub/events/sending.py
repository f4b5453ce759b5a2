"""One POST to one endpoint, and what came back. Never raises: a failure is an answer too."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import h11

from offerhub.core import outbound

TIMEOUT = 15.0  # seconds until the answer's status must be there
BODY_SECONDS = 2.0  # seconds that its body is read for, after the status
MOST_READ = 64 * 1024
KEPT = 1024  # bytes of the answer that are kept for staff
USER_AGENT = "Offerhub-Webhooks/1.0"


@dataclass(frozen=True)
class Answer:
    """What became of one try. `problem` is empty when it was taken: any 2xx."""

    status: int | None
    problem: str
    detail: str = ""
    text: str = ""
    retry_after: float | None = None  # seconds that the endpoint asks to be left alone for
    milliseconds: int = 0


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout: float = TIMEOUT,
    resolver: outbound.Resolver = outbound.system_resolver,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """POST the body as JSON. The URL is judged and its name resolved anew."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            found = await _exchange(outbound.parse(url), body, headers, resolver, context)
    except outbound.Refused as refused:
        found = Answer(None, refused.code, str(refused))
    except TimeoutError:
        found = Answer(None, "timeout", f"no answer within {timeout:g} seconds")
    except ssl.SSLError as error:
        found = Answer(None, "tls_failed", _words(error))
    except h11.ProtocolError as error:
        found = Answer(None, "not_http", _words(error))
    except OSError as error:
        found = Answer(None, "connection_failed", _words(error))
    took = int((time.perf_counter() - began) * 1000)
    return Answer(found.status, found.problem, found.detail, found.text, found.retry_after, took)


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]


async def _exchange(
    target: outbound.Target,
    body: bytes,
    headers: Mapping[str, str],
    resolver: outbound.Resolver,
    context: ssl.SSLContext | None,
) -> Answer:
    reader, writer = await outbound.connect(target, resolver, context)
    try:
        http = h11.Connection(h11.CLIENT)
        writer.write(_request(http, target, body, headers))
        await writer.drain()
        response = await _response(http, reader)
        text = await _text(http, reader)
    finally:
        writer.transport.abort()  # nothing is left to say: a close might wait for the other side
    return _judged(response, text)


def _request(
    http: h11.Connection, target: outbound.Target, body: bytes, headers: Mapping[str, str]
) -> bytes:
    lines = {
        "Host": target.authority,
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Accept": "*/*",
        "Connection": "close",
        **headers,
    }
    request = h11.Request(method="POST", target=target.path, headers=list(lines.items()))
    parts = (http.send(request), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)


async def _response(http: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
    while True:
        event = http.next_event()
        if isinstance(event, h11.Response):
            return event
        if event is h11.NEED_DATA:
            data = await reader.read(16 * 1024)
            if not data:
                raise ConnectionResetError("the connection was closed without an answer")
            http.receive_data(data)


async def _text(http: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    """The beginning of the answer's body. However it ends, the status is what counts."""
    found, size = b"", 0
    with contextlib.suppress(TimeoutError, OSError, h11.ProtocolError):
        async with asyncio.timeout(BODY_SECONDS):
            while size < MOST_READ:
                event = http.next_event()
                if isinstance(event, h11.Data):
                    size += len(event.data)
                    found += bytes(event.data)[: KEPT - len(found)]
                elif event is h11.NEED_DATA:
                    http.receive_data(await reader.read(16 * 1024))
                else:
                    break
    return found


def _judged(response: h11.Response, text: bytes) -> Answer:
    status = response.status_code
    said = text.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    if 200 <= status < 300:
        return Answer(status, "", text=said)
    if 300 <= status < 400:
        return Answer(status, "redirect", "redirects are not followed", said)
    if status == 410:
        return Answer(status, "gone", "the endpoint says that it is gone", said)
    wait = _retry_after(response) if status in (429, 503) else None
    return Answer(status, "not_accepted", f"answered {status}", said, wait)


def _retry_after(response: h11.Response) -> float | None:
    value = dict(response.headers).get(b"retry-after", b"").decode(errors="replace").strip()
    if value.isascii() and value.isdecimal() and len(value) < 9:
        return float(value)
    with contextlib.suppress(ValueError, TypeError):
        at = parsedate_to_datetime(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return None
