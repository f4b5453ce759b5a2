"""Workers that are killed in the middle of a settlement: every pledge is paid once, whatever."""

import contextlib
from typing import Any

import pytest
import requests
from django.db.models.functions import Now

from offerhub.core import jobs
from orders.campaigns import settling
from orders.campaigns.models import Campaign
from orders.models import EscrowOperation
from tests.campaigns.scene import Backed
from tests.crash.workers import Killed
from tests.http import Api
from tests.world import World

POINTS = ["campaign_chosen", "campaign_pledge_asked", "after_submit", "before_confirm"]


def sequences(scene: Backed) -> list[int]:
    """How many transactions of each backer's account reached a ledger."""
    accounts = [scene.world.wallet(backer).address for backer in scene.backers]
    url = scene.world.network.url
    answers = [requests.get(f"{url}/accounts/{account}", timeout=10) for account in accounts]
    return [int(answer.json()["sequence"]) for answer in answers]


@pytest.mark.parametrize("goal", [30, 1000])
def test_a_worker_that_dies_again_and_again_pays_every_pledge_once(
    world: World, api: Api, worker: Killed, settings: Any, goal: int
) -> None:
    """It dies between the look and the asking, after each pledge that it asked for, and with an
    envelope sent and not booked; others go on from the rows."""
    settings.CAMPAIGN_WINDOW = 3
    scene = Backed(world, api, 4)
    campaign = scene.campaign(goal)
    for backer in (1, 2, 3, 4):
        scene.pledge(campaign, backer, 10)
    before = sequences(scene)
    scene.pass_deadline()
    settling.attend(campaign)  # begins
    deaths = []
    for point in POINTS:
        Campaign.objects.filter(pk=campaign).update(next_at="2000-01-01T00:00:00Z")
        deaths.append(worker("orders.campaign", campaign, point=point))
    assert deaths[:2] == [137, 137]
    assert 137 in deaths[2:]  # somewhere on the way of the calls that it rang for
    held = EscrowOperation.objects.filter(order__campaign=campaign, lease_until__gt=Now())
    assert held.update(lease_until=Now()) >= 1  # half a minute passes

    ended = scene.until_settled(campaign)
    kinds = EscrowOperation.objects.filter(order__campaign=campaign, status="CONFIRMED")
    counts = {kind: kinds.filter(kind=kind).count() for kind in ("RELEASE", "RESOLVE")}
    # Each backer's account sent two calls for a release, one for a refund (the other is the
    # resolver's), and none of them twice.
    sent = [after - first for first, after in zip(before, sequences(scene), strict=True)]
    if goal == 30:
        assert (ended["status"], counts) == ("SUCCEEDED", {"RELEASE": 4, "RESOLVE": 0})
        assert sent == [2] * 4
        assert scene.available("creator_456") == ["40.00"]
    else:
        assert (ended["status"], counts) == ("FAILED", {"RELEASE": 0, "RESOLVE": 4})
        assert sent == [1] * 4
        assert scene.available(*(f"backer_{n}" for n in (1, 2, 3, 4))) == ["100.00"] * 4
    assert kinds.count() == EscrowOperation.objects.filter(order__campaign=campaign).count()
    assert world.differences() == []


def test_a_worker_that_dies_while_reservations_are_given_back(
    world: World, api: Api, worker: Killed
) -> None:
    scene = Backed(world, api, 1)
    campaign = scene.campaign(1000, holds="RESERVATION")
    for _ in range(5):
        scene.pledge(campaign, 1, 10)
    scene.pass_deadline()
    settling.attend(campaign)
    for _ in range(3):  # each gives one back and dies
        Campaign.objects.filter(pk=campaign).update(next_at="2000-01-01T00:00:00Z")
        assert worker("orders.campaign", campaign, point="campaign_pledge_asked") == 137
    assert scene.available("backer_1") == ["80.00"]
    with contextlib.suppress(jobs.Later):
        settling.attend(campaign)
    assert scene.until_settled(campaign)["refunded"] == 5
    assert scene.available("backer_1") == ["100.00"]
    assert not EscrowOperation.objects.filter(order__campaign=campaign).exists()
