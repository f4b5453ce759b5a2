"""Two marketplaces ask for more than the provider's limit lets through, in three lanes.

Run by `bench.budget` in a process beside the instance; answers rows as JSON.
"""

import json
import os
import time
from collections.abc import Iterable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
django.setup()

from django.conf import settings  # noqa: E402

from offerhub.budget import queue  # noqa: E402
from offerhub.budget.lanes import Lane  # noqa: E402
from offerhub.chain import http  # noqa: E402
from offerhub.core.actor import system  # noqa: E402
from offerhub.marketplaces.models import Marketplace  # noqa: E402
from orders import escrow_services  # noqa: E402
from orders.models import EscrowOperation, Order  # noqa: E402

ACTOR = system("bench")
STEPS = 3  # complete, approve, release
# How many orders of each marketplace are released in each lane.
PLAN = [
    (0, Lane.BATCH, 24),
    (1, Lane.BATCH, 16),
    (0, Lane.ORDER, 6),
    (1, Lane.AUTOMATIC, 10),
]


def main() -> None:
    """Ask for all of it at once, note the estimates, and wait for the truth."""
    markets = list(Marketplace.objects.filter(name__startswith="Bench").order_by("name"))
    left = {m.pk: list(Order.objects.filter(marketplace=m).order_by("id")) for m in markets}
    meter("POST", {"perMinute": settings.PROVIDER_LIMIT, "seconds": settings.PROVIDER_WINDOW})
    began = time.time()
    groups = []
    for number, lane, count in PLAN:
        market = markets[number]
        chosen = [left[market.pk].pop() for _ in range(count)]
        for order in chosen:
            escrow_services.request_release(
                marketplace_id=market.pk,
                order_id=order.pk,
                milestone_ref="m1",
                action="release",
                actor=ACTOR,
                lane=lane,
            )
        groups.append((market, lane, chosen))
    while EscrowOperation.objects.filter(status="PENDING", problem__isnull=True).count() > 4:
        time.sleep(0.1)  # until all that must wait knows it
    now = queue.overview()
    assert now is not None
    asked = time.time()
    upto = {(share.marketplace_id, share.lane): share.upto for share in now.shares}
    estimates = [
        now.until(lane, upto.get((market.pk, lane.value), 0)).total_seconds()
        for market, lane, _ in groups
    ]
    everything = [order for _, _, chosen in groups for order in chosen]
    while Order.objects.filter(pk__in=[o.pk for o in everything], status="IN_PROGRESS").exists():
        time.sleep(0.2)
    ends = [max(_finished(chosen)) for _, _, chosen in groups]
    rows: list[dict[str, Any]] = [
        {
            "name": f"{market.name}, lane {lane.name}, {len(chosen)} orders",
            "estimate": round(estimate + asked - began, 1),
            "truth": round(end - began, 1),
        }
        for (market, lane, chosen), estimate, end in zip(groups, estimates, ends, strict=True)
    ]
    first = min(ends[0], ends[1])
    shares = [sum(at <= first for at in _finished(groups[place][2])) for place in (0, 1)]
    seen = meter("GET")
    print(json.dumps({"rows": rows, "shares": shares, "meter": seen}))  # noqa: T201


def _finished(orders: Iterable[Order]) -> list[float]:
    rows = EscrowOperation.objects.filter(order__in=list(orders), finished_at__isnull=False)
    ended = rows.filter(kind__in=["COMPLETE", "APPROVE", "RELEASE"]).values_list("finished_at")
    return [at.timestamp() for (at,) in ended if at is not None]


def meter(method: str, body: dict[str, Any] | None = None) -> Any:
    """The sandbox's own count of the provider's requests."""
    content = json.dumps(body).encode() if body else None
    url = f"{settings.SANDBOX_URL}/control/provider-limit"
    return http.call(method, url, content=content).body


if __name__ == "__main__":
    main()
