"""Which endpoints hear of which events: their deliveries are made in the transaction that numbers
the events, so none is missed and none is made twice."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from offerhub.events.catalog import matches
from offerhub.events.models import WebhookDelivery, WebhookEndpoint
from offerhub.events.webhook_models import delivery_id

TEST = "webhook_endpoint.tested"

# Locked for as long as this transaction lasts, so that an endpoint which is being disabled either
# finds these deliveries or is not found here.
_ENDPOINTS = f"""
    SELECT id, marketplace_id, types FROM {WebhookEndpoint._meta.db_table}
    WHERE marketplace_id = ANY(%s) AND status = 'ENABLED' ORDER BY id FOR SHARE"""  # noqa: S608
_INSERT = f"""
    INSERT INTO {WebhookDelivery._meta.db_table}
        (id, endpoint_id, event_id, subject, number, status, tries, attempts, lease, problem)
    SELECT d.id, d.endpoint, d.event, d.subject, d.number, 'PENDING', 0, 0, '', ''
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[])
        AS d(id, endpoint, event, subject, number)"""  # noqa: S608


class Numbered(NamedTuple):
    """An event that has got its number."""

    number: int
    position: int
    marketplace: str
    type: str
    subject: str


def plan(events: Sequence[Numbered]) -> int:
    """Make the deliveries of these events; how many. One statement, two if there are any."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDPOINTS, [sorted({event.marketplace for event in events})])
        endpoints = [(pk, market, json.loads(types)) for pk, market, types in cursor.fetchall()]
        rows = [
            (delivery_id(), endpoint, event.position, event.subject, event.number)
            for event in events
            for endpoint, marketplace, types in endpoints
            if marketplace == event.marketplace and _hears(endpoint, types, event)
        ]
        if rows:
            cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
    return len(rows)


def _hears(endpoint: str, types: Sequence[str], event: Numbered) -> bool:
    """A test of an endpoint is for that endpoint alone, whatever it wants else."""
    if event.type == TEST:
        return event.subject == endpoint
    return matches(types, event.type)
