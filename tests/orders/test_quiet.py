"""Every state of an order that is not its end has a clock, or a person who sees it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from offerhub.core import clock
from orders.models import Order, ReleaseWindow
from orders.states import FINAL_ORDER, OPEN_ORDER, OrderStatus
from tests.desk import rows

pytestmark = pytest.mark.django_db


def standing(status: str, days: float) -> Order:
    """An order in this state to which nothing has happened for so long."""
    market = rows.market()
    order = Order.objects.create(
        marketplace=market,
        buyer=rows.user(market, "buyer"),
        seller=rows.user(market, "seller"),
        amount=10_000_000,
        milestones_left=1,
        status=status,
    )
    since = clock.now() - timedelta(days=days)
    Order.objects.filter(pk=order.pk).update(updated_at=since)
    return order


@pytest.mark.parametrize("status", list(OrderStatus))
def test_an_open_order_that_stands_still_is_seen_and_an_ended_one_is_not(status: str) -> None:
    order = standing(status, 30.1)
    assert list(Order.objects.quiet()) == ([order] if status in OPEN_ORDER else [])
    assert (status in OPEN_ORDER) != (status in FINAL_ORDER)


def test_what_moved_a_while_ago_is_left_alone(settings: Any) -> None:
    order = standing("IN_PROGRESS", 29.9)
    assert list(Order.objects.quiet()) == []
    settings.ORDER_QUIET_DAYS = 29
    assert list(Order.objects.quiet()) == [order]


def test_an_order_with_a_running_window_has_a_clock_of_its_own() -> None:
    order = standing("IN_PROGRESS", 60)
    milestone = order.milestones.create(position=0, ref="m1", amount=10_000_000)
    end = clock.now() + timedelta(days=30)
    window = ReleaseWindow.objects.create(
        milestone=milestone,
        order=order,
        after="P90D",
        starts="FUNDED",
        state="RUNNING",
        ends_at=end,
        next_at=end,
    )
    assert list(Order.objects.quiet()) == []
    ReleaseWindow.objects.filter(pk=window.pk).update(state="CLOSED", next_at=None)
    assert list(Order.objects.quiet()) == [order]


def test_the_open_ones_alone_are_read() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "order_open_by_age" in Order.objects.quiet().explain()
