"""HTTP as the adapters use it: one connection pool a thread, own time limits, no hidden retries.

What is tried again, and when, is decided by the submission's state, never in here.
"""

import threading
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter

from offerhub.chain.types import ChainUnavailable

READ = (3.05, 10.0)  # connect and read, in seconds
SUBMIT = (3.05, 20.0)
MOST = 2 * 1024 * 1024  # bytes of an answer
DEFAULT_PAUSE = 1.0

_local = threading.local()


class Answer:
    """Status and decoded body; `body` is None when it was no JSON."""

    def __init__(self, status: int, content: bytes, retry_after: float | None) -> None:
        self.status, self.retry_after = status, retry_after
        try:
            self.body: Any = orjson.loads(content)
        except orjson.JSONDecodeError:
            self.body = None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx and the body is JSON."""
        return 200 <= self.status < 300 and self.body is not None


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

    Raises ChainUnavailable when there was no answer: then nothing is known of what it did.
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
    try:
        with session.send(
            session.prepare_request(request), timeout=limit, stream=True, allow_redirects=False
        ) as response:
            body = response.raw.read(MOST + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise ChainUnavailable(f"{_host(url)}: {type(error).__name__}") from error
    except Exception as error:  # urllib3's own, when the body breaks off
        raise ChainUnavailable(f"{_host(url)}: {type(error).__name__}") from error
    if len(body) > MOST:
        raise ChainUnavailable(f"{_host(url)}: the answer is over {MOST} bytes")
    return Answer(response.status_code, body, _pause(response.headers.get("Retry-After")))


def read(url: str, *, params: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """A GET whose answer is 2xx or 404. Raises ChainUnavailable for everything else."""
    answer = call("GET", url, params=params, headers=headers)
    if not answer.ok and answer.status != 404:
        raise ChainUnavailable(
            f"{_host(url)} answered {answer.status}",
            retry_after=answer.retry_after or DEFAULT_PAUSE,
        )
    return answer


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        session.trust_env = False  # no proxy of the machine is between us and the network
        session.headers["User-Agent"] = "offerhub"
        session.mount("http://", HTTPAdapter(max_retries=0))
        session.mount("https://", HTTPAdapter(max_retries=0))
    return session


def _host(url: str) -> str:
    return url.split("/", 3)[2]


def _pause(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
