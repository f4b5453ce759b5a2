"""Funded orders by the dozen, for tests that release them under a limit."""

from typing import Any

from offerhub.core.money import UNIT
from orders import escrow_services, services
from orders.models import EscrowOperation, Order
from tests.world import ACTOR, World


def funded(world: World, pairs: int, name: str = "") -> list[Order]:
    """So many orders of 10 USDC, each with a buyer and a seller of its own."""
    orders = []
    for number in range(pairs):
        buyer, seller = f"buyer{name}{number}", f"seller{name}{number}"
        world.user(buyer, money="10")
        world.user(seller)
        new = services.NewOrder(buyer, seller, 10 * UNIT)
        common: Any = {"marketplace_id": world.marketplace.id, "actor": ACTOR}
        orders.append(services.create_order(new=new, **common))
    for order in orders:
        escrow_services.request_prepaid(
            marketplace_id=world.marketplace.id, order_id=order.id, actor=ACTOR
        )
    world.settle()
    return orders


def release(world: World, order: Order, action: str = "release", **more: Any) -> None:
    """Ask for it."""
    escrow_services.request_release(
        marketplace_id=world.marketplace.id,
        order_id=order.id,
        milestone_ref="m1",
        action=action,
        actor=ACTOR,
        **more,
    )


def live(order: Order) -> EscrowOperation:
    """The order's one operation that is on its way."""
    return EscrowOperation.objects.get(order=order, status__in=["PENDING", "SUBMITTED", "UNKNOWN"])


def done(order: Order) -> str:
    """The state of the order now."""
    return str(Order.objects.get(pk=order.pk).status)
