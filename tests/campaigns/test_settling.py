"""Settling: failures and retries, disputes, being called off, twenty schedulers, events, cost."""

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import override_settings

from offerhub.budget import queue
from offerhub.budget.lanes import Lane
from offerhub.chain.submission import LIVE
from offerhub.core import clock, jobs
from offerhub.events.models import Event
from orders import outcomes
from orders.campaigns import settling
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.progress import estimate
from orders.models import EscrowOperation, Milestone
from tests.campaigns.scene import Backed
from tests.http import Api
from tests.statements import Statements
from tests.world import World


def told(campaign: str) -> list[str]:
    """Its events, whose sequence has no gap."""
    rows = list(Event.objects.filter(subject=campaign).order_by("sequence"))
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [row.type.removeprefix("campaign.") for row in rows]


def test_a_goal_that_is_not_met_is_not_settled_early_but_may_be_called_off(
    world: World, api: Api
) -> None:
    scene = Backed(world, api, 2)
    campaign = scene.campaign(100)
    scene.pledge(campaign, 1, 50)
    problem = api.post(f"/campaigns/{campaign}/settle", status=409)
    assert (problem["code"], problem["pledged"]) == ("campaign_goal_not_met", "50.00")
    ended = api.post(f"/campaigns/{campaign}/cancel", {"reason": "Moved abroad"})
    assert (ended["status"], ended["givenBack"]) == ("CANCELLED", "50.00")
    assert api.post(f"/campaigns/{campaign}/cancel")["status"] == "CANCELLED"
    assert api.post(f"/campaigns/{campaign}/retry", status=409)["code"] == "wrong_state"
    assert scene.available("backer_1", "creator_456") == ["100.00", "0.00"]
    assert told(campaign) == ["created", "settling", "cancelled"]
    assert world.differences() == []


def fail_half_way(order: str) -> None:
    """The first of two calls is done, the second is proven not to have happened."""
    operations = EscrowOperation.objects.filter(order=order, status__in=LIVE)
    with jobs.held():
        jobs.step("orders.operation", operations.get().pk)
        outcomes.fail(operations.get().pk, "not_now", "The provider refused it", None)


@pytest.mark.parametrize("goal", [60, 1000])
def test_pledges_that_fail_are_listed_and_tried_again(world: World, api: Api, goal: int) -> None:
    """Two of three fail half-way: approved and not released, or frozen and not given back."""
    scene = Backed(world, api, 3)
    campaign = scene.campaign(goal)
    orders = [scene.pledge(campaign, backer, 20)["id"] for backer in (1, 2, 3)]
    scene.pass_deadline()
    settling.attend(campaign)  # begins
    with jobs.held(), suppress(jobs.Later):
        settling.attend(campaign)  # asks
    for order in orders[:2]:
        fail_half_way(order)
    waiting = scene.until_settled(campaign)
    assert (waiting["status"], waiting["failed"], waiting["progress"]["percent"]) == (
        "NEEDS_ATTENTION",
        2,
        33,
    )
    failed = api.get(f"/campaigns/{campaign}/pledges?state=FAILED")["data"]
    assert [(p["state"], p["orderStatus"], p["problem"]["code"]) for p in failed] == (
        [("FAILED", "IN_PROGRESS", "not_now")] * 2
    )
    before = EscrowOperation.objects.filter(order__campaign=campaign).count()

    ended = api.post(f"/campaigns/{campaign}/retry")
    final = ("SUCCEEDED", 3, 0) if goal == 60 else ("FAILED", 0, 3)
    assert (ended["status"], ended["released"], ended["refunded"]) == final
    assert EscrowOperation.objects.filter(order__campaign=campaign).count() == before + 2
    if goal == 60:
        assert scene.available("creator_456") == ["60.00"]
    else:
        assert scene.available("backer_1", "backer_2", "backer_3") == ["100.00"] * 3
    end = "succeeded" if goal == 60 else "failed"
    reached = ["goal_reached"] if goal == 60 else []
    assert told(campaign) == (["created", *reached, "settling", "needs_attention", "retried", end])
    assert world.differences() == []


def test_a_pledge_in_dispute_is_left_to_the_dispute(world: World, api: Api) -> None:
    """It counts for the goal, the settlement of the others does not wait for it, and the campaign
    shows what the dispute decided."""
    scene = Backed(world, api, 3)
    campaign = scene.campaign(90)
    orders = [scene.pledge(campaign, n, 30)["id"] for n in (1, 2, 3)]
    disputes = [
        api.post("/disputes", {"orderId": order, "reason": "Fraud"}, status=201)["id"]
        for order in orders[:2]
    ]
    scene.pass_deadline()
    ended = scene.until_settled(campaign)
    assert (ended["status"], ended["released"], ended["disputed"]) == ("SUCCEEDED", 1, 2)
    assert scene.states(campaign) == ["DISPUTED", "DISPUTED", "RELEASED"]
    assert scene.available("creator_456") == ["30.00"]

    halves = {"decision": "SPLIT", "split": {"seller": 10, "buyer": 20}}
    for dispute, decision in zip(disputes, ({"decision": "REFUND"}, halves), strict=True):
        api.post(f"/disputes/{dispute}/resolve", decision)
    world.work()
    now = scene.read(campaign)
    assert scene.states(campaign) == ["REFUNDED", "RELEASED", "RELEASED"]
    assert (now["disputed"], now["paidOut"], now["givenBack"]) == (0, "40.00", "50.00")
    assert scene.available("creator_456", "backer_1", "backer_2") == ["40.00", "100.00", "90.00"]
    assert world.differences() == []


