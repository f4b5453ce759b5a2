"""Who waits for requests: whose turn it is, how much by lane and marketplace, and how long."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db import connection
from django.db.models.functions import Now

from offerhub.budget import forecast
from offerhub.budget.forecast import Standing
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
           (SELECT COALESCE(json_agg(json_build_array(lane, marketplace_id, waiting, work, upto)),
                            '[]')::text
            FROM (SELECT lane, marketplace_id, count(*) FILTER (WHERE waiting) AS waiting,
                         sum(requests + rest) AS work, max(running) AS upto
                  FROM (SELECT *, sum(requests + rest) OVER (
                                   PARTITION BY lane ORDER BY tag, subject) AS running
                        FROM budget_turn) AS queue
                  GROUP BY lane, marketplace_id) AS shares)
    FROM budget_bucket b, (SELECT clock_timestamp() AS moment) AS t"""
# Of a waiting operation: its lane, and how much of it is let through when the operation is.
_PLACE = """
    SELECT mine.lane, sum(w.requests + w.rest) - mine.rest
    FROM budget_turn mine JOIN budget_turn w
        ON w.lane = mine.lane AND (w.tag, w.subject) <= (mine.tag, mine.subject)
    WHERE mine.waiting AND mine.operation = %s GROUP BY mine.lane, mine.rest"""
# Of so much of a marketplace's work, in its queue and beyond: what others of the lane get before.
_OTHERS = """
    WITH own AS (
        SELECT tag, sum(requests + rest) OVER (ORDER BY tag, subject) AS running
        FROM budget_turn WHERE lane = %(lane)s AND marketplace_id = %(marketplace)s
    ), last AS (
        SELECT COALESCE(
            (SELECT min(tag) FROM own WHERE running >= %(requests)s),
            GREATEST((SELECT reached[%(lane)s] FROM budget_bucket), (SELECT max(tag) FROM own))
                + %(requests)s - COALESCE((SELECT max(running) FROM own), 0)) AS tag
    )
    SELECT COALESCE(sum(requests + rest), 0) FROM budget_turn t, last
    WHERE t.lane = %(lane)s AND t.marketplace_id <> %(marketplace)s AND t.tag <= last.tag"""
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
    """What waits of one marketplace in one lane. `requests` has those of later steps, too; `upto`
    is how much of the lane is let through when the last of it is."""

    lane: int
    marketplace_id: str
    operations: int
    requests: int
    upto: int


@dataclass(frozen=True)
class Overview:
    """The limit, what of it was used in the last window, and who waits."""

    standing: Standing
    used: int
    shares: list[Share]

    def until(self, lane: int, requests: int) -> timedelta:
        """Until so much of a lane's queue is let through."""
        return timedelta(seconds=forecast.seconds_until(self.standing, lane, requests))

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
    work: dict[int, int] = defaultdict(int)
    for share in shares:
        work[share.lane] += share.requests
    seconds = span().total_seconds()
    standing = Standing(limit(), seconds, tuple(free_in), blocked or 0.0, paced or 0.0, work)
    return Overview(standing, len(free_in), shares)


def estimated_end(operation_id: str) -> datetime | None:
    """When an operation that waits for its turn is let through; None when it does not wait.

    Two statements, none without a limit.
    """
    now = overview()
    if now is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [operation_id])
        place = cursor.fetchone()
    return datetime.now(UTC) + now.until(place[0], int(place[1])) if place else None


def time_left(*, marketplace_id: str, lane: int, operations: int) -> timedelta:
    """How long so many calls of a marketplace in a lane take from now on, queued or not.

    For an order: the calls its plan still makes. For a campaign: those of all pledges that are
    left. Zero without a limit, else two statements.
    """
    now = overview()
    if now is None:
        return timedelta()
    requests = operations * EACH
    values: dict[str, Any] = {"lane": lane, "marketplace": marketplace_id, "requests": requests}
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS, values)
        (others,) = cursor.fetchone()
    return now.until(lane, requests + int(others))


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
