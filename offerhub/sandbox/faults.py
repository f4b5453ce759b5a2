"""Scripted answers: what a network does on a bad day, on demand."""

from __future__ import annotations

import fnmatch
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from offerhub.sandbox.tamper import MUTATIONS
from offerhub.sandbox.web import Request

ANSWERS = (
    "504-before",
    "504-after",
    "429",
    "503",
    "drop",
    "drop-after",
    "bad-seq",
    "failed-200",
    "tampered",
    "entry-archived",
    "lag",
)


MOST_ACCOUNTS = 1000


@dataclass(slots=True)
class Fault:
    """One scripted answer. ``times`` counts down with every request that it meets.

    ``path`` is a part of the path, or a glob when it has a ``*`` or ``?``; empty is any path.
    ``delay`` and ``lasts`` are real seconds. ``ledgers`` is for lag: how many of the last
    ledgers are hidden; without it everything after ``frozen_at`` is. With ``accounts`` it meets
    only requests that are about one of them; ``owner`` is whose it is, for listing and clearing.
    """

    id: int
    path: str
    method: str
    answer: str
    times: int
    delay: float = 0.0
    mutation: str = ""
    ledgers: int = 0
    lasts: float = 0.0
    frozen_at: int = 0
    owner: str = ""
    accounts: frozenset[str] = frozenset()
    made: float = field(default_factory=time.monotonic)

    def meets(self, request: Request, named: Callable[[], frozenset[str]]) -> bool:
        """Whether the fault is for this request, which names these accounts."""
        if self.method and self.method != request.method:
            return False
        if not self._fits(request):
            return False
        return not self.accounts or not self.accounts.isdisjoint(named())

    def _fits(self, request: Request) -> bool:
        if "*" in self.path or "?" in self.path:
            return fnmatch.fnmatchcase(request.path, self.path)
        return self.path in request.path

    @property
    def over(self) -> bool:
        """Used up, or past its time."""
        spent = self.lasts and time.monotonic() - self.made >= self.lasts
        return self.times <= 0 or bool(spent)

    def shown(self) -> dict[str, Any]:
        """The fault as the controls list it."""
        return {
            "id": self.id,
            "match": {"path": self.path, "method": self.method},
            "answer": self.answer,
            "times": self.times,
            "delay": self.delay,
            "mutation": self.mutation,
            "ledgers": self.ledgers,
            "for": self.lasts,
            "owner": self.owner,
        }


def _seconds(value: object, name: str) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        raise ValueError(f"{name} is a number of seconds") from None
    if not 0 <= seconds <= 3600:
        raise ValueError(f"{name} is between 0 and 3600 seconds")
    return seconds


def _count(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is a whole number from 1")
    return value


def _accounts(value: object) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not 0 < len(value) <= MOST_ACCOUNTS:
        raise ValueError(f"accounts is a list of 1 to {MOST_ACCOUNTS} addresses")
    return frozenset(map(str, value))


class Faults:
    """The live faults, oldest first."""

    def __init__(self) -> None:
        self._live: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, body: Mapping[str, Any], latest: int) -> Fault:
        """Script a fault from a control's body; ValueError says what is wrong with it."""
        known = {"match", "answer", "times", "delay", "mutation", "ledgers", "for", "owner"}
        if extra := set(body) - known:
            raise ValueError(f"unknown field {sorted(extra)[0]}")
        match = body.get("match") or {}
        answer = str(body.get("answer") or "")
        if answer and answer not in ANSWERS:
            raise ValueError(f"answer is one of {', '.join(ANSWERS)}")
        if not answer and not body.get("delay"):
            raise ValueError("a fault has an answer, a delay, or both")
        mutation = str(body.get("mutation") or "")
        if mutation and mutation not in MUTATIONS:
            raise ValueError(f"mutation is one of {', '.join(sorted(MUTATIONS))}")
        lasts = _seconds(body.get("for") or 0, "for")
        fault = Fault(
            id=next(self._ids),
            path=str(match.get("path") or ""),
            method=str(match.get("method") or "").upper(),
            answer=answer,
            times=_count(body.get("times", 1_000_000_000 if lasts else 1), "times"),
            delay=_seconds(body.get("delay") or 0, "delay"),
            mutation=mutation,
            ledgers=_count(body["ledgers"], "ledgers") if body.get("ledgers") else 0,
            lasts=lasts,
            frozen_at=latest,
            owner=str(body.get("owner") or ""),
            accounts=_accounts(match.get("accounts")),
        )
        self._live.append(fault)
        return fault

    def take(self, request: Request, named: Callable[[], frozenset[str]]) -> Fault | None:
        """The oldest live fault for a request, which names these accounts; uses it once."""
        if not self._live:
            return None
        self._live = [fault for fault in self._live if not fault.over]
        for fault in self._live:
            if fault.meets(request, named):
                fault.times -= 1
                return fault
        return None

    def clear(self, owner: str = "") -> int:
        """Forget all, or those of one owner; answers how many there were."""
        count = len(self.listed(owner))
        self._live = [fault for fault in self._live if owner and fault.owner != owner]
        return count

    def listed(self, owner: str = "") -> list[dict[str, Any]]:
        """The live faults, or those of one owner."""
        live = [fault for fault in self._live if not fault.over]
        return [fault.shown() for fault in live if owner in ("", fault.owner)]
