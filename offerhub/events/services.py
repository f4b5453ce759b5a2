"""Recording events. Called by services inside their own transaction, under the subject's lock."""

import json
from collections.abc import Iterable
from typing import Any, Protocol

from django.db import connection

from offerhub.core.actor import Actor
from offerhub.events import catalog
from offerhub.events.models import Event, event_id

# Every change of the product writes one, so it is said to the database directly. A part of a
# statement that writes the change itself, with the values of `recorded`.
RECORD = f"""
    INSERT INTO {Event._meta.db_table}
        (id, marketplace_id, type, version, subject, sequence, actor, request_id, payload)
    VALUES (%(event_id)s, %(event_marketplace)s, %(event_type)s, %(event_version)s,
        %(event_subject)s, %(event_sequence)s, %(event_actor)s, %(event_request)s,
        %(event_payload)s)"""  # noqa: S608 (our own table's name)


class Subject(Protocol):
    """An object that events are about: it counts its own changes in `version`."""

    id: Any
    version: int

    @property
    def marketplace_id(self) -> Any: ...


def first(
    subject: str, type: str, *, marketplace_id: str, actor: Actor, payload: dict[str, Any]
) -> Event:
    """The first event of a row that nobody else knows yet, to be written with others at once."""
    catalog.check(type, subject, payload)
    return Event(
        marketplace_id=marketplace_id,
        type=type,
        version=catalog.version_of(type),
        subject=subject,
        sequence=1,
        actor=str(actor),
        request_id=actor.request_id,
        payload=payload,
    )


def request_that_made(subject: str) -> str:
    """The id of the request whose change was this object's first; empty when it was none."""
    made = Event.objects.filter(subject=subject, sequence=1)
    return made.values_list("request_id", flat=True).first() or ""


def record(
    subject: Subject, type: str, *, actor: Actor, payload: dict[str, Any] | None = None
) -> None:
    """Write the event for a change of `subject`, whose `version` this raises by one.

    The caller holds the subject's row lock and saves `version` with the change itself, which
    makes the sequence gap-free: a change that rolls back takes its number with it.
    """
    values = recorded(subject, type, actor=actor, payload=payload)
    with connection.cursor() as cursor:
        cursor.execute(RECORD, values)


def record_all(
    changes: Iterable[tuple[Subject, dict[str, Any]]], type: str, *, actor: Actor
) -> None:
    """The same event for many subjects, each with its payload. One round trip."""
    rows = [recorded(row, type, actor=actor, payload=payload) for row, payload in changes]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(RECORD, rows)


def recorded(
    subject: Subject, type: str, *, actor: Actor, payload: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The values of `RECORD` for the same: for a statement that writes the change as well."""
    if not connection.in_atomic_block:
        raise RuntimeError("an event is recorded in the transaction of its change")
    told = payload or {}
    catalog.check(type, str(subject.id), told)
    subject.version += 1
    return {
        "event_id": event_id(),
        "event_marketplace": subject.marketplace_id,
        "event_type": type,
        "event_version": catalog.version_of(type),
        "event_subject": subject.id,
        "event_sequence": subject.version,
        "event_actor": str(actor),
        "event_request": actor.request_id,
        "event_payload": json.dumps(told),
    }
