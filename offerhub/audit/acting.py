"""How a view of the desk acts: the change and its audit row commit together or not at all."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from offerhub.audit.services import Seat, record
from offerhub.core.actor import Actor, ActorKind
from offerhub.core.addresses import client_address


def actor_of(request: HttpRequest) -> Actor:
    """The person at the desk, for services."""
    user: Any = request.user
    return Actor(ActorKind.STAFF, user.public_id, getattr(request, "offerhub_request_id", ""))


def seat_of(request: HttpRequest) -> Seat:
    """Who sits where, for the audit. Nobody, when nobody is signed in."""
    user: Any = request.user
    known = user.is_authenticated
    key = getattr(getattr(request, "session", None), "session_key", None)
    return Seat(
        actor=f"{ActorKind.STAFF}:{user.public_id}" if known else "",
        username=user.get_username() if known else "",
        address=client_address(request),
        request_id=getattr(request, "offerhub_request_id", ""),
        session=hashlib.sha256(key.encode()).hexdigest()[:12] if key else "",
    )


@dataclass
class Acting:
    """What a view adds while it acts. `before` and `after` say what changed; never a secret."""

    actor: Actor
    subject: str = ""
    marketplace: str = ""
    reason: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


@contextmanager
def staff_action(
    request: HttpRequest,
    action: str,
    subject: str = "",
    reason: str = "",
    *,
    marketplace: str = "",
    before: dict[str, Any] | None = None,
) -> Iterator[Acting]:
    """One transaction around a call of a service, with one audit row as its last act.

        with staff_action(request, "dispute.assigned", subject=dispute.id) as acting:
            acting.before = {"assignee": dispute.assignee}
            assign(dispute_id=dispute.id, assignee=…, actor=acting.actor)
            acting.after = {"assignee": …}

    A refusal, like any exception, leaves neither a change nor a row.
    """
    with transaction.atomic():
        acting = Acting(actor_of(request), subject, marketplace, reason, before or {})
        yield acting
        record(
            seat=seat_of(request),
            action=action,
            subject=acting.subject,
            marketplace=acting.marketplace,
            reason=acting.reason,
            before=acting.before,
            after=acting.after,
        )
