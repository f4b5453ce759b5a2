"""Sending again what an endpoint did not take: after an outage, or once its fault is mended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, Unprocessable
from offerhub.events.deliveries import leave_alone_no_more, lock_enabled
from offerhub.events.endpoints import known_types
from offerhub.events.models import WebhookDelivery, WebhookEndpoint

MOST_AT_ONCE = 1000  # deliveries of one call; the oldest first, so that the next call goes on

Status = WebhookDelivery.Status
ENDED = (Status.FAILED.value, Status.CANCELLED.value)  # given up, or lost while it was off
REPLAYABLE = (*ENDED, Status.PENDING.value)


@dataclass(frozen=True)
class Wanted:
    """Which deliveries: those of events from `since` on and before `until`, of these statuses and
    types (`order.created`, `order.*`; none is every type).

    PENDING are those that wait for a later try. What was taken is not sent again: the log has it.
    """

    since: datetime | None = None
    until: datetime | None = None
    statuses: Sequence[str] = ENDED
    types: Sequence[str] = ()


@dataclass(frozen=True)
class Replayed:
    """How many are due again now, and whether as many as one call takes were not enough."""

    count: int
    has_more: bool


EVERYTHING = Wanted()


@in_transaction
def replay(
    *, marketplace_id: str | None, endpoint_id: str, wanted: Wanted = EVERYTHING, actor: Actor
) -> Replayed:
    """Send again what the endpoint did not take, under the same `webhook-id`s and with the whole
    schedule of tries; those of one subject keep their order.

    Raises Unprocessable for a period that is none, InvalidRequest for types that are none,
    NotFound, and WrongState while the endpoint is disabled.
    """
    _check_period(wanted)
    endpoint = lock_enabled(marketplace_id, endpoint_id)
    oldest = missed(endpoint, wanted).order_by("number").values_list("pk", flat=True)
    found = list(oldest[: MOST_AT_ONCE + 1])
    taken = found[:MOST_AT_ONCE]
    WebhookDelivery.objects.filter(pk__in=taken).update(
        status=Status.PENDING, tries=0, finished_at=None, next_attempt_at=clock.ProductNow()
    )
    leave_alone_no_more(endpoint)
    return Replayed(len(taken), has_more=len(found) > len(taken))


def missed(endpoint: WebhookEndpoint, wanted: Wanted = EVERYTHING) -> QuerySet[WebhookDelivery]:
    """What `replay` would send again."""
    rows = WebhookDelivery.objects.filter(endpoint=endpoint, status__in=wanted.statuses)
    if Status.PENDING in wanted.statuses:
        rows = rows.exclude(status=Status.PENDING, next_attempt_at__lte=clock.ProductNow())
    if wanted.since is not None:
        rows = rows.filter(created_at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(created_at__lt=wanted.until)
    return rows.filter(_of_types(known_types(wanted.types)))


def _of_types(types: Sequence[str]) -> Q:
    areas = [Q(event__type__startswith=name[:-1]) for name in types if name.endswith(".*")]
    return Q(*areas, event__type__in=types, _connector=Q.OR) if types else Q()


def _check_period(wanted: Wanted) -> None:
    since, until = wanted.since, wanted.until
    if since is not None and since > clock.now():
        raise _refused("since", "in_the_future", "must not be in the future")
    if since is not None and until is not None and until <= since:
        raise _refused("until", "not_after_since", "must be after since")


def _refused(field: str, code: str, message: str) -> Unprocessable:
    return Unprocessable(errors=[FieldError(field, code, message)])
