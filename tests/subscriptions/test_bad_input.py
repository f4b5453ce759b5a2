"""What a subscription can not be is refused by the name of its field, and nothing is left of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from offerhub.core import clock
from offerhub.subscriptions.models import Cycle, Subscription
from tests.subscriptions.scene import MONTHLY, Scene


def test_what_is_no_subscription_is_refused_by_its_field(scene: Scene) -> None:
    def complaint(status: int, **values: Any) -> tuple[str, str]:
        problem = scene.api.post("/subscriptions", {**MONTHLY, **values}, status=status)
        (error,) = problem["errors"]
        return error["field"], error["code"]

    def instant(**length: int) -> str:
        return (clock.now() + timedelta(**length)).isoformat()

    assert complaint(400, interval="day") == ("interval", "invalid_choice")
    assert complaint(400, intervalCount=0) == ("intervalCount", "out_of_range")
    assert complaint(400, intervalCount=1.5) == ("intervalCount", "invalid_integer")
    assert complaint(400, amount="10.001") == ("amount", "too_many_decimals")
    assert complaint(400, amount=0) == ("amount", "amount_not_positive")
    assert complaint(400, startsAt="2026-02-30T00:00:00Z") == ("startsAt", "invalid_time")
    assert complaint(400, startsAt="2026-02-01T00:00:00") == ("startsAt", "invalid_time")
    assert complaint(400, onUnpaid="IGNORE") == ("onUnpaid", "invalid_choice")
    assert complaint(400, trialDays=7) == ("trialDays", "unknown_field")
    assert complaint(422, intervalCount=13) == ("intervalCount", "interval_too_long")
    assert complaint(422, interval="year", intervalCount=2) == (
        "intervalCount",
        "interval_too_long",
    )
    assert complaint(422, timeZone="Europe/Atlantis") == ("timeZone", "unknown_time_zone")
    assert complaint(422, startsAt=instant(minutes=-6)) == ("startsAt", "in_the_past")
    assert complaint(422, startsAt=instant(days=367)) == ("startsAt", "too_far_away")
    assert complaint(422, sellerId="ann") == ("sellerId", "same_party")
    assert complaint(422, buyerId="nobody") == ("buyerId", "unknown_user")
    both = {**MONTHLY, "timeZone": "x", "sellerId": "ann"}
    errors = scene.api.post("/subscriptions", both, status=422)["errors"]
    assert sorted(error["field"] for error in errors) == ["sellerId", "timeZone"]
    assert scene.api.get("/subscriptions")["data"] == []
    assert scene.available() == ("1000.00", "0.00")


def test_what_can_not_be_changed_or_asked_is_refused_by_its_field(scene: Scene) -> None:
    scene.subscribe(externalRef="s1")
    again = scene.api.post("/subscriptions", {**MONTHLY, "externalRef": "s1"}, status=409)
    assert again["code"] == "duplicate_reference"
    assert scene.available() == ("900.00", "0.00")
    for values, field in (
        ({"interval": "week"}, "interval"),
        ({"buyerId": "bob"}, "buyerId"),
        ({"amount": -1}, "amount"),
        ({"amount": None}, "amount"),
        ({"status": "PAUSED"}, "status"),
    ):
        assert scene.change(values, status=400)["errors"][0]["field"] == field
    for body in ({}, {"when": "SOON"}, {"when": "NOW", "split": 50}):
        assert scene.ask("cancel", body, status=400)["code"] == "invalid_request"
    scene.api.get("/subscriptions/sub_nothing", status=404)
    scene.api.get(f"/subscriptions/{scene.id}/cancellation?when=LATER", status=400)
    assert scene.read()["status"] == "ACTIVE"


def test_what_must_never_be_the_database_refuses(scene: Scene) -> None:
    scene.subscribe()
    cycle = Cycle.objects.get(subscription=scene.id)
    again = Cycle(
        subscription=cycle.subscription,
        index=1,
        number=1,
        starts_at=cycle.ends_at - timedelta(seconds=1),
        ends_at=cycle.ends_at + timedelta(days=1),
        amount=1,
    )

    def refused(change: Any, *, by: str) -> None:
        with pytest.raises(DatabaseError) as error, transaction.atomic():
            change()
        assert by in str(error.value)

    rows, cycles = Subscription.objects.filter(pk=scene.id), Cycle.objects.filter(pk=cycle.pk)
    refused(again.save, by="paid for some of this time already")
    refused(lambda: cycles.update(status="DROPPED"), by="edges")
    refused(lambda: cycles.update(ends_at=clock.now()), by="cycle_terms")
    refused(lambda: cycles.update(to_seller=cycle.amount + 1), by="cycle_share_of_its_amount")
    refused(lambda: rows.update(interval="week"), by="subscription_terms")
    refused(lambda: rows.update(next_at=None), by="subscription_is_looked_at")
    refused(lambda: rows.update(stops_at=clock.now()), by="subscription_stops_somehow")
    cycles.update(to_seller=1)
    refused(lambda: cycles.update(to_seller=2), by="cycle_decided_once")
    rows.update(status="CANCELLED")
    refused(lambda: rows.update(status="ACTIVE"), by="edges")


def test_a_key_needs_the_scopes_of_subscriptions(scene: Scene) -> None:
    scene.subscribe()
    scene.api.key = scene.world.key("subscriptions:read", "orders:write")
    assert scene.read()["id"] == scene.id
    assert scene.api.get(f"/subscriptions/{scene.id}/cycles")["data"][0]["index"] == 0
    for path in ("", f"/{scene.id}/cancel", f"/{scene.id}/pause", f"/{scene.id}/resume"):
        assert scene.api.post(f"/subscriptions{path}", {}, status=403)["code"] == "scope_missing"
    scene.api.key = scene.world.key("subscriptions:write")
    assert scene.api.request("GET", "/subscriptions").status_code == 403


def test_lists_are_filtered_and_cut_into_pages(scene: Scene) -> None:
    ids = [scene.subscribe(amount=price, externalRef=f"s{price}")["id"] for price in (1, 2, 3)]
    page = scene.api.get("/subscriptions?limit=2")
    assert [row["id"] for row in page["data"]] == [ids[2], ids[1]]
    rest = scene.api.get(f"/subscriptions?limit=2&cursor={page['nextCursor']}")
    assert ([row["id"] for row in rest["data"]], rest["hasMore"]) == ([ids[0]], False)
    (found,) = scene.api.get("/subscriptions?buyerId=ann&externalRef=s2&status=ACTIVE")["data"]
    assert found["id"] == ids[1]
    assert scene.api.get("/subscriptions?sellerId=ann")["data"] == []
