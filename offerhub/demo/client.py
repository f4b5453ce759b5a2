"""A small client of the API that gets to the end whatever happens on the way.

Every POST carries an idempotency key, so it may be sent again after a lost answer; a 202 is
followed until nothing is on its way any more.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import requests

Json = dict[str, Any]
PATIENCE = 180.0  # seconds without progress after which a step is given up
PAGE = 200  # the most records that Horizon gives at a time
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
# A server that dies in the middle of its answer has not answered.
NO_ANSWER = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


class Refused(Exception):
    """The API understood the request and said no."""

    def __init__(self, path: str, problem: Json) -> None:
        self.code = str(problem.get("code", ""))
        self.status = int(problem.get("status", 0))
        super().__init__(f"{path}: {problem.get('title', '')} {problem.get('detail', '')}".strip())


class NoProgress(Exception):
    """Something was waited for longer than anybody should wait."""


class Patience:
    """Waits that grow, up to an end."""

    def __init__(self, what: str, seconds: float = PATIENCE) -> None:
        self.what, self.deadline, self.pause = what, time.monotonic() + seconds, FIRST_PAUSE

    def wait(self, why: str, seconds: float = 0.0) -> None:
        """Wait a little longer than the last time. Raises NoProgress at the end."""
        if time.monotonic() > self.deadline:
            raise NoProgress(f"{self.what}: {why}")
        time.sleep(max(self.pause, seconds))
        self.pause = min(self.pause * 1.5, LONGEST_PAUSE)


class Api:
    """One key on one server."""

    def __init__(self, base_url: str, api_key: str, waiting: Callable[[str], None]) -> None:
        self._base, self._waiting = f"{base_url}/api/v1", waiting
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {api_key}"

    def get(self, path: str) -> Json:
        return self._call("GET", path)

    def post(self, path: str, body: Json | None = None, *, key: str) -> Json:
        """Send a change; `key` makes a repeat the same change."""
        return self._call("POST", path, body or {}, {"Idempotency-Key": key})

    def _call(
        self, method: str, path: str, body: Json | None = None, headers: Json | None = None
    ) -> Json:
        patience = Patience(f"{method} {path}")
        while True:
            try:
                answer = self._session.request(
                    method, self._base + path, json=body, headers=headers, timeout=self._timeout()
                )
            except NO_ANSWER as error:
                self._waiting("the server does not answer")
                patience.wait(f"no answer: {error}")
                continue
            if answer.ok:
                content: Json = answer.json()
                return content
            problem = _problem(answer)
            # 409 with Retry-After: the first request with this key is still running.
            again = answer.status_code == 429 or "Retry-After" in answer.headers
            if answer.status_code < 500 and not again:
                raise Refused(path, problem)
            self._waiting(str(problem.get("title") or f"status {answer.status_code}"))
            patience.wait(str(problem), _seconds(answer.headers.get("Retry-After")))

    def _timeout(self) -> float:
        """Seconds until an answer is not waited for any more; then the same is asked again."""
        return 40.0

    def until(
        self, path: str, reached: Callable[[Json], bool], what: str, seconds: float = PATIENCE
    ) -> Json:
        """Read something again and again until it is as wanted."""
        patience = Patience(what, seconds)
        while True:
            state = self.get(path)
            if reached(state):
                return state
            patience.wait(f"still {_summary(state)}")


class Sandbox:
    """The sandbox network's own controls, and its Horizon for what outsiders see."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str) -> Json:
        return self._call("GET", path)

    def find(self, path: str) -> Json | None:
        """The same, None when it is not there."""
        try:
            return self._call("GET", path)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def payments(self, address: str) -> Iterator[Json]:
        """Every payment to or from an account, oldest first, however many pages there are."""
        path, after = f"/accounts/{address}/payments?limit={PAGE}&order=asc", ""
        while records := self.get(path + after)["_embedded"]["records"]:
            yield from records
            after = f"&cursor={records[-1]['paging_token']}"

    def post(self, path: str, body: Json) -> Json:
        """Send once. Raises requests' errors: only the caller knows whether it may be repeated."""
        answer = self._session.post(self.url + path, json=body, timeout=30)
        answer.raise_for_status()
        content: Json = answer.json()
        return content

    def _call(self, method: str, path: str) -> Json:
        patience = Patience(f"sandbox {path}")
        while True:
            try:
                answer = self._session.request(method, self.url + path, timeout=30)
                if answer.ok:
                    content: Json = answer.json()
                    return content
                if answer.status_code < 500 and answer.status_code != 429:
                    raise Refused(path, {**_problem(answer), "status": answer.status_code})
            except NO_ANSWER:
                pass
            patience.wait("the sandbox network does not answer")


def _problem(answer: requests.Response) -> Json:
    try:
        content = answer.json()
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {"title": f"status {answer.status_code}"}


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdigit() else 0.0


def _summary(state: Json) -> str:
    """What a person needs of a state that does not become the wanted one."""
    operation = state.get("operation") or {}
    parts = [str(state.get("status", state))]
    if operation:
        parts.append(f"operation {operation.get('kind')} {operation.get('status')}")
        parts.append(str((operation.get("problem") or {}).get("detail", "")))
    return " ".join(part for part in parts if part)
