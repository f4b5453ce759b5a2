"""Whether the installation does its work, as facts with limits.

One reading serves `/readyz`, `/metrics`, `manage.py health` and the desk's home page. It takes two
small statements over what is live, whatever the size of the tables, and holds nothing of any
marketplace: ages, and heights of the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from offerhub.api.serializers import camel
from offerhub.chain.submission import LIVE, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.chain.turns import WAITS
from offerhub.deposits import monitor, services
from offerhub.deposits.models import ChainCursor
from offerhub.events.models import Event, WebhookDelivery, WebhookEndpoint
from offerhub.reports.models import Schedule
from offerhub.subscriptions.models import Subscription
from orders.models import Campaign, ReleaseWindow
from payouts.models import Batch

# Sweeps come every five seconds at the latest, and jobs every few seconds while something is away.
DUE_SECONDS = 60.0
# An envelope lives five minutes; by then it was found, or has expired and the next one is out.
UNKNOWN_SECONDS = 600.0
EVENTS_SECONDS, WEBHOOKS_SECONDS = 30.0, 120.0
SILENT = "the database does not answer"


class State(StrEnum):
    """Of one fact. A WARNING is for a person; nothing is taken out of service for it."""

    OK = "ok"
    WARNING = "warning"


@dataclass(frozen=True)
class Fact:
    """One thing that is measured. `value` is None where there is nothing to measure: no row is due,
    or the monitor never ran; `detail` says more in a fixed phrase."""

    name: str
    title: str
    value: float | None
    unit: str
    limit: float
    state: State
    detail: str = ""


@dataclass(frozen=True)
class Reading:
    """All facts at one moment, and the row that says how far the chain was read."""

    facts: list[Fact]
    cursor: ChainCursor | None

    @property
    def warnings(self) -> list[Fact]:
        """What a person should look at."""
        return [fact for fact in self.facts if fact.state is not State.OK]

    @property
    def state(self) -> State:
        return State.WARNING if self.warnings else State.OK


def told(fact: Fact) -> dict[str, object]:
    """A fact as machines read it."""
    return {
        "name": camel(fact.name),
        "state": fact.state.value,
        "value": fact.value,
        "limit": fact.limit,
        "unit": fact.unit,
        **({"detail": fact.detail} if fact.detail else {}),
    }


def read() -> Reading:
    """Measure. Two statements."""
    row = services.cursor_row()
    with connection.cursor() as cursor:
        cursor.execute(_AGES, {"network": row.network if row else ""})
        read_ago, due, unknown, events, webhooks = cursor.fetchone()
    return Reading(
        [
            *_chain(row, read_ago),
            _age("oldest_due", "Oldest due row", due, DUE_SECONDS),
            _age("oldest_unknown", "Oldest unknown operation", unknown, UNKNOWN_SECONDS),
            _age("events_outbox", "Oldest event without a number", events, EVENTS_SECONDS),
            _age("webhooks_outbox", "Oldest webhook not sent", webhooks, WEBHOOKS_SECONDS),
        ],
        row,
    )


def _chain(row: ChainCursor | None, read_ago: float | None) -> Iterator[Fact]:
    """How the monitor follows the network."""
    behind = float(max(row.latest_ledger - row.ledger, 0)) if row else None
    far = behind is None or behind > monitor.FAR_BEHIND
    yield _fact("chain_lag", "Chain lag", behind, "ledgers", monitor.FAR_BEHIND, far)
    halted = row is not None and row.state == ChainCursor.State.HALTED
    limit = monitor.longest_silence()
    silent = read_ago is None or read_ago > limit
    detail = "halted" if halted else "never" if row is None else "silent" if silent else ""
    yield _fact(
        "cursor_age", "Chain last read", read_ago, "seconds", limit, silent or halted, detail
    )


def _age(name: str, title: str, seconds: float | None, limit: float) -> Fact:
    """Nothing waits is an age of zero."""
    return _fact(name, title, seconds or 0.0, "seconds", limit, (seconds or 0.0) > limit)


def _fact(
    name: str,
    title: str,
    value: float | None,
    unit: str,
    limit: float,
    over: bool,
    detail: str = "",
) -> Fact:
    state = State.WARNING if over else State.OK
    shown = None if value is None else round(max(float(value), 0.0), 1)
    return Fact(name, title, shown, unit, float(limit), state, detail)


# --- the statement ----------------------------------------------------------------------------
_LIVE = ", ".join(f"'{status}'" for status in LIVE)  # as the partial indexes write it


def _due_operations(table: type[Submission]) -> str:
    """Since when the oldest operation of a table is due, of those that nothing but us holds up:
    neither another one of the same account nor the escrow provider's limit."""
    lane_table, lane_column = table.LANE
    return f"""
        SELECT now() - min(t.next_attempt_at) FROM {table._meta.db_table} t
        JOIN {lane_table} lane ON lane.id = t.{lane_column}
        WHERE t.status IN ({_LIVE}) AND t.next_attempt_at <= now()
          AND (t.lease_until IS NULL OR t.lease_until < now()) AND lane.lane IN ('', t.id)
          AND t.problem->>'code' IS DISTINCT FROM '{WAITS}'"""  # noqa: S608 (our own tables)


