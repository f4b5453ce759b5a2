"""Recording events. Called by services inside their own transaction, under the subject's lock."""

from typing import Any, Protocol

from django.db import connection

from offerhub.core.actor import Actor
from offerhub.events.models import Event


class Subject(Protocol):
    """An object that events are about: it counts its own changes in `version`."""

    id: Any
    marketplace_id: Any
    version: int


def record(
    subject: Subject, type: str, *, actor: Actor, payload: dict[str, Any] | None = None
) -> Event:
    """Write the event for a change of `subject`, whose `version` this raises by one.

    The caller holds the subject's row lock and saves `version` with the change itself, which
    makes the sequence gap-free: a change that rolls back takes its number with it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an event is recorded in the transaction of its change")
    subject.version += 1
    return Event.objects.create(
        marketplace_id=subject.marketplace_id,
        type=type,
        subject=subject.id,
        sequence=subject.version,
        actor=str(actor),
        request_id=actor.request_id,
        payload=payload or {},
    )
