"""A buyer runs out of money in the middle: tried again, then paused or cancelled."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from offerhub.core import clock
from tests.subscriptions.scene import Scene


def short_of_money(scene: Scene, **more: Any) -> datetime:
    """Ann could pay for one month; the second could not be prepared. When that was."""
    scene.world.network.mint(scene.world.wallet(scene.ann).address, "150")
    scene.world.watch()
    first = scene.subscribe(**more)["currentCycle"]
    since = datetime.fromisoformat(first["endsAt"]) - timedelta(days=1)
    scene.until(since)
    return since


@pytest.fixture
def poor(world: Any, api: Any) -> Scene:
    """Ann has nothing yet."""
    return Scene(world, api, money="")


def test_the_cycle_is_tried_again_by_the_schedule_and_then_the_policy_pauses(poor: Scene) -> None:
    since = short_of_money(poor)
    told = poor.read()
    assert (told["status"], told["currentCycle"]["index"]) == ("PAST_DUE", 0)
    assert told["nextStep"]["action"] == "RELEASE"
    (cycle,) = [one for one in told["openCycles"] if one["status"] == "UNPAID"]
    assert cycle["orderId"] is None
    assert cycle["problem"] == {
        "code": "insufficient_funds",
        "detail": "The buyer has 50.00 USDC; the cycle costs 100.00.",
    }
    assert poor.event("payment_failed")["available"] == "50.00"
    again = datetime.fromisoformat(cycle["nextAttemptAt"])
    assert timedelta() < again - since - timedelta(days=1) < timedelta(minutes=5)
    for day in (1, 3, 5, 7):
        poor.until(since + timedelta(days=day, minutes=10))
    assert poor.events().count("payment_failed") == 5
    assert poor.event("grace_began")["then"] == "PAUSE"
    assert poor.read()["status"] == "PAST_DUE"
    assert poor.available() == ("50.00", "100.00")
    poor.until(since + timedelta(days=10, minutes=10))
    told = poor.read()
    assert (told["status"], told["openCycles"]) == ("PAUSED", [])
    assert poor.cycles() == [(0, "SETTLED"), (1, "DROPPED")]
    assert poor.event("paused") == {"because": "UNPAID"}
    assert len(poor.orders) == 1
    # With the money it goes on; without it nothing changes.
    refused = poor.ask("resume", status=422)
    assert (refused["code"], poor.read()["status"]) == ("insufficient_funds", "PAUSED")
    poor.world.network.mint(poor.world.wallet(poor.ann).address, "50")
    poor.world.watch()
    assert poor.ask("resume")["currentCycle"]["index"] == 2
    assert poor.available() == ("0.00", "100.00")


def test_a_deposit_in_time_makes_it_active_again_and_the_calendar_stays(poor: Scene) -> None:
    since = short_of_money(poor, onUnpaid="CANCEL")
    poor.world.network.mint(poor.world.wallet(poor.ann).address, "50")
    poor.until(since + timedelta(days=1, minutes=10))
    told = poor.read()
    starts = datetime.fromisoformat(told["currentCycle"]["startsAt"])
    assert (told["status"], told["currentCycle"]["index"]) == ("ACTIVE", 1)
    assert starts == since + timedelta(days=1)
    assert poor.events()[-4:].count("payment_recovered") == 1
    assert poor.available() == ("0.00", "100.00")


def test_the_policy_may_be_to_cancel(poor: Scene) -> None:
    since = short_of_money(poor, onUnpaid="CANCEL")
    poor.until(since + timedelta(days=10, minutes=10))
    told = poor.read()
    assert (told["status"], told["ending"]["because"]) == ("CANCELLED", "UNPAID")
    assert poor.available() == ("50.00", "100.00")
    assert poor.world.differences() == []


def test_a_lower_price_or_a_wish_tries_at_once(poor: Scene) -> None:
    short_of_money(poor)
    assert poor.ask("resume", status=422)["code"] == "insufficient_funds"
    assert poor.events().count("payment_failed") == 1
    told = poor.change({"amount": 50})
    assert (told["status"], told["nextCycle"]["amount"]) == ("ACTIVE", "50.00")
    assert poor.event("price_changed")["fromIndex"] == 1
    poor.work()
    assert poor.available() == ("0.00", "0.00")
    assert poor.orders[1].status == "IN_PROGRESS"


@pytest.mark.parametrize("how", ["pause", "NOW", "PERIOD_END"])
def test_stopping_asks_no_more_for_what_is_unpaid(poor: Scene, how: str) -> None:
    short_of_money(poor)
    told = poor.ask("pause") if how == "pause" else poor.ask("cancel", {"when": how})
    assert poor.cycles()[1] == (1, "DROPPED")
    assert told["status"] == ("CANCELLED" if how == "NOW" else "ACTIVE")
    poor.until(clock.now() + timedelta(days=5))
    assert poor.read()["status"] == {"pause": "PAUSED"}.get(how, "CANCELLED")
    assert len(poor.orders) == 1
    if how == "pause":  # and a paused one is cancelled at once, whenever it is asked to end
        assert poor.ask("cancel", {"when": "PERIOD_END"})["status"] == "CANCELLED"
    bob = float(poor.available()[1])
    assert bob == 100 if how != "NOW" else 90 < bob < 100


def test_without_the_money_there_is_no_subscription(poor: Scene) -> None:
    refused = poor.subscribe(status=422)
    assert (refused["code"], refused["requested"]) == ("insufficient_funds", "100.00")
    assert poor.api.get("/subscriptions")["data"] == []
    assert poor.api.get("/orders")["data"] == []
