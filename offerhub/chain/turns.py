"""Claiming an operation whose calls go through the escrow provider, which limits its requests.

With a limit the requests are taken in the statement that claims the row, or not at all: an
operation that must wait holds neither its account nor a lease, and says when it will be tried.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from psycopg.types.json import Jsonb

from offerhub.budget import requests
from offerhub.budget.lanes import EACH, Lane
from offerhub.core import jobs

# What an operation that waits for its turn has as its problem: nothing went wrong.
WAITS = "provider_limit"


class Turn(NamedTuple):
    """Of a row `t`, in SQL: what it is a step of (one of it is live at a time), its lane, and how
    many calls the steps after it make."""

    subject: str
    lane: str
    steps: str


def values() -> dict[str, Any]:
    """What the statement of `claiming` takes beside those of a claim without turns."""
    limit = requests.limit()
    detail = (
        f"Waits for its turn: the escrow provider takes {limit} requests in "
        f"{settings.PROVIDER_WINDOW:g} seconds"
    )
    return {
        "limit": limit,
        "span": requests.span(),
        "each": EACH,
        # A person's patience counts, whatever the plan was made for.
        "most": (Lane.PERSON if jobs.is_awaited() else Lane.BATCH).value,
        "problem": Jsonb({"code": WAITS, "detail": detail}),
    }


def claiming(table: str, lane: tuple[str, str], turn: Turn, shown: str, carried: str) -> str:
    """The statement: the row, its account and its requests together, or the row put off.

    An envelope that is signed already needs no turn: it is looked up first, and has its account.
    """
    lane_table, lane_column = lane
    return f"""
        WITH op AS (
            SELECT t.id, t.marketplace_id, t.{lane_column} AS lane, t.hash <> '' AS sent,
                lane.lane IN ('', t.id) AS can_go, {turn.subject} AS subject,
                LEAST({turn.lane}, %(most)s) AS asked, {turn.steps} AS steps
            FROM {table} t JOIN {lane_table} lane ON lane.id = t.{lane_column}
            WHERE t.id = %(id)s AND t.status = ANY(%(runnable)s)
              AND (t.lease_until IS NULL OR t.lease_until < now())
              AND (t.next_attempt_at <= now() OR EXISTS (
                  SELECT FROM budget_turn WHERE operation = t.id AND waiting))
            FOR UPDATE OF t, lane SKIP LOCKED
        ), turn AS MATERIALIZED (
            SELECT given.* FROM op, LATERAL offerhub_take_turn(
                op.subject, op.id, op.marketplace_id, op.asked, %(each)s,
                (%(each)s * op.steps)::integer, op.can_go, %(limit)s, %(span)s) AS given
            WHERE NOT op.sent
        ), decided AS (
            SELECT op.*, turn.granted, turn.pause,
                op.can_go AND (op.sent OR turn.granted IS NOT NULL) AS goes
            FROM op LEFT JOIN turn ON true
        ), lane AS (
            UPDATE {lane_table} SET lane = decided.id FROM decided
            WHERE {lane_table}.id = decided.lane AND decided.goes
            RETURNING {lane_table}.*
        )
        UPDATE {table} AS t SET
            lease = CASE WHEN goes THEN %(token)s ELSE '' END,
            lease_until = CASE WHEN goes THEN now() + %(lease)s END,
            next_attempt_at = CASE WHEN goes THEN next_attempt_at
                ELSE clock_timestamp() + make_interval(secs => decided.pause) END,
            problem = CASE WHEN NOT goes THEN %(problem)s
                WHEN problem->>'code' = '{WAITS}' THEN NULL ELSE problem END
        FROM decided LEFT JOIN lane ON true
        WHERE t.id = decided.id AND (decided.goes OR decided.pause IS NOT NULL)
        RETURNING {shown}{carried}, decided.granted, decided.pause"""  # noqa: S608 (names of our own tables)


def decide(granted: datetime | None, pause: float | None) -> requests.Allowance | None:
    """What the claimed row may spend. Raises Later when it waits for its turn instead."""
    if pause is not None:
        raise jobs.Later(pause)
    return requests.taken(granted, EACH) if granted else None
