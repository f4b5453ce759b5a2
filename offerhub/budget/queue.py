"""Who waits for requests: whose turn it is, how much by lane and marketplace, and how long."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db import connection
from django.db.models.functions import Now

from offerhub.budget import forecast
from offerhub.budget.forecast import Key, Standing
from offerhub.budget.lanes import EACH
from offerhub.budget.models import Turn
from offerhub.budget.requests import limit, span

# Plans whose next step did not come within this time have ended some other way.
FORGOTTEN = timedelta(minutes=10)
MOST = 10  # operations of one lane that are called at a time

_STANDING = """
    SELECT ARRAY(
               SELECT extract(epoch FROM u + %(span)s - t.moment)::double precision
               FROM unnest(offerhub_budget_used(b.used, %(span)s, t.moment)) AS u),
           GREATEST(0, extract(epoch FROM b.blocked_until - t.moment))::double precision,
           GREATEST(0, extract(epoch FROM b.paced_until - t.moment))::double precision,
           (SELECT COALESCE(
                json_agg(json_build_array(lane, marketplace_id, waiting, work)), '[]')::text
            FROM (SELECT lane, marketplace_id, count(*) FILTER (WHERE waiting) AS waiting,
                         sum(requests + rest) AS work
                  FROM budget_turn GROUP BY lane, marketplace_id) AS shares)
    FROM budget_bucket b, (SELECT clock_timestamp() AS moment) AS t"""
_PLACE = """
    SELECT mine.lane, mine.marketplace_id, mine.rest,
           (SELECT sum(requests + rest) FROM budget_turn
            WHERE lane = mine.lane AND marketplace_id = mine.marketplace_id
              AND (tag, subject) <= (mine.tag, mine.subject))
    FROM budget_turn mine WHERE mine.waiting AND mine.operation = %s"""
# Those that may be let through now, by lane; the claim decides.
_NEXT = """
    SELECT next.operation
    FROM budget_bucket b, generate_series(1, 4) AS one, LATERAL (
        SELECT operation FROM budget_turn
        WHERE waiting AND lane = one AND ready_at <= clock_timestamp()
        ORDER BY tag, subject
        LIMIT LEAST(%(most)s, (%(limit)s - cardinality(
            offerhub_budget_used(b.used, %(span)s, clock_timestamp()))) / %(each)s)
    ) AS next
    WHERE COALESCE(b.blocked_until <= clock_timestamp(), true)
      AND (one < 3 OR COALESCE(b.paced_until <= clock_timestamp(), true))
    ORDER BY one"""


@dataclass(frozen=True)
class Share:
    """What waits of one marketplace in one lane. `requests` has those of later steps, too."""

    lane: int
    marketplace_id: str
    operations: int
    requests: int


@dataclass(frozen=True)
class Overview:
    """The limit, what of it was used in the last window, and who waits."""

    standing: Standing
    used: int
    shares: list[Share]

    def time_left(self, lane: int, marketplace_id: str, requests: int) -> timedelta:
        """Until this much of a marketplace's work in a lane is let through: at the earliest."""
        seconds = forecast.seconds_until(self.standing, lane, marketplace_id, requests)
        return timedelta(seconds=seconds)

    @property
    def blocked_for(self) -> timedelta:
        """While the provider wants to be asked nothing at all."""
        return timedelta(seconds=self.standing.blocked_for)

    @property
    def until_empty(self) -> timedelta:
        """Until everything that waits is let through."""
        return timedelta(seconds=forecast.seconds_until_empty(self.standing))


def overview() -> Overview | None:
    """As it is now, in one statement; None without a limit."""
    if not limit():
        return None
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"span": span()}
        cursor.execute(_STANDING, values)
        free_in, blocked, paced, rows = cursor.fetchone()
    shares = [Share(*row) for row in sorted(orjson.loads(rows))]
    work: Mapping[Key, int] = {(s.lane, s.marketplace_id): s.requests for s in shares}
    standing = Standing(
        limit(), span().total_seconds(), tuple(free_in), blocked or 0.0, paced or 0.0, work
    )
    return Overview(standing, len(free_in), shares)


def estimated_end(operation_id: str) -> datetime | None:
    """When an operation that waits for its turn is let through; None when it does not wait.

    Two statements, none without a limit.
    """
    if not limit():
        return None
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [operation_id])
        place = cursor.fetchone()
    now = overview()
    if place is None or now is None:
        return None
    lane, marketplace, rest, upto = place
    return datetime.now(UTC) + now.time_left(lane, marketplace, int(upto) - rest)


def time_left(*, marketplace_id: str, lane: int, operations: int) -> timedelta:
    """How long so many calls of a marketplace in a lane take from now on, queued or not.

    For an order: the calls its plan still makes. For a campaign: those of all pledges that are
    left. Zero without a limit. One statement.
    """
    now = overview()
    return now.time_left(lane, marketplace_id, operations * EACH) if now else timedelta()


def next_turns() -> list[str]:
    """The operations that may be let through now, the first lane's first. One statement."""
    values: dict[str, Any] = {"limit": limit(), "span": span(), "most": MOST, "each": EACH}
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, values)
        return [row[0] for row in cursor.fetchall()]


def forget(operations: Collection[str]) -> None:
    """They ended some other way and want nothing any more."""
    if operations:
        Turn.objects.filter(operation__in=operations).delete()


def forget_the_lost() -> None:
    """Plans that got requests and never came for more."""
    Turn.objects.filter(waiting=False, since__lt=Now() - FORGOTTEN).delete()
