"""The escrow provider's limit on the page of operations: what is used, who waits, and how long."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings

from offerhub.budget import queue
from offerhub.budget.lanes import Lane
from offerhub.desk.clocks import span
from offerhub.marketplaces.models import Marketplace

LANES = {
    Lane.PERSON: "People who wait, freezes, settlements",
    Lane.ORDER: "Orders",
    Lane.AUTOMATIC: "Automatic releases, subscriptions",
    Lane.BATCH: "Campaigns and other batches",
}


@dataclass(frozen=True)
class Line:
    """What waits of one marketplace in one lane, and until when."""

    lane: str
    marketplace: str
    operations: int
    requests: int
    left: str


def panel() -> dict[str, Any] | None:
    """What the panel shows; None without a limit. Two statements, none without."""
    now = queue.overview()
    if now is None:
        return None
    names = dict(Marketplace.objects.values_list("pk", "name")) if now.shares else {}
    return {
        "limit": now.standing.limit,
        "window": f"{settings.PROVIDER_WINDOW:g} seconds",
        "used": now.used,
        "blocked": _time(now.blocked_for),
        "empty": _time(now.until_empty),
        "lines": [
            Line(
                LANES[Lane(share.lane)],
                names.get(share.marketplace_id, share.marketplace_id),
                share.operations,
                share.requests,
                _time(now.until(share.lane, share.upto)) or "now",
            )
            for share in now.shares
        ],
    }


def _time(left: timedelta) -> str:
    return span(left) if left else ""
