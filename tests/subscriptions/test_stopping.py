"""Pausing, resuming and cancelling, in every state; and what was shown is what happens."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from offerhub.core import clock
from offerhub.core.money import parse_amount
from offerhub.subscriptions.models import Cycle
from offerhub.subscriptions.proration import earned
from orders import outcomes
from orders.models import EscrowOperation
from tests.subscriptions.scene import Scene


def ahead_of(cycle: Any, hours: int) -> datetime:
    """So long before its end."""
    return datetime.fromisoformat(cycle["endsAt"]) - timedelta(hours=hours)


def share_of(index: int, scene: Scene) -> str:
    """What was decided for the seller."""
    share = Cycle.objects.get(subscription=scene.id, index=index).to_seller
    assert share is not None
    return f"{share / 10**7:.2f}"


# --- cancelling ---------------------------------------------------------------------------------
def test_cancelling_now_divides_the_running_cycle_as_was_shown(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.within(first, 1 / 3)
    shown = scene.preview()
    (part,) = shown["cycles"]
    assert (part["fate"], part["orderId"]) == ("DIVIDED", first["orderId"])
    starts, ends = (datetime.fromisoformat(first[name]) for name in ("startsAt", "endsAt"))
    share = earned(parse_amount("100"), starts, ends, datetime.fromisoformat(shown["asOf"]))
    assert parse_amount(part["shares"]["seller"]) == share
    told = scene.ask("cancel", {"when": "NOW", "reason": "Moved away"})
    assert (told["status"], told["openCycles"], told["nextStep"]) == ("CANCELLED", [], None)
    assert told["ending"]["because"] == "REQUESTED"
    seller = part["shares"]["seller"]
    assert scene.available() == (f"{1000 - float(seller):.2f}", seller)
    assert (scene.orders[0].status, share_of(0, scene)) == ("COMPLETED", seller)
    assert scene.calls(scene.orders[0])[2:] == ["DISPUTE", "RESOLVE"]
    assert scene.event("cancel_requested") == {"when": "NOW", "reason": "Moved away"}
    assert scene.event("cycle_ended")["seller"] == seller
    assert scene.events()[-2:] == ["cycle_settled", "cancelled"]
    scene.until(first["endsAt"])
    assert len(scene.orders) == 1
    for what, body in (("cancel", {"when": "NOW"}), ("pause", None), ("resume", None)):
        assert scene.ask(what, body, status=409)["currentStatus"] == "CANCELLED"
    assert scene.change({"amount": 1}, status=409)["code"] == "wrong_state"
    refused = scene.api.get(f"/subscriptions/{scene.id}/cancellation", status=409)
    assert refused["code"] == "wrong_state"
    assert scene.world.differences() == []


def test_a_prepared_cycle_that_has_not_begun_is_given_back(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.until(ahead_of(first, 12))
    fates = [(part["index"], part["fate"]) for part in scene.preview()["cycles"]]
    assert fates == [(0, "DIVIDED"), (1, "GIVEN_BACK")]
    scene.ask("cancel", {"when": "NOW"})
    scene.work()
    assert scene.read()["status"] == "CANCELLED"
    seller = share_of(0, scene)
    assert scene.available() == (f"{1000 - float(seller):.2f}", seller)
    assert [order.status for order in scene.orders] == ["COMPLETED", "REFUNDED"]


def test_cancelling_at_the_end_of_the_period_lets_it_run(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    shown = scene.preview("PERIOD_END")
    assert (shown["endsAt"], shown["cycles"][0]["fate"]) == (first["endsAt"], "KEPT")
    told = scene.ask("cancel", {"when": "PERIOD_END"})
    assert (told["status"], told["nextCycle"]) == ("ACTIVE", None)
    assert told["ending"] == {"action": "CANCEL", "at": first["endsAt"], "because": "REQUESTED"}
    scene.until(ahead_of(first, 1))
    assert (scene.read()["status"], len(scene.orders)) == ("ACTIVE", 1)
    scene.until(first["endsAt"])
    assert (scene.read()["status"], scene.available()) == ("CANCELLED", ("900.00", "100.00"))


def test_a_running_dispute_decides_before_the_cancellation(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    body = {"orderId": first["orderId"], "openedBy": "ann", "reason": "He never called"}
    dispute = scene.api.post("/disputes", body, status=201)["id"]
    told = scene.ask("cancel", {"when": "NOW"}, status=202)
    assert (told["status"], told["nextStep"]["action"]) == ("CANCELLING", "SETTLE")
    scene.until(first["endsAt"])
    assert (scene.read()["status"], len(scene.orders)) == ("CANCELLING", 1)
    scene.api.post(f"/disputes/{dispute}/resolve", {"decision": "REFUND"})
    scene.until(clock.now() + timedelta(hours=1))
    assert (scene.read()["status"], scene.available()) == ("CANCELLED", ("1000.00", "0.00"))


def test_a_division_whose_last_call_failed_is_asked_for_again(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.within(first, 0.5)
    # The resolver's call fails for good; the milestone is frozen from then on.
    scene.world.network.fault("503", "/resolve-dispute", times=1000)
    scene.ask("cancel", {"when": "NOW"}, status=202, headers={"Prefer": "wait=1"})
    call = EscrowOperation.objects.get(order=first["orderId"], kind="RESOLVE")
    outcomes.fail(call.pk, "refused", "The provider refused", None)
    scene.world.network.heal()
    share = share_of(0, scene)
    scene.until(clock.now() + timedelta(minutes=6))
    assert (scene.read()["status"], share_of(0, scene)) == ("CANCELLED", share)
    assert scene.calls(scene.orders[0])[2:] == ["DISPUTE", "RESOLVE", "RESOLVE"]
    assert scene.available() == (f"{1000 - float(share):.2f}", share)


# --- pausing ------------------------------------------------------------------------------------
def test_a_pause_begins_after_the_running_cycle_and_a_new_calendar_with_resuming(
    scene: Scene,
) -> None:
    first = scene.subscribe()["currentCycle"]
    told = scene.ask("pause")
    assert (told["status"], told["ending"]["action"]) == ("ACTIVE", "PAUSE")
    scene.ask("pause", status=409)
    scene.until(first["endsAt"])
    told = scene.read()
    assert (told["status"], told["nextCycle"], told["ending"]) == ("PAUSED", None, None)
    assert told["nextStep"]["action"] == "CANCEL"
    scene.until(ahead_of(first, -24 * 20))
    assert (len(scene.orders), scene.available()) == (1, ("900.00", "100.00"))
    before = clock.now()
    current = scene.ask("resume")["currentCycle"]
    assert (current["index"], current["orderStatus"]) == (1, "IN_PROGRESS")
    assert abs(datetime.fromisoformat(current["startsAt"]) - before) < timedelta(minutes=1)
    assert scene.available() == ("800.00", "100.00")
    assert scene.events()[-4:] == ["paused", "cycle_settled", "resumed", "cycle_prepared"]


def test_resuming_at_a_later_day_begins_then_and_before_that_cancelling_costs_nothing(
    scene: Scene,
) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.ask("pause")
    early = {"startsAt": first["endsAt"]}
    assert scene.ask("resume", early, status=422)["errors"][0]["field"] == "startsAt"
    scene.until(first["endsAt"])
    begins = (clock.now() + timedelta(days=5)).replace(microsecond=0)
    told = scene.ask("resume", {"startsAt": begins.isoformat()})
    assert (told["status"], told["currentCycle"]) == ("ACTIVE", None)
    assert datetime.fromisoformat(told["nextCycle"]["startsAt"]) == begins
    assert scene.preview()["cycles"] == []
    assert scene.ask("cancel", {"when": "NOW"})["status"] == "CANCELLED"
    scene.until(begins)
    assert (len(scene.orders), scene.available()) == (1, ("900.00", "100.00"))


@pytest.mark.parametrize("how", ["pause", "cancel"])
def test_taking_it_back_before_the_end_keeps_the_calendar(scene: Scene, how: str) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.until(ahead_of(first, 12))
    scene.ask(how, {"when": "PERIOD_END"} if how == "cancel" else None)
    scene.work()
    assert scene.available() == ("900.00", "0.00")
    told = scene.ask("resume")
    assert (told["ending"], told["nextCycle"]["startsAt"]) == (None, first["endsAt"])
    scene.until(first["endsAt"])
    # The second cycle was given back; the third has its place on the calendar.
    assert scene.read()["currentCycle"]["index"] == 2
    assert [order.status for order in scene.orders] == ["COMPLETED", "REFUNDED", "IN_PROGRESS"]
    assert scene.available() == ("800.00", "100.00")
    assert scene.ask("resume", status=409)["code"] == "wrong_state"


def test_a_pause_that_nobody_ends_is_a_cancellation(scene: Scene) -> None:
    first = scene.subscribe()["currentCycle"]
    scene.ask("pause")
    scene.until(first["endsAt"])
    limit = scene.read()["nextStep"]["at"]
    scene.until(datetime.fromisoformat(limit) - timedelta(days=1))
    assert scene.read()["status"] == "PAUSED"
    scene.until(limit)
    told = scene.read()
    assert (told["status"], told["ending"]["because"]) == ("CANCELLED", "PAUSED_TOO_LONG")