def test_a_dispute_that_gives_a_pledge_back_before_the_deadline_takes_it_out_of_the_goal(
    world: World, api: Api
) -> None:
    scene = Backed(world, api, 2)
    campaign = scene.campaign(60)
    orders = [scene.pledge(campaign, n, 30)["id"] for n in (1, 2)]
    dispute = api.post("/disputes", {"orderId": orders[0], "reason": "Fraud"}, status=201)["id"]
    api.post(f"/disputes/{dispute}/resolve", {"decision": "REFUND"})
    scene.pass_deadline()
    ended = scene.until_settled(campaign)
    assert (ended["status"], ended["pledged"], ended["pledges"]) == ("FAILED", "30.00", 1)
    assert scene.available("creator_456", "backer_1", "backer_2") == ["0.00", "100.00", "100.00"]


def test_twenty_schedulers_at_once_settle_once(world: World, api: Api) -> None:
    scene = Backed(world, api, 4)
    campaign = scene.campaign(40)
    for backer in (1, 2, 3, 4):
        scene.pledge(campaign, backer, 10)
    scene.pass_deadline()

    def attend() -> None:
        with suppress(jobs.Later):
            settling.attend(campaign)
        connections.close_all()

    for _ in range(2):
        threads = [threading.Thread(target=attend) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert scene.until_settled(campaign)["status"] == "SUCCEEDED"
    operations = EscrowOperation.objects.filter(order__campaign=campaign)
    assert operations.filter(kind="RELEASE").count() == 4
    assert operations.filter(kind="APPROVE").count() == 4
    assert told(campaign) == ["created", "goal_reached", "settling", "succeeded"]
    assert scene.available("creator_456") == ["40.00"]


def test_a_window_bounds_what_is_on_its_way(world: World, api: Api, settings: Any) -> None:
    settings.CAMPAIGN_WINDOW = 2
    scene = Backed(world, api, 5)
    campaign = scene.campaign(25)
    for backer in range(1, 6):
        scene.pledge(campaign, backer, 5)
    scene.pass_deadline()
    settling.attend(campaign)  # begins
    with pytest.raises(jobs.Later):
        settling.attend(campaign)  # asks for the first
    assert sorted(scene.states(campaign)) == ["HELD"] * 3 + ["SETTLING"] * 2
    progress = scene.read(campaign)["progress"]
    assert (progress["onItsWay"], progress["waiting"], progress["done"]) == (2, 3, 0)
    # Under the provider's limit those two still want both of their calls, however long they wait.
    row = Campaign.objects.get(pk=campaign)
    with override_settings(PROVIDER_LIMIT=10):
        told = estimate(row, on_its_way=2, now=clock.now())
        ten = queue.time_left(marketplace_id=row.marketplace_id, lane=Lane.BATCH, operations=10)
    # The clock of the database went on between the two.
    assert told is not None
    assert timedelta() <= told - ten < timedelta(seconds=1) < ten
    assert scene.until_settled(campaign)["status"] == "SUCCEEDED"


def test_a_pledge_costs_the_same_statements_in_any_campaign(
    world: World, api: Api, settings: Any
) -> None:
    """A step that asks for twenty pledges more sends exactly so many statements more, and the step
    that takes note of them sends no more than for five."""
    settings.CAMPAIGN_WINDOW = 100
    scene = Backed(world, api, 5)
    asking, noting = {}, {}
    for number in (5, 25):
        campaign = scene.campaign(number)
        for n in range(number):
            scene.pledge(campaign, n % 5 + 1, 1)
        scene.pass_deadline()
        settling.attend(campaign)  # begins
        asking[number] = _statements(campaign)
        world.settle()
        noting[number] = _statements(campaign)
        assert scene.read(campaign)["status"] == "SUCCEEDED"
    each, rest = divmod(asking[25] - asking[5], 20)
    assert (each, rest) == (3, 0)
    assert noting[25] == noting[5] == 3


def _statements(campaign: str) -> int:
    Campaign.objects.filter(pk=campaign).update(next_at="2000-01-01T00:00:00Z")
    with Statements(connection) as captured, jobs.held(), suppress(jobs.Later):
        settling.attend(campaign)
    return sum(q["sql"] not in ("BEGIN", "COMMIT") for q in captured.captured_queries)


def test_the_database_keeps_what_was_decided(world: World, api: Api) -> None:
    """Whoever writes: an outcome is for ever, no edge is skipped, and a campaign is not over while
    a pledge of it is open."""
    scene = Backed(world, api, 1)
    campaign = scene.campaign(10, holds="RESERVATION")
    order = scene.pledge(campaign, 1, 10)["id"]
    rows, pledges = Campaign.objects.filter(pk=campaign), Pledge.objects.filter(pk=order)
    scene.pass_deadline()
    settling.attend(campaign)
    for change in (
        {"outcome": "FAILED"},
        {"status": "OPEN"},
        {"status": "SUCCEEDED"},
        {"status": "FAILED", "released": 1},
        {"released": 2},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    for state in ("FAILED", "HELD "):
        with pytest.raises(DatabaseError), transaction.atomic():
            pledges.update(state=state)
    assert scene.until_settled(campaign)["status"] == "SUCCEEDED"
    with pytest.raises(DatabaseError), transaction.atomic():
        pledges.update(state="HELD")
    assert Milestone.objects.get(order=order).status == "RELEASED"
