"""When a settlement ends, as far as that can be said."""

from typing import Any

import pytest

from offerhub.budget import queue
from offerhub.budget.lanes import Lane
from offerhub.core import clock
from orders.campaigns.models import Campaign
from orders.campaigns.progress import estimate


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("holds", "outcome", "calls"),
    [
        (
            "RESERVATION",
            "SUCCEEDED",
            32,
        ),  # eight that wait: deploy, fund, approve, release
        ("ESCROW", "SUCCEEDED", 16),
        ("ESCROW", "FAILED", 16),  # frozen, divided
        ("RESERVATION", "FAILED", 0),
    ],
)
def test_under_the_providers_limit_the_budget_says_when(
    holds: str, outcome: str, calls: int, settings: Any
) -> None:
    settings.PROVIDER_LIMIT = 10
    campaign = Campaign(marketplace_id="mkt_1", holds=holds, outcome=outcome, pledges=10)
    asked: dict[str, Any] = {"marketplace_id": "mkt_1", "lane": Lane.BATCH}
    told = estimate(campaign, on_its_way=2, now=clock.now())
    assert told == queue.time_left(**asked, operations=calls)
    assert bool(told) == (calls > 0)
