"""The queue of deliveries: which are due, what became of them, and sending one again.

Ten tries over 75 hours and 35 minutes, by the product's clock; then it is FAILED, and the log has
the event still. Whoever sends takes rows with a lease, so that any number of deliverers may run,
and one that is killed costs its rows the lease: they are sent again under the same `webhook-id`.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from offerhub.core import clock
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import NotFound, WrongState
from offerhub.core.rows import Columns
from offerhub.events import endpoints
from offerhub.events.models import Event, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from offerhub.events.planning import TEST
from offerhub.events.sending import TIMEOUT, Answer

# Seconds between one try and the next: Standard Webhooks' own.
SCHEDULE = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
TRIES = len(SCHEDULE) + 1
LEASE = TIMEOUT + 5  # seconds
# After so many failures in a row an endpoint is asked by one delivery at a time, with pauses.
BREAK_AFTER = 10
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
LONGEST_RETRY_AFTER = 86400.0
ACTOR = system("webhooks")

Status = WebhookDelivery.Status
_DELIVERY = WebhookDelivery._meta.db_table
_ENDPOINT = WebhookEndpoint._meta.db_table
_EVENT = Event._meta.db_table
_ATTEMPT = WebhookAttempt._meta.db_table
_COLUMNS = Columns(Event, "ev")


@dataclass(frozen=True)
class Claimed:
    """A delivery that this deliverer may send now."""

    id: str
    lease: str
    endpoint: str
    url: str
    tries: int
    at: datetime  # when it was taken
    event: Event


@dataclass(frozen=True)
class Result:
    """What became of it."""

    claimed: Claimed
    answer: Answer


# --- what is due ------------------------------------------------------------------------------
# Of each endpoint as many as it has places left; of one subject only the first that has not ended,
# but for a test of the endpoint: that is asked for to know what is wrong with it now.
# One that fails has no more places than it has failures left, so that the breaker opens in time.
# Healthy endpoints first, should there not be enough connections for all.
_CLAIM = f"""
    WITH places AS (
        SELECT e.id, e.failures, CASE WHEN e.failures = 0 THEN %(each)s
            ELSE GREATEST(LEAST(%(each)s, %(broken)s - e.failures), 1) END
            - COALESCE(flying.count, 0) AS free
        FROM {_ENDPOINT} e
        LEFT JOIN unnest(%(busy)s::text[], %(counts)s::int[]) AS flying(endpoint, count)
            ON flying.endpoint = e.id
        WHERE e.status = 'ENABLED'
          AND (e.paused_until IS NULL OR e.paused_until <= offerhub_now())
    ), due AS (
        SELECT d.id FROM places CROSS JOIN LATERAL (
            SELECT d.id FROM {_DELIVERY} d
            WHERE d.endpoint_id = places.id AND d.status = 'PENDING'
              AND d.next_attempt_at <= offerhub_now()
              AND (d.lease_until IS NULL OR d.lease_until < now())
              AND (NOT EXISTS (
                SELECT 1 FROM {_DELIVERY} b WHERE b.endpoint_id = d.endpoint_id
                  AND b.subject = d.subject AND b.status = 'PENDING' AND b.number < d.number)
                OR d.subject = d.endpoint_id AND EXISTS (
                SELECT 1 FROM {_EVENT} e WHERE e.position = d.event_id AND e.type = '{TEST}'))
            ORDER BY d.next_attempt_at, d.number LIMIT GREATEST(places.free, 0)
            FOR UPDATE OF d SKIP LOCKED
        ) AS d ORDER BY places.failures LIMIT %(most)s
    )
    UPDATE {_DELIVERY} AS t SET lease = %(lease)s,
        lease_until = now() + make_interval(secs => %(seconds)s)
    FROM due, {_ENDPOINT} AS e, {_EVENT} AS ev
    WHERE t.id = due.id AND e.id = t.endpoint_id AND ev.position = t.event_id
    RETURNING t.id, t.endpoint_id, e.url, t.tries, {_COLUMNS.sql}"""  # noqa: S608


def claim(flying: Mapping[str, int], most: int) -> list[Claimed]:
    """Take what is due, in the order of the log. `flying` says how many of each endpoint are on
    their way here. One statement."""
    lease = secrets.token_hex(8)
    values = {
        "broken": BREAK_AFTER,
        "each": settings.WEBHOOK_ENDPOINT_CONNECTIONS,
        "busy": list(flying),
        "counts": list(flying.values()),
        "most": most,
        "lease": lease,
        "seconds": LEASE,
    }
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        found = [
            Claimed(row[0], lease, row[1], row[2], row[3], now, _COLUMNS.instance(row[4:]))
            for row in cursor.fetchall()
        ]
    return sorted(found, key=lambda one: one.event.number or 0)


# --- what became of it ------------------------------------------------------------------------
_FINISH = f"""
    UPDATE {_DELIVERY} AS t SET status = r.status, tries = t.tries + 1, attempts = t.attempts + 1,
        next_attempt_at = CASE WHEN r.status = 'PENDING'
            THEN offerhub_now() + make_interval(secs => r.pause) ELSE t.next_attempt_at END,
        lease = '', lease_until = NULL, answered = r.answered, problem = r.problem,
        finished_at = CASE WHEN r.status = 'PENDING' THEN NULL ELSE offerhub_now() END
    FROM unnest(%(ids)s::text[], %(leases)s::text[], %(statuses)s::text[], %(pauses)s::float[],
        %(answered)s::int[], %(problems)s::text[])
        AS r(id, lease, status, pause, answered, problem)
    WHERE t.id = r.id AND t.lease = r.lease
    RETURNING t.id, t.attempts"""  # noqa: S608
# What comes behind one that waits need not be looked at before.
_WAIT = f"""
    UPDATE {_DELIVERY} AS t SET next_attempt_at = f.next_attempt_at
    FROM {_DELIVERY} AS f WHERE f.id = ANY(%s) AND f.status = 'PENDING'
      AND t.endpoint_id = f.endpoint_id AND t.subject = f.subject AND t.status = 'PENDING'
      AND t.number > f.number AND t.next_attempt_at < f.next_attempt_at"""  # noqa: S608
_TRIED = f"""
    INSERT INTO {_ATTEMPT}
        (delivery_id, number, at, answered, problem, detail, milliseconds, answer)
    SELECT * FROM unnest(%s::text[], %s::int[], %s::timestamptz[], %s::int[], %s::text[],
        %s::text[], %s::int[], %s::text[])"""  # noqa: S608


@in_transaction
def finish(results: Sequence[Result]) -> None:
    """Write what became of deliveries. A row whose lease was lost is left to who has it.

    Statements: the endpoints' locks, the rows, what waits behind those that failed, the attempts;
    and one for each endpoint whose health changed.
    """
    healths = _lock_endpoints({result.claimed.endpoint for result in results})
    ends = [_end(result) for result in results]
    with connection.cursor() as cursor:
        cursor.execute(
            _FINISH,
            {
                "ids": [r.claimed.id for r in results],
                "leases": [r.claimed.lease for r in results],
                "statuses": [status for status, _ in ends],
                "pauses": [pause for _, pause in ends],
                "answered": [r.answer.status for r in results],
                "problems": [r.answer.problem for r in results],
            },
        )
        numbers: dict[str, int] = dict(cursor.fetchall())
        kept = [r for r in results if r.claimed.id in numbers]
        failed = [r.claimed.id for r in kept if r.answer.problem]
        if failed:
            cursor.execute(_WAIT, [failed])
        if kept:
            cursor.execute(_TRIED, _tried(kept, numbers))
    for result in kept:
        _note(healths.get(result.claimed.endpoint), result.answer)
    for health in healths.values():
        health.save_changes()


def _end(result: Result) -> tuple[str, float]:
    """The status that a delivery has now, and in how many seconds it is due again."""
    answer, tries = result.answer, result.claimed.tries + 1
    if not answer.problem:
        return Status.DELIVERED.value, 0.0
    if answer.problem == "gone" or tries >= TRIES:
        return Status.FAILED.value, 0.0
    asked = min(answer.retry_after or 0.0, LONGEST_RETRY_AFTER)
    return Status.PENDING.value, max(float(SCHEDULE[tries - 1]), asked)


def _tried(results: Sequence[Result], numbers: Mapping[str, int]) -> list[Any]:
    rows = [
        (
            r.claimed.id,
            numbers[r.claimed.id],
            r.claimed.at,
            r.answer.status,
            r.answer.problem,
            r.answer.detail[:200],
            r.answer.milliseconds,
            r.answer.text,
        )
        for r in results
    ]
    return [list(column) for column in zip(*rows, strict=True)]


# --- the endpoint's health --------------------------------------------------------------------
class _Health:
    """A locked endpoint, while results are counted."""

    def __init__(self, endpoint: WebhookEndpoint) -> None:
        self.row = endpoint
        self.gone = self.changed = False

    def save_changes(self) -> None:
        """Write what changed; end the endpoint when it is gone or has failed for too long."""
        row, now = self.row, clock.now()
        limit = timedelta(days=settings.WEBHOOK_DISABLE_DAYS)
        if row.status != WebhookEndpoint.Status.ENABLED or not self.changed:
            return
        if self.gone:
            endpoints.disable(row, WebhookEndpoint.Reason.GONE, ACTOR)
        elif row.failing_since is not None and now - row.failing_since > limit:
            endpoints.disable(row, WebhookEndpoint.Reason.FAILING, ACTOR)
        else:
            row.save(update_fields=["failures", "failing_since", "paused_until"])


def _lock_endpoints(ids: Iterable[str]) -> dict[str, _Health]:
    rows = WebhookEndpoint.objects.select_for_update().filter(pk__in=list(ids)).order_by("pk")
    return {row.pk: _Health(row) for row in rows}


def _note(health: _Health | None, answer: Answer) -> None:
    if health is None:
        return
    row = health.row
    if not answer.problem:
        health.changed = health.changed or row.failures > 0
        row.failures, row.failing_since, row.paused_until = 0, None, None
        return
    health.changed = True
    health.gone = health.gone or answer.problem == "gone"
    row.failures += 1
    row.failing_since = row.failing_since or clock.now()
    pause = min(answer.retry_after or 0.0, LONGEST_PAUSE)
    if row.failures >= BREAK_AFTER:
        pause = max(pause, min(FIRST_PAUSE * 2 ** (row.failures - BREAK_AFTER), LONGEST_PAUSE))
    if pause:
        row.paused_until = clock.now() + timedelta(seconds=pause)


# --- again ------------------------------------------------------------------------------------
@in_transaction
def redeliver(
    *, marketplace_id: str | None, endpoint_id: str, delivery_id: str, actor: Actor
) -> WebhookDelivery:
    """Send it now, whatever became of it before, under the same `webhook-id`; should that fail the
    whole schedule follows. Raises NotFound; WrongState while its endpoint is disabled."""
    endpoint = lock_enabled(marketplace_id, endpoint_id)
    rows = WebhookDelivery.objects.select_for_update().filter(endpoint=endpoint, pk=delivery_id)
    row = rows.first()
    if row is None:
        raise NotFound("There is no such delivery to this endpoint")
    row.status, row.tries, row.finished_at = Status.PENDING, 0, None
    row.next_attempt_at = clock.now()
    row.save(update_fields=["status", "tries", "finished_at", "next_attempt_at"])
    leave_alone_no_more(endpoint)
    return row


def lock_enabled(marketplace_id: str | None, endpoint_id: str) -> WebhookEndpoint:
    """The endpoint's row, locked, of any marketplace with None. Raises NotFound, WrongState."""
    endpoint = endpoints.lock(marketplace_id, endpoint_id)
    if endpoint.status != WebhookEndpoint.Status.ENABLED:
        raise WrongState("The endpoint is disabled", currentStatus=endpoint.status)
    return endpoint


def leave_alone_no_more(endpoint: WebhookEndpoint) -> None:
    """End a pause of the breaker: somebody asked."""
    if endpoint.paused_until is not None:
        endpoint.paused_until = None
        endpoint.save(update_fields=["paused_until"])


def forget_old() -> int:
    """Delete deliveries that ended longer ago than `WEBHOOK_LOG_DAYS`; how many. In portions, so
    that no lock is held for long."""
    total, limit = 0, clock.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    while True:
        old = WebhookDelivery.objects.exclude(status=Status.PENDING).filter(finished_at__lt=limit)
        portion = list(old.order_by("finished_at").values_list("pk", flat=True)[:1000])
        WebhookAttempt.objects.filter(delivery_id__in=portion).delete()
        WebhookDelivery.objects.filter(pk__in=portion).delete()
        total += len(portion)
        if len(portion) < 1000:
            return total
