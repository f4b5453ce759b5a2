"""The network without sockets: the adapters' requests go straight into the sandbox.

Everything above the connection pool is the product's own. Whatever a request meets on the way
(an answer that is lost, a server that is out of order, the death of the process) is drawn here.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from urllib3.exceptions import ProtocolError

from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.web import Request, Response
from tests.simulation.clock import CLOCK
from tests.simulation.death import Died

# What a network does on a bad day; the sandbox's words (offerhub/sandbox/README.md).
ANYWHERE = ("504-before", "504-after", "429", "503", "drop", "drop-after")
SENDING = (*ANYWHERE, "504-after", "drop-after", "bad-seq", "failed-200", "failed-200")
SLOW = (0.5, 3.0, 12.0, 45.0)


class Answer:
    """What urllib3 would hand over."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._body = response.body

    def read1(self, size: int, decode_content: bool) -> bytes:
        """All of it at once, then nothing."""
        body, self._body = self._body, b""
        return body

    def close(self) -> None:
        """Nothing is open."""


class Wire:
    """Stands where the pool of connections stands. `ratio` of the requests meet a fault, `deaths`
    of them the end of the process; both are zero when nothing is to go wrong."""

    def __init__(self) -> None:
        self.sandbox: Sandbox
        self.rng = random.Random(0)  # noqa: S311 (chance that can be repeated is the point)
        self.ratio = self.deaths = 0.0
        self._loop = asyncio.new_event_loop()
        self.tell: Callable[[str], None] = lambda _: None

    def request(self, method: str, url: str, **more: Any) -> Answer:
        """One request, as `urllib3.PoolManager.request`."""
        parts = urlsplit(url)
        request = Request(
            method,
            parts.path,
            parts.query,
            {name.lower(): value for name, value in (more.get("headers") or {}).items()},
            more.get("body") or b"",
        )
        if parts.path.startswith("/control"):
            return self._ask(request)
        fate = self.rng.random()
        if fate < self.deaths / 2:
            raise Died(f"before {method} {_shown(parts.path)}")
        if fate < self.deaths:
            self._ask(request)
            raise Died(f"after {method} {_shown(parts.path)}")
        if fate < self.deaths + self.ratio:
            self._disturb(request)
        return self._ask(request)

    def _ask(self, request: Request) -> Answer:
        found = self._loop.run_until_complete(self._handled(request))
        if found.drop:
            raise ProtocolError("the connection was closed")
        return Answer(found)

    async def _handled(self, request: Request) -> Response:
        found = self.sandbox.handle(request)
        if not isinstance(found, Response):
            found = await found  # type: ignore[misc]
        assert isinstance(found, Response)
        return found

    def _disturb(self, request: Request) -> None:
        """Script the sandbox's next answer, which is this request's."""
        if self.rng.random() < 0.15:
            CLOCK.move(self.rng.choice(SLOW))
        sends = request.path.endswith(("/transactions", "/helper/send-transaction"))
        answer = self.rng.choice(SENDING if sends else ANYWHERE)
        more: dict[str, Any] = {}
        if request.method == "GET" and self.rng.random() < 0.3:
            answer = "lag"  # a server that is behind stays behind for a while
            more = {"ledgers": self.rng.randint(1, 20), "times": self.rng.choice([2, 4, 8])}
        self.tell(f"{answer} to {request.method} {_shown(request.path)}")
        latest = self.sandbox.network.sequence
        match = {"path": request.path, "method": request.method}
        self.sandbox.faults.add({"answer": answer, "match": match, **more}, latest)


def _shown(path: str) -> str:
    """A path without what differs between two runs: addresses, hashes, numbers."""
    parts = [p if len(p) < 30 and not p.isdigit() else "*" for p in path.split("/")]
    return "/".join(parts)
