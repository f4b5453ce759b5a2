"""Cycles that come and go: prepared ahead, released at the end, each charged once."""

from datetime import datetime, timedelta

from offerhub.budget.lanes import Lane
from offerhub.core import clock
from tests.subscriptions.scene import Scene


def test_a_month_is_paid_now_released_at_its_end_and_followed_by_the_next(scene: Scene) -> None:
    made = scene.subscribe(description="Coaching", timeZone="Europe/Berlin")
    first = made["currentCycle"]
    assert (made["status"], first["status"], first["orderStatus"]) == (
        "ACTIVE",
        "RUNNING",
        "IN_PROGRESS",
    )
    assert first["endsAt"] == made["nextCycle"]["startsAt"]
    assert made["nextStep"]["action"] == "PREPARE"
    assert scene.available() == ("900.00", "0.00")

    ahead = datetime.fromisoformat(first["endsAt"]) - timedelta(hours=25)
    scene.until(ahead)
    assert scene.cycles() == [(0, "OPEN")]
    scene.until(ahead + timedelta(hours=1))
    assert scene.cycles() == [(0, "OPEN"), (1, "OPEN")]
    assert scene.available() == ("800.00", "0.00")
    told = scene.read()
    assert told["nextCycle"]["orderId"] == scene.orders[1].pk
    assert told["nextStep"]["action"] == "RELEASE"

    scene.until(first["endsAt"])
    assert scene.available() == ("800.00", "100.00")
    assert scene.cycles() == [(0, "SETTLED"), (1, "OPEN")]
    assert scene.read()["currentCycle"]["index"] == 1
    assert [order.status for order in scene.orders] == ["COMPLETED", "IN_PROGRESS"]
    assert scene.calls(scene.orders[0]) == ["DEPLOY", "FUND", "COMPLETE", "APPROVE", "RELEASE"]
    # Somebody asked for the first; the rest is due by itself, and goes behind people's orders.
    assert scene.lanes(scene.orders[0]) == [Lane.ORDER] * 2 + [Lane.AUTOMATIC] * 3
    assert scene.lanes(scene.orders[1]) == [Lane.AUTOMATIC] * 2
    assert scene.events() == [
        "created",
        "cycle_prepared",
        "cycle_prepared",
        "cycle_ended",
        "cycle_settled",
    ]
    assert scene.world.differences() == []


def test_a_subscription_that_begins_later_is_prepared_later(scene: Scene) -> None:
    begins = (clock.now() + timedelta(days=10)).replace(microsecond=0)
    made = scene.subscribe(startsAt=begins.isoformat(), interval="week", intervalCount=2)
    assert (made["currentCycle"], made["openCycles"], scene.cycles()) == (None, [], [])
    assert datetime.fromisoformat(made["nextCycle"]["startsAt"]) == begins
    assert datetime.fromisoformat(made["nextStep"]["at"]) == begins - timedelta(days=1)
    scene.until(begins - timedelta(hours=23))
    assert scene.read()["openCycles"][0]["status"] == "UPCOMING"
    scene.until(begins)
    current = scene.read()["currentCycle"]
    assert datetime.fromisoformat(current["endsAt"]) == begins + timedelta(weeks=2)
    assert (scene.available(), len(scene.orders)) == (("900.00", "0.00"), 1)


def test_a_new_price_is_that_of_the_next_cycle_without_an_order(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    changed = scene.change({"amount": "120.50", "title": "More"})
    assert (changed["amount"], changed["currentCycle"]["amount"]) == ("120.50", "100.00")
    assert changed["nextCycle"]["amount"] == "120.50"
    assert scene.event("price_changed") == {"amount": "120.50", "before": "100.00", "fromIndex": 1}
    scene.until(datetime.fromisoformat(first["endsAt"]) - timedelta(hours=20))
    # The second cycle has its order now: another price is for the third.
    later = scene.change({"amount": 130})
    assert (later["nextCycle"]["amount"], scene.orders[1].amount) == ("120.50", 120_50 * 10**5)
    scene.until(first["endsAt"])
    told = scene.read()
    assert told["currentCycle"]["amount"] == "120.50"
    assert told["nextCycle"]["amount"] == "130.00"
    assert scene.available() == ("779.50", "100.00")
    before = scene.events()
    assert scene.change({"amount": 130, "title": "More"}) == scene.read()
    assert scene.events() == before


def test_an_order_that_was_released_or_refunded_by_hand_is_respected(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.api.post("/resolution/release", {"orderId": first["orderId"]})
    scene.until(first["endsAt"])
    assert scene.cycles() == [(0, "SETTLED"), (1, "OPEN")]
    assert "cycle_ended" not in scene.events()
    second = scene.read()["currentCycle"]
    scene.api.post("/resolution/refund", {"orderId": second["orderId"]})
    scene.until(second["endsAt"])
    assert scene.available() == ("800.00", "100.00")
    assert [order.status for order in scene.orders] == ["COMPLETED", "REFUNDED", "IN_PROGRESS"]


def test_a_cycle_in_dispute_is_not_released_and_the_next_goes_on(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.within(first, 0.5)
    body = {"orderId": first["orderId"], "openedBy": "ann", "reason": "He never called"}
    dispute = scene.api.post("/disputes", body, status=201)["id"]
    scene.until(first["endsAt"])
    assert scene.available() == ("800.00", "0.00")
    assert [order.status for order in scene.orders] == ["DISPUTED", "IN_PROGRESS"]
    assert [cycle["index"] for cycle in scene.read()["openCycles"]] == [0, 1]
    split = {"decision": "SPLIT", "split": {"seller": 30, "buyer": 70}}
    scene.api.post(f"/disputes/{dispute}/resolve", split)
    scene.until(clock.now() + timedelta(hours=1))
    assert scene.available() == ("870.00", "30.00")
    assert scene.cycles() == [(0, "SETTLED"), (1, "OPEN")]
    assert scene.world.differences() == []


def test_what_passed_while_nobody_worked_is_not_charged_afterwards(scene: Scene) -> None:
    first = scene.subscribe(interval="week")["currentCycle"]
    end = datetime.fromisoformat(first["endsAt"])
    scene.until(end + timedelta(weeks=3, hours=12))
    assert scene.cycles() == [(0, "SETTLED"), (1, "OPEN")]
    assert scene.event("cycles_skipped")["count"] == 3
    current = scene.read()["currentCycle"]
    assert datetime.fromisoformat(current["startsAt"]) == end + timedelta(weeks=3)
    assert scene.available() == ("800.00", "100.00")
