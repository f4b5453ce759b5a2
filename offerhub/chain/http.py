"""HTTP as the adapters use it: pooled connections, own time limits, no hidden retries.

What is tried again, and when, is decided by the submission's state, never in here. No redirects,
no cookies, no proxies or credentials of the machine.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import certifi
import orjson
import structlog
import urllib3
from urllib3.exceptions import HTTPError

from offerhub.chain.types import ChainUnavailable

log = structlog.get_logger(__name__)

READ = (3.05, 10.0)  # connect and read, in seconds
SUBMIT = (3.05, 20.0)
MOST = 2 * 1024 * 1024  # bytes of an answer, unpacked
DEFAULT_PAUSE = 1.0
LONGEST_PAUSE = 300.0  # of a server's Retry-After: a wrong one must not put money to sleep

# What reading JSON, or the XDR in it, raises when it is not what it should be.
_MISREAD = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
)
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_CONNECTIONS = 64  # kept open to one server; more are made when needed
_CHUNK = 65_536


class Answer:
    """Status and decoded body; `body` is None when it was no JSON."""

    def __init__(self, status: int, content: bytes, retry_after: float | None) -> None:
        self.status, self.retry_after = status, retry_after
        self._content = content
        try:
            self.body: Any = orjson.loads(content)
        except orjson.JSONDecodeError:
            self.body = None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx and the body is JSON."""
        return 200 <= self.status < 300 and self.body is not None

    def exact(self) -> Any:
        """The body with its fractions as Decimal: for amounts that come as JSON numbers."""
        return json.loads(self._content, parse_float=Decimal)


def call(
    method: str,
    url: str,
    *,
    params: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    limit: tuple[float, float] = READ,
) -> Answer:
    """One request, whatever the status of its answer. The body is a form, or JSON as `content`.

    `limit` is for connecting and for waiting; the whole answer must be there within twice the
    second. Raises ChainUnavailable when there was no answer: then nothing is known of what it did.
    """
    sent = {"User-Agent": "offerhub", "Accept": _JSON, **(headers or {})}
    if form is not None:
        content, sent["Content-Type"] = urlencode(form).encode(), _FORM
    elif content is not None:
        sent["Content-Type"] = _JSON
    if params:
        url = f"{url}?{urlencode(params, doseq=True)}"
    began = time.monotonic()
    until = began + 2 * limit[1]
    try:
        response = _pool.request(
            method,
            url,
            body=content,
            headers=sent,
            timeout=urllib3.Timeout(connect=limit[0], read=limit[1]),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        body = _body(response, until, url)
    except (HTTPError, OSError) as error:
        _note(method, url, type(error).__name__, began)
        raise ChainUnavailable(f"{_host(url)}: {type(error).__name__}") from error
    _note(method, url, response.status, began)
    return Answer(response.status, body, _pause(response.headers.get("Retry-After")))


def _note(method: str, url: str, answer: int | str, began: float) -> None:
    """One line: without the query, for which nobody outside has a use, and without what was sent.

    What an operation sends is worth it always; what is only read, and the monitor's questions
    several times a second, when somebody looks for something.
    """
    sends = method == "POST" and "operation" in structlog.contextvars.get_contextvars()
    note = log.info if sends else log.debug
    path = "/" + url.partition("?")[0].split("/", 3)[-1]
    ms = round((time.monotonic() - began) * 1000, 1)
    note("chain_call", method=method, host=_host(url), path=path, answer=answer, ms=ms)


def read(
    url: str, *, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """A GET whose answer is 2xx or 404. Raises ChainUnavailable for everything else."""
    answer = call("GET", url, params=params, headers=headers)
    if not answer.ok and answer.status != 404:
        raise ChainUnavailable(
            f"{_host(url)} answered {answer.status}",
            retry_after=answer.retry_after or DEFAULT_PAUSE,
        )
    return answer


@contextmanager
def in_known_shape(what: str) -> Iterator[None]:
    """Around the reading of an answer: one of another shape proves nothing, like none at all."""
    try:
        yield
    except _MISREAD as error:
        raise ChainUnavailable(
            f"{what} came in a shape that can not be read ({type(error).__name__})"
        ) from error


def _body(response: urllib3.BaseHTTPResponse, until: float, url: str) -> bytes:
    """All of it, but neither more than MOST nor after `until`, however slowly it drips.

    Read to its end the connection goes back to the pool, else it is closed.
    """
    parts, size = [], 0
    try:
        while part := response.read1(_CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > MOST:
                raise ChainUnavailable(f"{_host(url)}: the answer is over {MOST} bytes")
            if time.monotonic() > until:
                raise ChainUnavailable(f"{_host(url)}: the answer takes too long")
    finally:
        response.close()
    return b"".join(parts)


def _pause(header: str | None) -> float | None:
    """Seconds of a Retry-After header; None without one, or when it names a date."""
    if not header or not header.isascii() or not header.isdecimal():
        return None
    return min(float(header[:9]), LONGEST_PAUSE)


def _host(url: str) -> str:
    return url.split("/", 3)[2]


def _make_pool() -> None:
    """A pool of this process's own: a connection must not have two users after a fork."""
    global _pool
    _pool = urllib3.PoolManager(maxsize=_CONNECTIONS, ca_certs=certifi.where())


_pool: urllib3.PoolManager
_make_pool()
os.register_at_fork(after_in_child=_make_pool)
