"""Asking for turns as a claim does, without an operation behind it."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

Given = tuple[datetime | None, float | None]


class Bucket:
    """A limit of `cap` requests in `span` seconds."""

    def __init__(self, cap: int, span: float) -> None:
        self.cap, self.span = cap, timedelta(seconds=span)

    def turn(
        self, subject: str, market: str = "a", lane: int = 2, *, rest: int = 0, free: bool = True
    ) -> Given:
        """Two requests for a step of this plan: when they were taken, or how long to wait."""
        values: list[Any] = [subject, f"op-{subject}", market, lane, rest, free]
        return self._call(
            "offerhub_take_turn(%s, %s, %s, %s, 2, %s, %s, %s, %s)", [*values, self.cap, self.span]
        )

    def direct(self, count: int = 1) -> Given:
        """Out of turn."""
        return self._call("offerhub_take_requests(%s, %s, %s)", [count, self.cap, self.span])

    def later(self, taken: datetime) -> Given:
        """What was taken counts from now on."""
        return self._call("offerhub_use_later(%s, %s, %s)", [taken, self.cap, self.span])

    def _call(self, function: str, values: list[Any]) -> Given:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT granted, pause FROM {function}", values)
            granted, pause = cursor.fetchone()
            return granted, pause
