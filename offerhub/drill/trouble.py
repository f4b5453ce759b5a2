"""What goes wrong with the network during a drill: scripted answers of the sandbox, by chance.

Each script ends by itself after some seconds, whatever becomes of the process that asked for it.
"""

import random
import threading
from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple

import requests

LASTS = 4.0  # seconds until a script that nothing met is over
MOST_ACCOUNTS = 1000  # that one script may name
SEND, BUILD, SUBMIT = "/helper/send-transaction", "/escrow/*", "/transactions"


class Script(NamedTuple):
    """One kind of trouble."""

    name: str
    path: str
    method: str
    answer: str
    times: int = 1
    delay: float = 0.0


SCRIPTS = [
    Script("answer lost, it happened", SEND, "POST", "504-after"),
    Script("answer lost, it happened", SUBMIT, "POST", "504-after"),
    Script("answer lost, nothing happened", SEND, "POST", "504-before"),
    Script("answer lost, nothing happened", SUBMIT, "POST", "504-before"),
    Script("connection cut, it happened", SEND, "POST", "drop-after"),
    Script("connection cut, it happened", SUBMIT, "POST", "drop-after"),
    Script("connection cut, nothing happened", SEND, "POST", "drop"),
    Script("connection cut, nothing happened", "/transactions/", "GET", "drop", 2),
    Script("provider fails", "/deployer/*", "POST", "503", 2),
    Script("provider fails", BUILD, "POST", "503", 2),
    Script("provider says: too many", BUILD, "POST", "429"),
    Script("provider says: done, and failed", SEND, "POST", "failed-200"),
    Script("wrong sequence", SEND, "POST", "bad-seq"),
    Script("ledger not read yet", "/transactions/", "GET", "lag", 3),
    Script("answer delayed", "", "", "", 3, 1.5),
    Script("envelope changed", BUILD, "POST", "tampered"),
]
# The last one costs an operation its longest pause: drawn less often.
WEIGHTS = [*[4] * (len(SCRIPTS) - 1), 1]


class Trouble:
    """Scripts one thing after another on a thread of its own, until it is healed.

    With `only_known` it meets only what is about the accounts that it was told of: others on the
    same sandbox notice nothing.
    """

    def __init__(self, url: str, owner: str, seed: str, pause: float, *, only_known: bool) -> None:
        self._url, self._owner, self._pause = f"{url}/control/faults", owner, pause
        self._chance = random.Random(seed)  # noqa: S311 (the same each time)
        self._only_known = only_known
        self._accounts: list[str] = []
        self._session = requests.Session()
        self._session.trust_env = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trouble", daemon=True)
        self.scripted: Counter[str] = Counter()

    def know(self, accounts: list[str]) -> None:
        """These accounts are ours to be troubled."""
        self._accounts = [*self._accounts, *accounts][-MOST_ACCOUNTS:]

    def begin(self) -> None:
        self._thread.start()

    def heal(self) -> int:
        """No more of it; how many scripts were left. Raises requests' errors when the sandbox can
        not be told: then they end by themselves."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(15.0)
        answer = self._session.delete(self._url, json={"owner": self._owner}, timeout=10)
        answer.raise_for_status()
        return int(answer.json()["cleared"])

    def _run(self) -> None:
        while not self._over.wait(self._chance.uniform(0.5, 1.5) * self._pause):
            if self._only_known and not self._accounts:
                continue
            (script,) = self._chance.choices(SCRIPTS, WEIGHTS)
            with suppress(requests.RequestException):  # the sandbox itself may be away just now
                sent = self._session.post(self._url, json=self._body(script), timeout=10)
                sent.raise_for_status()
                self.scripted[script.name] += 1

    def _body(self, script: Script) -> dict[str, Any]:
        match: dict[str, Any] = {"path": script.path, "method": script.method}
        if self._only_known:
            match["accounts"] = self._accounts
        body: dict[str, Any] = {"match": match, "times": script.times, "owner": self._owner}
        body["for"] = LASTS
        if script.answer:
            body["answer"] = script.answer
        if script.delay:
            body["delay"] = script.delay
        return body
