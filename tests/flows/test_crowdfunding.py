"""Use case 6 of the mission: many backers pay for a project, or nobody, over HTTP."""

import pytest

from orders.models import EscrowOperation
from tests.campaigns.scene import Backed
from tests.http import Api
from tests.world import World

KINDS = {
    ("ESCROW", "met"): ["DEPLOY", "FUND", "APPROVE", "RELEASE"],
    ("RESERVATION", "met"): ["DEPLOY", "FUND", "APPROVE", "RELEASE"],
    ("ESCROW", "not met"): ["DEPLOY", "FUND", "DISPUTE", "RESOLVE"],
    ("RESERVATION", "not met"): [],
}


def kinds(order: str) -> list[str]:
    """The calls to the contract of an order."""
    return list(
        EscrowOperation.objects.filter(order=order).order_by("pk").values_list("kind", flat=True)
    )


@pytest.mark.parametrize("holds", ["ESCROW", "RESERVATION"])
@pytest.mark.parametrize("goal", ["met", "not met"])
def test_backers_pledge_and_the_goal_decides(world: World, api: Api, holds: str, goal: str) -> None:
    scene = Backed(world, api, 3)
    campaign = scene.campaign(150 if goal == "met" else 151, holds=holds)

    # 1. Each backer creates an order: the funds are held per backer
    pledges = [scene.pledge(campaign, n, 50) for n in (1, 2, 3)]
    state = "IN_PROGRESS" if holds == "ESCROW" else "RESERVED"
    assert [p["status"] for p in pledges] == [state] * 3
    assert {p["campaignId"] for p in pledges} == {campaign}
    now = scene.read(campaign)
    assert (now["pledged"], now["pledges"], now["status"]) == ("150.00", 3, "OPEN")
    pocket = "inEscrow" if holds == "ESCROW" else "reserved"
    assert [world.balance(b)[pocket] for b in scene.backers] == ["50.00"] * 3

    # 2. The deadline comes, and the settlement by itself
    scene.pass_deadline()
    ended = scene.until_settled(campaign)

    names = [f"backer_{n}" for n in (1, 2, 3)]
    if goal == "met":  # 2a. released: the creator receives the total
        assert (ended["status"], ended["paidOut"], ended["released"]) == ("SUCCEEDED", "150.00", 3)
        assert scene.available("creator_456", *names) == ["150.00"] + ["50.00"] * 3
        assert [o["status"] for o in api.get("/orders")["data"]] == ["COMPLETED"] * 3
    else:  # 2b. refunded: each backer has it back
        assert (ended["status"], ended["givenBack"], ended["refunded"]) == ("FAILED", "150.00", 3)
        assert scene.available("creator_456", *names) == ["0.00"] + ["100.00"] * 3
    assert [kinds(p["id"]) for p in pledges] == [KINDS[holds, goal]] * 3
    progress = ended["progress"]
    assert (progress["done"], progress["total"], progress["percent"]) == (3, 3, 100)
    for user in (scene.creator, *scene.backers):
        balance = world.balance(user)
        assert (balance["reserved"], balance["inEscrow"]) == ("0.00", "0.00")
    assert world.differences() == []


def test_a_settlement_that_is_called_for_ends_within_the_request(world: World, api: Api) -> None:
    scene = Backed(world, api, 2)
    campaign = scene.campaign(80)
    for backer in (1, 2):
        scene.pledge(campaign, backer, 40)
    ended = api.post(f"/campaigns/{campaign}/settle")
    assert (ended["status"], ended["paidOut"]) == ("SUCCEEDED", "80.00")
    assert api.post(f"/campaigns/{campaign}/settle") == ended  # nothing happens twice
    assert scene.available("creator_456") == ["80.00"]
    assert world.differences() == []
