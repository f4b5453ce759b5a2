"""The page of an order: parties, money, calls, entries and timeline, each linked to its source."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from ledger.models import Entry
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User
from orders import services
from orders.models import Order, ReleaseWindow
from tests.desk import rows
from tests.desk.conftest import SignIn
from tests.statements import Statements
from tests.world import ACTOR

pytestmark = pytest.mark.django_db
MARKUP = "<script>alert(1)</script>"


def reserved(market: Marketplace, parts: int = 2, **texts: Any) -> Order:
    """An order of 10 USDC per milestone whose money is set aside; no chain is asked."""
    buyer = rows.user(market, "buyer", money=1_000_000_000)
    seller = rows.user(market, "seller")
    made = services.create_order(
        marketplace_id=market.id, new=new(buyer, seller, parts, **texts), actor=ACTOR
    )
    services.reserve(marketplace_id=market.id, order_id=made.id, actor=ACTOR)
    return Order.objects.get(pk=made.id)


def new(buyer: User, seller: User, parts: int, **texts: Any) -> services.NewOrder:
    return services.NewOrder(
        buyer=buyer.id,
        seller=seller.id,
        amount=parts * 100_000_000,
        milestones=[
            services.NewMilestone(f"m{number}", f"Part {number}", 100_000_000)
            for number in range(parts)
        ],
        **texts,
    )


def test_an_order_shows_its_parties_its_money_and_what_happened(desk: SignIn) -> None:
    order = reserved(rows.market())
    page = desk("read_only").get(f"/admin/order/{order.pk}/").content.decode()
    for party in (order.buyer_id, order.seller_id):
        assert f'href="/admin/user/{party}/"' in page
    entry = Entry.objects.get(source=f"order:{order.pk}:reserve")
    assert f"/admin/ledger/entry/{entry.pk}/change/" in page
    assert "Nothing was asked of a contract yet." in page
    assert "There is no contract." in page
    assert "reserved the money" in page
    assert page.count(">Part 0</td>") == page.count(">Part 1</td>") == 1


def test_the_page_takes_as_many_statements_for_ten_milestones_as_for_two(desk: SignIn) -> None:
    client, counts = desk("support"), []
    for number in (2, 10):
        order = reserved(rows.market(f"Market {number}"), number)
        client.get(f"/admin/order/{order.pk}/")  # the first request of a session asks for more
        with Statements(connection) as seen:
            assert client.get(f"/admin/order/{order.pk}/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 14


def test_what_a_party_wrote_is_shown_as_text(desk: SignIn) -> None:
    order = reserved(rows.market(), title=MARKUP, description=MARKUP)
    page = desk("support").get(f"/admin/order/{order.pk}/").content.decode()
    assert MARKUP not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2


def test_an_order_that_is_not_there_is_not_found_and_nothing_is_posted(desk: SignIn) -> None:
    client, order = desk("operations"), reserved(rows.market())
    assert client.get("/admin/order/ord_nothing/").status_code == 404
    assert client.post(f"/admin/order/{order.pk}/").status_code in (403, 405)
    assert Order.objects.get(pk=order.pk).version == order.version


def test_when_it_is_released_by_itself_and_the_parcel_are_shown(desk: SignIn) -> None:
    order = reserved(rows.market(), 2)
    parcel = {"carrier": "<b>Post</b>", "trackingNumber": "RR1", "shippedAt": "2026-03-01T12:00Z"}
    Order.objects.filter(pk=order.pk).update(has_windows=True, shipment=parcel)
    first, second = order.milestones.all()
    ReleaseWindow.objects.create(milestone=first, order=order, after="P2D", starts="SHIPPED")
    end = datetime(2026, 3, 3, 12, tzinfo=UTC)
    ReleaseWindow.objects.create(
        milestone=second,
        order=order,
        after="P7D",
        starts="FUNDED",
        state="RUNNING",
        ends_at=end,
        next_at=end,
    )
    page = desk("support").get(f"/admin/order/{order.pk}/").content.decode()
    assert "P2D from shipped" in page
    assert "2026-03-03T12:00" in page
    assert "&lt;b&gt;Post&lt;/b&gt; RR1" in page
