"""Who does something. Every service function takes an explicit `actor`; nothing reads it from
the air, so a missing actor is a type error and not an anonymous change."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


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

    @classmethod
    def parse(cls, text: str, request_id: str = "") -> Self:
        """The actor that a row keeps as text."""
        kind, _, name = text.partition(":")
        return cls(ActorKind(kind), name, request_id)


def system(part: str, request_id: str = "") -> Actor:
    """The product itself, by the part that acts: `system("monitor")`."""
    return Actor(ActorKind.SYSTEM, part, request_id)
