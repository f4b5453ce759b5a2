"""Accepting a pledge: limits, goal and deadline, and taking it back."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from offerhub.core import clock
from orders.campaigns.models import Campaign
from orders.models import Order
from tests.campaigns.scene import Backed
from tests.http import Api
from tests.world import World


def codes(problem: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    return problem["code"], [(e["field"], e["code"]) for e in problem.get("errors", [])]


def test_a_pledge_outside_the_rules_is_refused_by_name(world: World, api: Api) -> None:
    scene = Backed(world, api, 2)
    limits = {"minimumPledge": 5, "maximumPledge": 50, "pledgesPerBacker": 1}
    campaign = scene.campaign(100, holds="RESERVATION", **limits)
    refused = {
        (4.99, ()): ("pledge_refused", [("amount", "under_minimum")]),
        (50.01, ()): ("pledge_refused", [("amount", "over_maximum")]),
        (50, (("sellerId", "backer_2"),)): ("pledge_refused", [("sellerId", "not_the_creator")]),
        (50, (("autoFund", True),)): ("invalid_request", [("autoFund", "not_in_a_pledge")]),
        (50, (("releasePolicy", (("after", "P1D"), ("from", "FUNDED"))),)): (
            "invalid_request",
            [("releasePolicy", "not_in_a_pledge")],
        ),
        (50, (("campaignId", "cmp_none"),)): (
            "invalid_reference",
            [("campaignId", "unknown_campaign")],
        ),
    }
    for (amount, more), reason in refused.items():
        given = {k: dict(v) if isinstance(v, tuple) else v for k, v in more}
        status = 400 if reason[0] == "invalid_request" else 422
        problem = scene.pledge(campaign, 1, amount, status=status, **given)
        assert codes(problem) == reason
    parts = [{"id": "a", "description": "A", "amount": 50}]
    assert scene.pledge(campaign, 1, 50, status=400, milestones=parts)["errors"][0]["field"] == (
        "milestones"
    )
    assert scene.pledge(campaign, 1, 50)["status"] == "RESERVED"
    assert codes(scene.pledge(campaign, 1, 5, status=422)) == (
        "pledge_refused",
        [("buyerId", "too_many_pledges")],
    )
    assert Order.objects.filter(campaign=campaign).count() == 1
    assert scene.read(campaign)["pledged"] == "50.00"


def test_a_pledge_without_the_money_counts_for_nothing(world: World, api: Api) -> None:
    scene = Backed(world, api, 1)
    for holds in ("ESCROW", "RESERVATION"):
        campaign = scene.campaign(100, holds=holds)
        assert scene.pledge(campaign, 1, 101, status=422)["code"] == "insufficient_funds"
        now = scene.read(campaign)
        assert (now["pledged"], now["pledges"], now["goalReachedAt"]) == ("0.00", 0, None)


def test_a_pledge_at_the_deadline_or_after_it_is_late(world: World, api: Api) -> None:
    scene = Backed(world, api, 1)
    campaign = scene.campaign(100)
    scene.pass_deadline()
    problem = scene.pledge(campaign, 1, 10, status=409)
    assert (problem["code"], scene.read(campaign)["status"]) == ("campaign_ended", "OPEN")
    assert scene.until_settled(campaign)["status"] == "FAILED"
    problem = scene.pledge(campaign, 1, 10, status=409)
    assert (problem["code"], problem["currentStatus"]) == ("campaign_closed", "FAILED")
    assert world.balance(scene.backers[0])["available"] == "100.00"


@pytest.mark.parametrize("first", ["the pledge", "the settlement"])
def test_goal_and_deadline_in_the_same_second(world: World, api: Api, first: str) -> None:
    """The campaign's lock puts them in a row. A pledge that has it before the deadline counts; one
    that waited for it until the deadline had come is late, however early it was sent."""
    scene = Backed(world, api, 2)
    campaign = scene.campaign(100, holds="RESERVATION")
    scene.pledge(campaign, 1, 60)
    answers: list[Any] = []
    with transaction.atomic():
        row = Campaign.objects.select_for_update().get(pk=campaign)
        sender = threading.Thread(
            target=lambda: answers.append(
                api.request(
                    "POST",
                    "/orders",
                    {
                        "buyerId": "backer_2",
                        "sellerId": "creator_456",
                        "amount": 40,
                        "campaignId": campaign,
                    },
                )
            )
        )
        sender.start()
        _until_somebody_waits()
        ahead = timedelta(hours=1) if first == "the pledge" else timedelta()
        row.deadline = row.next_at = clock.this_moment() + ahead
        row.save()
    sender.join()
    (answer,) = answers
    if first == "the pledge":
        assert answer.status_code == 201
        Campaign.objects.filter(pk=campaign).update(
            deadline=clock.this_moment(), next_at=clock.this_moment()
        )
        assert scene.until_settled(campaign)["status"] == "SUCCEEDED"
        assert scene.available("creator_456") == ["100.00"]
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "campaign_ended")
        assert scene.until_settled(campaign)["status"] == "FAILED"
        assert scene.available("backer_1", "backer_2") == ["100.00", "100.00"]
    assert world.differences() == []


def _until_somebody_waits() -> None:
    """Until another session waits for a lock that this one has."""
    for _ in range(2000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waits")


def test_what_passes_the_goal_is_taken_or_is_the_last(world: World, api: Api) -> None:
    scene = Backed(world, api, 1, money="500")
    taking = scene.campaign(100, holds="RESERVATION")
    closing = scene.campaign(100, holds="RESERVATION", overGoal="CLOSE_AT_GOAL")
    for campaign in (taking, closing):
        assert scene.pledge(campaign, 1, 99)["status"] == "RESERVED"
        assert scene.pledge(campaign, 1, 20)["status"] == "RESERVED"  # reaches it, and passes it
        assert scene.read(campaign)["goalReachedAt"] is not None
    assert scene.pledge(taking, 1, 1)["status"] == "RESERVED"
    problem = scene.pledge(closing, 1, 1, status=409)
    assert problem["code"] == "campaign_closed"
    assert [scene.read(c)["pledged"] for c in (taking, closing)] == ["120.00", "119.00"]
    events = api.get(f"/orders?campaignId={closing}")["data"]
    assert len(events) == 2


def test_a_campaign_that_settles_on_its_goal_does_not_wait_for_the_deadline(
    world: World, api: Api
) -> None:
    """Its last pledge is still on its way into the contract then, and is paid when it is there."""
    scene = Backed(world, api, 2)
    campaign = scene.campaign(100, settleOn="GOAL")
    scene.pledge(campaign, 1, 60)
    later = {"Prefer": "respond-async"}
    body = {"buyerId": "backer_2", "sellerId": "creator_456", "amount": 40, "campaignId": campaign}
    assert api.post("/orders", body, status=202, headers=later)["status"] == "RESERVED"
    assert scene.read(campaign)["status"] == "SETTLING"
    assert scene.until_settled(campaign)["status"] == "SUCCEEDED"
    assert scene.available("creator_456") == ["100.00"]
    assert world.differences() == []


def test_a_backer_may_take_a_pledge_back_until_the_deadline(world: World, api: Api) -> None:
    scene = Backed(world, api, 2)
    escrow = scene.campaign(100)
    reserved = scene.campaign(50, holds="RESERVATION", overGoal="CLOSE_AT_GOAL")
    in_contract = scene.pledge(escrow, 1, 50)["id"]
    set_aside = scene.pledge(reserved, 1, 50)["id"]
    assert scene.pledge(reserved, 2, 1, status=409)["code"] == "campaign_closed"
    for path, body in (
        ("/resolution/release", {"orderId": in_contract}),
        ("/escrow", {"orderId": set_aside}),
    ):
        assert api.post(path, body, status=409)["code"] == "campaign_decides"

    assert api.post("/resolution/refund", {"orderId": in_contract})["status"] == "REFUNDED"
    assert api.post(f"/orders/{set_aside}/cancel")["status"] == "CANCELLED"

    for campaign in (escrow, reserved):
        now = scene.read(campaign)
        assert (now["pledged"], now["pledges"], now["goalReachedAt"]) == ("0.00", 0, None)
        assert scene.states(campaign) == ["WITHDRAWN"]
    assert scene.available("backer_1") == ["100.00"]
    assert scene.pledge(reserved, 2, 50)["status"] == "RESERVED"  # there is room again
    scene.pass_deadline()
    late = api.get(f"/campaigns/{reserved}/pledges?state=HELD")["data"][0]["orderId"]
    assert api.post(f"/orders/{late}/cancel", status=409)["code"] == "campaign_ended"
    assert scene.until_settled(reserved)["status"] == "SUCCEEDED"
    assert scene.available("creator_456") == ["50.00"]
    assert world.differences() == []
