"""The page of a subscription: terms, cycles with their orders, what happens next."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from offerhub.core import clock, jobs
from offerhub.marketplaces.models import Marketplace
from offerhub.subscriptions import services
from offerhub.subscriptions.calendar import Interval
from offerhub.subscriptions.models import Cycle, Subscription
from offerhub.users.models import Wallet
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.statements import Statements
from tests.world import ACTOR

pytestmark = pytest.mark.django_db
MARKUP = "<script>alert(1)</script>"


def subscribed(market: Marketplace, **more: Any) -> Subscription:
    """A month for 10 USDC that runs; its contract is asked for, and no chain answers."""
    Wallet.objects.filter(marketplace=market).update(status=Wallet.Status.ACTIVE)
    buyer = rows.user(market, f"buyer{Subscription.objects.count()}", money=1_000_000_000)
    seller = rows.user(market, f"seller{Subscription.objects.count()}")
    new = services.NewSubscription(
        buyer=buyer.pk, seller=seller.pk, amount=100_000_000, interval=Interval.MONTH, **more
    )
    with jobs.held():
        return services.create_subscription(marketplace_id=market.pk, new=new, actor=ACTOR)


def stuck(row: Subscription) -> None:
    """Its contract was asked three times in vain."""
    Cycle.objects.filter(subscription=row).update(
        tries=3, problem={"code": "refused", "detail": MARKUP}, retry_at=clock.now()
    )


def test_it_shows_its_cycles_their_orders_and_what_happens_next(desk: SignIn) -> None:
    row = subscribed(rows.market(), title=MARKUP, description=MARKUP, time_zone="Europe/Berlin")
    stuck(row)
    (cycle,) = Cycle.objects.filter(subscription=row)
    client = desk("read_only")
    page = client.get(f"/admin/subscription/{row.pk}/").content.decode()
    for address in (f"order/{cycle.order_id}", f"user/{row.buyer_id}", f"user/{row.seller_id}"):
        assert f'href="/admin/{address}/"' in page
    for text in ("Europe/Berlin", "1 month", "Running", "The order of the next cycle is made"):
        assert text in page
    assert "Cycle 0: 10.00 USDC on the way into a contract" in page
    assert MARKUP not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    assert client.post(f"/admin/subscription/{row.pk}/").status_code in (403, 405)
    assert client.get("/admin/subscription/sub_nothing/").status_code == 404


def test_it_is_found_from_its_order_its_users_and_by_its_id(desk: SignIn) -> None:
    row, client = subscribed(rows.market(), external_ref="plan-7"), desk("support")
    (cycle,) = Cycle.objects.filter(subscription=row)
    link = f'href="/admin/subscription/{row.pk}/"'
    pages = (
        f"order/{cycle.order_id}/",
        f"user/{row.buyer_id}/",
        f"user/{row.seller_id}/",
        "subscriptions/subscription/",
    )
    for address in pages:
        assert link in client.get(f"/admin/{address}").content.decode(), address
    for text in (row.pk, "plan-7"):
        found: Any = client.get("/admin/search/", {"q": text})
        assert found.url == f"/admin/subscription/{row.pk}/"


def test_what_needs_a_person_is_a_queue_on_the_first_page(desk: SignIn) -> None:
    market, client = rows.market(), desk("operations")
    well, ill = subscribed(market), subscribed(market)
    stuck(ill)
    home: Any = client.get("/admin/")
    (queue,) = [q for q in home.context_data["money"] if q.label.startswith("Subscriptions")]
    assert queue.number == 1
    listed = client.get(queue.address).content.decode()
    assert ill.pk in listed
    assert well.pk not in listed


def test_the_page_takes_as_many_statements_for_many_cycles_as_for_one(desk: SignIn) -> None:
    row, client, counts = subscribed(rows.market()), desk("support"), []
    client.get("/admin/")
    (first,) = Cycle.objects.filter(subscription=row)
    for number in (0, 9):
        for index in range(1, number + 1):
            begins = first.starts_at - timedelta(days=40 * index)
            Cycle.objects.create(
                subscription=row,
                index=index,
                number=index,
                starts_at=begins,
                ends_at=begins + timedelta(days=30),
                amount=1,
                status="DROPPED",
            )
        with Statements(connection) as seen:
            assert client.get(f"/admin/subscription/{row.pk}/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 9
