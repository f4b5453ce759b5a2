"""Who is who at the desk: the person of a request, and the names behind actor texts."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from offerhub.core.actor import Actor, ActorKind
from offerhub.marketplaces.models import StaffUser


@dataclass(frozen=True)
class Name:
    """The person of a request."""

    user: Any

    @property
    def actor(self) -> Actor:
        """As services take it."""
        return Actor(ActorKind.STAFF, self.user.public_id)

    @property
    def actor_text(self) -> str:
        """As rows keep it."""
        return str(self.actor)

    def of(self, actor_text: str) -> str:
        """The name behind an actor text: a person's, or what acted."""
        if actor_text == self.actor_text:
            return "You"
        kind, _, public_id = actor_text.partition(":")
        if kind == ActorKind.STAFF:
            found = StaffUser.objects.filter(public_id=public_id).first()
            return (found.get_full_name() or found.username) if found else "somebody"
        return "The marketplace" if kind == ActorKind.API_KEY else "The system"


def name_of(request: HttpRequest) -> Name:
    """The person of this request."""
    return Name(request.user)
