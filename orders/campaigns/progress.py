"""How far a settlement is, and when it ends.

`estimate` is the one place that says so. Where the provider's limit sets the pace, the budget
tells how long so many calls take among all that waits. Else it measures: how fast the last pledges
ended, the ones that are half-way included, because while the window fills up pledges begin and none
ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from offerhub.budget import queue, requests
from offerhub.budget.lanes import Lane
from offerhub.core import clock
from orders.campaigns import counting
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.states import CampaignStatus, Holds, PledgeState

LAST = 200  # pledges that the pace is measured by
HALF = 0.5  # what a pledge on its way counts for


@dataclass(frozen=True)
class Progress:
    """Numbers of pledges; `eta` is None while nothing can be said of it."""

    total: int
    done: int  # settled, or left to a dispute
    failed: int
    on_its_way: int
    waiting: int
    eta: timedelta | None = None
    ends_at: datetime | None = None

    @property
    def percent(self) -> int:
        """Rounded down: a hundred is the end."""
        return 100 * self.done // self.total if self.total else 100


def progress(campaign: Campaign) -> Progress:
    """Of a campaign as it was read. At most four statements, none unless it is settling."""
    settling = campaign.status == CampaignStatus.SETTLING
    on_its_way = 0
    if settling:
        ways = Pledge.objects.filter(campaign=campaign, state=PledgeState.SETTLING)
        on_its_way = min(ways.count(), campaign.left)
    now = clock.now()
    eta = estimate(campaign, on_its_way, now) if settling else None
    return Progress(
        total=campaign.pledges,
        done=campaign.done,
        failed=campaign.failed,
        on_its_way=on_its_way,
        waiting=campaign.left - on_its_way,
        eta=eta,
        ends_at=now + eta if eta is not None else None,
    )


def estimate(campaign: Campaign, on_its_way: int, now: datetime) -> timedelta | None:
    """How long the rest takes: under a limit as the queue tells, else at the pace of the last
    pledges; None before any is half-way."""
    if requests.limit():
        calls = (campaign.left - on_its_way) * _calls_of_a_pledge(campaign)
        calls += counting.calls_on_their_way(campaign) if on_its_way else 0
        return queue.time_left(
            marketplace_id=campaign.marketplace_id, lane=Lane.BATCH, operations=calls
        )
    assert campaign.settling_at is not None
    ended = campaign.done - campaign.settled_before
    since, work = campaign.settling_at, ended + HALF * on_its_way
    if ended > LAST:
        newest = Pledge.objects.filter(campaign=campaign, settled_at__isnull=False)
        oldest = newest.order_by("-settled_at")[LAST - 1].settled_at
        since, work = max(since, oldest or since), float(LAST)
    seconds = (now - since).total_seconds()
    if work <= 0 or seconds <= 0 or not ended:
        return None
    rest = campaign.left - HALF * on_its_way
    return timedelta(seconds=round(rest * seconds / work))


def _calls_of_a_pledge(campaign: Campaign) -> int:
    """To the contract, from what it is held by to its end."""
    reserved = campaign.holds == Holds.RESERVATION
    if campaign.outcome == CampaignStatus.SUCCEEDED:
        return 4 if reserved else 2  # deployed and funded first; approved, released
    return 0 if reserved else 2  # frozen, divided
