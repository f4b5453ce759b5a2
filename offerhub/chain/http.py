"""HTTP as the adapters use it: one connection pool a thread, own time limits, no hidden retries.

What is tried again, and when, is decided by the submission's state, never in here.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from offerhub.chain.types import ChainUnavailable

READ = (3.05, 10.0)  # connect and read, in seconds
SUBMIT = (3.05, 20.0)
MOST = 2 * 1024 * 1024  # bytes of an answer, unpacked
DEFAULT_PAUSE = 1.0
LONGEST_PAUSE = 300.0  # of a server's Retry-After: a wrong one must not put money to sleep

_CHUNK = 65_536
_local = threading.local()


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
    params: Any = None,
    data: Any = None,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
    limit: tuple[float, float] = READ,
) -> Answer:
    """One request, whatever the status of its answer.

    `limit` is for connecting and for waiting; the whole answer must be there within twice the
    second. Raises ChainUnavailable when there was no answer: then nothing is known of what it did.
    """
    known = {"Content-Type": "application/json"} if content is not None else {}
    request = requests.Request(
        method,
        url,
        params=params,
        data=content if content is not None else data,
        headers=known | (headers or {}),
    )
    session = _session()
    until = time.monotonic() + 2 * limit[1]
    try:
        with session.send(
            session.prepare_request(request), timeout=limit, stream=True, allow_redirects=False
        ) as response:
            body = _body(response.raw, until, url)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise ChainUnavailable(f"{host(url)}: {type(error).__name__}") from error
    return Answer(response.status_code, body, _pause(response.headers.get("Retry-After")))


def read(url: str, *, params: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """A GET whose answer is 2xx or 404. Raises ChainUnavailable for everything else."""
    answer = call("GET", url, params=params, headers=headers)
    if not answer.ok and answer.status != 404:
        raise ChainUnavailable(
            f"{host(url)} answered {answer.status}",
            retry_after=answer.retry_after or DEFAULT_PAUSE,
        )
    return answer


@contextmanager
def in_known_shape(what: str) -> Iterator[None]:
    """Around the reading of an answer: one of another shape proves nothing, like none at all."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ChainUnavailable(
            f"{what} came in a shape that can not be read ({type(error).__name__})"
        ) from error


def host(url: str) -> str:
    """The server's name, for messages."""
    return url.split("/", 3)[2]


def _body(raw: BaseHTTPResponse, until: float, url: str) -> bytes:
    """All of it, but neither more than MOST nor after `until`, however slowly it drips."""
    parts, size = [], 0
    while part := raw.read1(_CHUNK, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MOST:
            raise ChainUnavailable(f"{host(url)}: the answer is over {MOST} bytes")
        if time.monotonic() > until:
            raise ChainUnavailable(f"{host(url)}: the answer takes too long")
    return b"".join(parts)


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        session.trust_env = False  # no proxy of the machine is between us and the network
        session.headers["User-Agent"] = "offerhub"
        session.mount("http://", HTTPAdapter(max_retries=0))
        session.mount("https://", HTTPAdapter(max_retries=0))
    return session


def _pause(header: str | None) -> float | None:
    """Seconds of a Retry-After header; None without one, or when it names a date."""
    if not header or not header.isascii() or not header.isdecimal():
        return None
    return min(float(header[:9]), LONGEST_PAUSE)
