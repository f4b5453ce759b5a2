"""Recording events. Called by services inside their own transaction, under the subject's lock."""

import json
from typing import Any, Protocol

from django.db import connection

from offerhub.core.actor import Actor
from offerhub.events.models import Event, event_id

# Every change of the product writes one, so it is said to the database directly.
_INSERT = f"""
    INSERT INTO {Event._meta.db_table}
        (id, marketplace_id, type, subject, sequence, actor, request_id, payload)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""  # noqa: S608 (our own table's name)


class Subject(Protocol):
    """An object that events are about: it counts its own changes in `version`."""

    id: Any
    marketplace_id: Any
    version: int


def record(
    subject: Subject, type: str, *, actor: Actor, payload: dict[str, Any] | None = None
) -> None:
    """Write the event for a change of `subject`, whose `version` this raises by one.

    The caller holds the subject's row lock and saves `version` with the change itself, which
    makes the sequence gap-free: a change that rolls back takes its number with it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an event is recorded in the transaction of its change")
    subject.version += 1
    values = [
        event_id(),
        subject.marketplace_id,
        type,
        subject.id,
        subject.version,
        str(actor),
        actor.request_id,
        json.dumps(payload or {}),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
