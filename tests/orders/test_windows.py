"""Automatic release: nobody disputes in time, so the seller is paid."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from offerhub.core import clock, jobs
from offerhub.events.models import Event
from offerhub.marketplaces.models import Marketplace
from orders import tasks, windows
from orders.models import EscrowOperation, Order, ReleaseWindow
from tests.http import Api
from tests.world import World

WEEK = {"after": "P7D", "from": "FUNDED"}
SALE = {"buyerId": "ann", "sellerId": "bob", "amount": 100, "autoFund": True}
PARTS = [
    {"id": "m1", "description": "First", "amount": 40},
    {"id": "m2", "description": "Second", "amount": 60},
]


class Shop:
    """Ann bought something from Bob for 100, with a policy."""

    def __init__(self, world: World, api: Api, **more: Any) -> None:
        self.world, self.api = world, api
        self.ann, self.bob = world.user("ann", money="100"), world.user("bob")
        self.id: str = api.post("/orders", {**SALE, **more}, status=201)["id"]

    def order(self) -> Any:
        return self.api.get(f"/orders/{self.id}")

    def pass_time(self, duration: str) -> None:
        """Time goes by, and the worker does what is due then."""
        self.world.network.advance(duration)
        self.world.watch()
        self.world.settle()

    def paid(self) -> str:
        return self.world.balance(self.bob)["available"]

    def events(self, prefix: str = "order.") -> list[str]:
        rows = Event.objects.filter(subject=self.id, type__startswith=prefix).order_by("sequence")
        return list(rows.values_list("type", flat=True))

    def calls(self) -> list[str]:
        return list(
            EscrowOperation.objects.filter(order=self.id)
            .order_by("id")
            .values_list("kind", flat=True)
        )


def in_time(text: str, length: timedelta) -> bool:
    """Whether an instant is so far away, give or take a minute."""
    return abs(datetime.fromisoformat(text) - clock.now() - length) < timedelta(minutes=1)


def test_a_week_after_funding_the_seller_is_paid_and_not_before(world: World, api: Api) -> None:
    shop = Shop(world, api, releasePolicy=WEEK)
    (milestone,) = shop.order()["milestones"]
    assert milestone["releasePolicy"] == WEEK
    assert in_time(milestone["releaseAt"], timedelta(days=7))
    shop.pass_time("P6DT23H")
    assert (shop.paid(), shop.order()["status"]) == ("0.00", "IN_PROGRESS")
    shop.pass_time("PT1H1M")
    assert (shop.paid(), shop.order()["status"]) == ("100.00", "COMPLETED")
    assert shop.events() == [
        "order.created",
        "order.reserved",
        "order.release_reminder",
        "order.release_window_ended",
    ]
    assert shop.calls() == ["DEPLOY", "FUND", "COMPLETE", "APPROVE", "RELEASE"]
    last = EscrowOperation.objects.filter(order=shop.id).order_by("-id")[0]
    assert last.actor == "system:release"
    shop.pass_time("P8D")
    assert ReleaseWindow.objects.get(order=shop.id).state == "CLOSED"
    assert len(shop.calls()) == 5
    assert world.differences() == []


def test_without_a_policy_nothing_is_released(world: World, api: Api) -> None:
    shop = Shop(world, api)
    shop.pass_time("P400D")
    assert (shop.paid(), shop.order()["milestones"][0]["releaseAt"]) == ("0.00", None)
    assert ReleaseWindow.objects.filter(order=shop.id).count() == 0


def test_shipping_starts_the_window_once_and_keeps_the_tracking(world: World, api: Api) -> None:
    shop = Shop(world, api, releasePolicy={"after": "P2D", "from": "SHIPPED"})
    shop.pass_time("P30D")
    assert (shop.paid(), shop.order()["milestones"][0]["releaseAt"]) == ("0.00", None)
    told = {"carrier": "Post", "trackingNumber": "RR1", "trackingUrl": "https://post.example/RR1"}
    order = api.post(f"/orders/{shop.id}/ship", told)
    shipped_at = order["shipment"].pop("shippedAt")
    assert order["shipment"] == told
    ends = order["milestones"][0]["releaseAt"]
    assert in_time(ends, timedelta(days=2))
    shop.pass_time("P1D")
    again = api.post(f"/orders/{shop.id}/ship", {"trackingNumber": "RR2"})
    assert again["shipment"] == {"trackingNumber": "RR2", "shippedAt": shipped_at}
    assert again["milestones"][0]["releaseAt"] == ends
    shop.pass_time("P1DT1M")
    assert (shop.paid(), shop.order()["status"]) == ("100.00", "COMPLETED")


def test_completion_starts_the_window_of_its_milestone_alone(world: World, api: Api) -> None:
    policy = {"after": "PT1H", "from": "COMPLETED"}
    shop = Shop(world, api, releasePolicy=policy, milestones=PARTS)
    done = {"orderId": shop.id, "milestoneId": "m2", "action": "complete"}
    order = api.post("/resolution/release", done)
    assert [m["releaseAt"] is None for m in order["milestones"]] == [True, False]
    shop.pass_time("PT61M")
    assert shop.paid() == "60.00"
    assert [m["status"] for m in shop.order()["milestones"]] == ["OPEN", "RELEASED"]


def test_a_milestone_has_its_own_policy_before_the_orders(world: World, api: Api) -> None:
    parts = [{**PARTS[0], "releasePolicy": {"after": "P1D", "from": "FUNDED"}}, PARTS[1]]
    shop = Shop(world, api, releasePolicy={"after": "P3D", "from": "FUNDED"}, milestones=parts)
    for days, paid in ((1, "40.00"), (1, "40.00"), (1, "100.00")):
        shop.pass_time(f"P{days}DT1M")
        assert shop.paid() == paid
    assert shop.order()["status"] == "COMPLETED"


def test_the_marketplaces_default_is_for_orders_that_bring_none(world: World, api: Api) -> None:
    Marketplace.objects.filter(pk=world.marketplace.pk).update(release_policy=WEEK)
    shop = Shop(world, api)
    assert shop.order()["milestones"][0]["releasePolicy"] == WEEK
    world.network.mint(world.wallet(shop.ann).address, "100")
    world.watch()
    never = api.post("/orders", {**SALE, "releasePolicy": None}, status=201)
    assert never["milestones"][0]["releasePolicy"] is None


def test_the_buyer_may_have_more_time(world: World, api: Api) -> None:
    shop = Shop(world, api, releasePolicy=WEEK)
    shop.pass_time("P6DT12H")
    order = api.post(f"/orders/{shop.id}/extend", {"by": "P2D"})
    assert in_time(order["milestones"][0]["releaseAt"], timedelta(days=2, hours=12))
    shop.pass_time("P1D")
    assert shop.paid() == "0.00"
    shop.pass_time("PT13H")
    shop.pass_time("P1DT1M")
    assert shop.paid() == "100.00"
    assert shop.events().count("order.release_reminder") == 2
    problem = api.post(f"/orders/{shop.id}/extend", {"by": "P2D"}, status=409)
    assert problem["code"] == "wrong_state"


def test_the_buyer_may_release_early(world: World, api: Api) -> None:
    shop = Shop(world, api, releasePolicy=WEEK)
    api.post("/resolution/release", {"orderId": shop.id})
    shop.pass_time("P8D")
    assert (shop.paid(), len(shop.calls())) == ("100.00", 5)
    assert ReleaseWindow.objects.get(order=shop.id).closed_because == "RELEASED"


@pytest.mark.parametrize("when", ["in the last second", "after the end, before the worker came"])
def test_a_dispute_wins(world: World, api: Api, when: str) -> None:
    shop = Shop(world, api, releasePolicy=WEEK)
    world.network.advance("P7DT1M" if when.startswith("after") else "P6DT23H59M")
    world.watch()
    body = {"orderId": shop.id, "openedBy": "ann", "reason": "Broken"}
    dispute = api.post("/disputes", body, status=201)
    shop.pass_time("P30D")
    assert (shop.paid(), shop.order()["status"]) == ("0.00", "DISPUTED")
    assert "RELEASE" not in shop.calls()
    assert api.get(f"/disputes/{dispute['id']}")["frozen"] is True
    window = ReleaseWindow.objects.get(order=shop.id)
    assert (window.state, window.closed_because) == ("CLOSED", "DISPUTED")


def test_a_dispute_that_comes_between_the_steps_of_the_release_still_wins(
    world: World, api: Api
) -> None:
    shop = Shop(world, api, releasePolicy=WEEK)
    world.network.advance("P7DT1M")
    world.watch()
    window = ReleaseWindow.objects.get(order=shop.id)
    with jobs.held():
        windows.attend(milestone_id=window.pk)
    assert shop.calls() == ["DEPLOY", "FUND", "COMPLETE"]
    body = {"orderId": shop.id, "openedBy": "ann", "reason": "Broken"}
    api.post("/disputes", body, status=202, headers={"Prefer": "respond-async"})
    world.settle()
    assert shop.calls() == ["DEPLOY", "FUND", "COMPLETE", "DISPUTE"]
    assert (shop.paid(), shop.order()["status"]) == ("0.00", "DISPUTED")


def test_many_looks_at_once_release_once(world: World, api: Api) -> None:
    shop = Shop(world, api, releasePolicy=WEEK)
    world.network.advance("P7DT1M")
    world.watch()
    for _ in range(20):
        for name, row in tasks.sweep_windows():
            if Order.objects.filter(pk=shop.id, milestones=row).exists():
                jobs.step(name, row)
    world.settle()
    assert (shop.paid(), shop.calls().count("RELEASE")) == ("100.00", 1)
    assert shop.events().count("order.release_window_ended") == 1


def test_a_release_that_failed_is_asked_for_again_later(world: World, api: Api) -> None:
    shop = Shop(world, api, releasePolicy=WEEK)
    world.network.advance("P7DT1M")
    world.watch()
    window = ReleaseWindow.objects.get(order=shop.id)
    with jobs.held():
        windows.attend(milestone_id=window.pk)
    call = EscrowOperation.objects.get(order=shop.id, kind="COMPLETE")
    EscrowOperation.objects.filter(pk=call.pk).update(status="FAILED")
    shop.pass_time("PT4M")
    assert shop.paid() == "0.00"
    shop.pass_time("PT2M")
    assert (shop.paid(), shop.order()["status"]) == ("100.00", "COMPLETED")
    assert shop.events().count("order.release_window_ended") == 2


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"after": "P1M", "from": "FUNDED"}, "releasePolicy.after"),
        ({"after": "PT0M", "from": "FUNDED"}, "releasePolicy.after"),
        ({"after": "P366D", "from": "FUNDED"}, "releasePolicy.after"),
        ({"after": 7, "from": "FUNDED"}, "releasePolicy.after"),
        ({"after": "P7D", "from": "SOMETIME"}, "releasePolicy.from"),
        ({"after": "P7D"}, "releasePolicy.from"),
        ({"after": "P7D", "from": "FUNDED", "until": 1}, "releasePolicy.until"),
        ("P7D", "releasePolicy"),
    ],
)
def test_a_policy_that_is_none_is_refused_by_its_field(
    world: World, api: Api, policy: Any, field: str
) -> None:
    problem = api.post("/orders", {**SALE, "releasePolicy": policy}, status=400)
    assert field in [error["field"] for error in problem["errors"]]
    assert Order.objects.filter(marketplace=world.marketplace).count() == 0


def test_what_can_not_be_shipped_or_extended_is_refused(world: World, api: Api) -> None:
    shop = Shop(world, api)
    assert api.post(f"/orders/{shop.id}/extend", {"by": "P1D"}, status=409)["code"] == "wrong_state"
    for bad in ({"trackingUrl": "javascript:alert(1)"}, {"trackingUrl": "//x"}, {"carrier": 5}):
        api.post(f"/orders/{shop.id}/ship", bad, status=400)
    assert shop.order()["shipment"] is None
    waiting = api.post("/orders", {**SALE, "autoFund": False}, status=201)["id"]
    assert api.post(f"/orders/{waiting}/ship", {}, status=409)["code"] == "wrong_state"
    api.post("/orders/ord_nothing/ship", {}, status=404)
    api.post(f"/orders/{shop.id}/ship", {"milestoneId": "m9"}, status=422)
