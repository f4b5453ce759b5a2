"""Who does something. Every service function takes an explicit `actor`; nothing reads it from
the air, so a missing actor is a type error and not an anonymous change."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    API_KEY = "api_key"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """`id` is the key's or the staff user's public id, or the name of the system part."""

    kind: ActorKind
    id: str
    request_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def system(part: str, request_id: str = "") -> Actor:
    """The product itself, by the part that acts: `system("monitor")`."""
    return Actor(ActorKind.SYSTEM, part, request_id)
