"""The network's clock, and ISO 8601 durations."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Literal

Mode = Literal["auto", "manual"]

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def duration(value: object) -> int:
    """Seconds of an ISO 8601 duration in weeks to seconds, or of a plain number.

    ValueError for anything else; months and years have no fixed length and are refused.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    parts = {k: int(v) for k, v in found.groupdict().items() if v} if found else {}
    if not parts:
        raise ValueError("a duration like P7D, PT90M or PT30S, or a number of seconds")
    return sum(amount * _SECONDS[unit] for unit, amount in parts.items())


def iso(seconds: int) -> str:
    """Unix seconds as Horizon prints times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock:
    """Real time plus an offset (auto), or a time that stands until it is moved (manual)."""

    def __init__(self, mode: Mode = "auto", offset: float = 0.0, frozen: float = 0.0) -> None:
        self.mode: Mode = mode
        self.offset = offset
        self.frozen = frozen

    @classmethod
    def restore(cls, saved: str) -> Clock:
        """The clock that ``save`` described; a new one for an empty text."""
        if not saved:
            return cls()
        mode, offset, frozen = saved.split()
        return cls("manual" if mode == "manual" else "auto", float(offset), float(frozen))

    def save(self) -> str:
        """The clock as one line of text."""
        return f"{self.mode} {self.offset} {self.frozen}"

    def now(self) -> float:
        """The network's time, in unix seconds."""
        return self.frozen if self.mode == "manual" else time.time() + self.offset

    def flowing(self) -> float:
        """A time that always flows and that ``advance`` moves too: for rate limits."""
        return time.time() + self.offset

    def advance(self, seconds: int) -> None:
        """Move forward."""
        self.frozen += seconds
        self.offset += seconds

    def set_mode(self, mode: Mode) -> None:
        """Stop the time where it is, or let it flow on from there."""
        if mode == self.mode:
            return
        now = self.now()
        self.frozen = now
        if mode == "auto":
            self.offset = now - time.time()
        self.mode = mode
