"""When a milestone is released by itself: how long after what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import models

from offerhub.core.durations import format_duration, parse_duration

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=365)


class Starts(models.TextChoices):
    """What a release window begins with."""

    FUNDED = "FUNDED"  # the money is in the contract
    SHIPPED = "SHIPPED"  # the seller sent the goods
    COMPLETED = "COMPLETED"  # the seller says the work is done


@dataclass(frozen=True)
class ReleasePolicy:
    """`after` as ISO 8601 writes it, at least a minute and at most 365 days."""

    after: str
    starts: Starts

    @property
    def length(self) -> timedelta:
        """How long the window is."""
        return parse_duration(self.after)

    def body(self) -> dict[str, str]:
        """As the API shows it."""
        return {"after": self.after, "from": self.starts.value}


def policy_of(body: Mapping[str, Any] | None) -> ReleasePolicy | None:
    """The policy that a checked body names: `{"after": timedelta, "from_": …}`."""
    if body is None:
        return None
    return ReleasePolicy(format_duration(body["after"]), Starts(body["from_"]))


def kept(body: Mapping[str, str] | None) -> ReleasePolicy | None:
    """The policy that a row keeps as it is shown."""
    return ReleasePolicy(body["after"], Starts(body["from"])) if body else None