def _due_by_product_clock(table: str, column: str, only: str = "true") -> str:
    return f"""
        SELECT offerhub_now() - min({column}) FROM {table}
        WHERE {only} AND {column} <= offerhub_now()"""  # noqa: S608 (our own tables)


def _parts() -> Iterator[str]:
    yield from (_due_operations(table) for table in concrete_tables())
    yield _due_by_product_clock(ReleaseWindow._meta.db_table, "next_at", "state = 'RUNNING'")
    yield _due_by_product_clock(Campaign._meta.db_table, "next_at")
    yield _due_by_product_clock(Subscription._meta.db_table, "next_at")
    yield _due_by_product_clock(Schedule._meta.db_table, "due_at", "is_active")
    yield f"""
        SELECT now() - min(look_at) FROM {Batch._meta.db_table}
        WHERE status <> 'FINISHED' AND look_at <= now()"""  # noqa: S608


def _unknown() -> Iterator[str]:
    for table in concrete_tables():
        yield f"""
        SELECT now() - min(created_at) FROM {table._meta.db_table}
        WHERE status IN ({_LIVE}) AND status = 'UNKNOWN'"""  # noqa: S608


def _oldest(parts: Iterator[str]) -> str:
    union = " UNION ALL ".join(parts)
    return f"(SELECT extract(epoch FROM max(age)) FROM ({union}) AS oldest(age))"  # noqa: S608 (our own parts)


# Only endpoints that answer count: what one that fails keeps waiting is its own affair.
_WEBHOOKS = f"""
    SELECT extract(epoch FROM offerhub_now() - min(first.due))
    FROM {WebhookEndpoint._meta.db_table} e CROSS JOIN LATERAL (
        SELECT d.next_attempt_at FROM {WebhookDelivery._meta.db_table} d
        WHERE d.endpoint_id = e.id AND d.status = 'PENDING'
          AND d.next_attempt_at <= offerhub_now()
          AND (d.lease_until IS NULL OR d.lease_until < now())
          AND NOT EXISTS (
            SELECT FROM {WebhookDelivery._meta.db_table} b WHERE b.endpoint_id = d.endpoint_id
              AND b.subject = d.subject AND b.status = 'PENDING' AND b.number < d.number)
        ORDER BY d.next_attempt_at, d.number LIMIT 1) AS first(due)
    WHERE e.status = 'ENABLED' AND e.failures = 0"""  # noqa: S608
_AGES = f"""
SELECT (SELECT extract(epoch FROM now() - updated_at) FROM {ChainCursor._meta.db_table}
        WHERE network = %(network)s),
    {_oldest(_parts())},
    {_oldest(_unknown())},
    (SELECT extract(epoch FROM offerhub_now() - min(created_at)) FROM {Event._meta.db_table}
     WHERE number IS NULL),
    ({_WEBHOOKS})"""  # noqa: S608


# --- readiness --------------------------------------------------------------------------------
class Readiness:
    """Whether this process can do any work at all. What it once found in place it remembers."""

    def __init__(self) -> None:
        self._migrated = False

    def problem(self) -> str:
        """Why it can not; empty when it can. One statement once the migrations were seen."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            if not self._migrated:
                executor = MigrationExecutor(connection)
                missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
                self._migrated = not missing
        except DatabaseError:
            return SILENT
        return "" if self._migrated else "migrations are missing"
