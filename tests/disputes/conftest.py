"""Funded orders to dispute, each made through the services."""

from collections.abc import Callable
from typing import Any

import pytest

from disputes import services as disputes
from disputes.models import Dispute
from disputes.states import Party
from offerhub.core.money import parse_amount
from orders import escrow_services, services
from orders.models import Order
from tests.world import World


class Sale:
    """One order in progress between a buyer and a seller of its own."""

    count = 0

    def __init__(self, world: World, *parts: str, description: str = "Vase") -> None:
        Sale.count += 1
        self.world = world
        amounts = [parse_amount(part) for part in parts or ("100",)]
        total = sum(amounts)
        self.buyer = world.user(f"buyer_{Sale.count}", money=str(total // 10_000_000 + 1))
        self.seller = world.user(f"seller_{Sale.count}")
        milestones = [
            services.NewMilestone(f"m{i}", f"Part {i}", amount)
            for i, amount in enumerate(amounts, 1)
        ]
        new = services.NewOrder(
            buyer=self.buyer.id,
            seller=self.seller.id,
            amount=total,
            description=description,
            milestones=milestones if len(milestones) > 1 else (),
        )
        tenant, actor = world.marketplace.id, world.actor
        self.order_id = services.create_order(marketplace_id=tenant, new=new, actor=actor).id
        services.reserve(marketplace_id=tenant, order_id=self.order_id, actor=actor)
        escrow = escrow_services.request_deploy(
            marketplace_id=tenant, order_id=self.order_id, actor=actor
        )
        world.settle()
        escrow_services.request_fund(marketplace_id=tenant, escrow_id=escrow.id, actor=actor)
        world.settle()

    @property
    def order(self) -> Order:
        """As it is now."""
        return Order.objects.select_related("escrow").get(pk=self.order_id)

    @property
    def milestones(self) -> list[Any]:
        """As they are now, in order."""
        return list(self.order.milestones.all())

    def dispute(
        self, ref: str | None = None, by: Party = Party.BUYER, *, settle: bool = True
    ) -> Dispute:
        """Open one and, unless told otherwise, see it frozen."""
        new = disputes.NewDispute(self.order_id, by, "Not as described", milestone_ref=ref)
        opened = disputes.open_dispute(
            marketplace_id=self.world.marketplace.id, new=new, actor=self.world.actor
        )
        if settle:
            self.world.settle()
        return opened

    def dust(self, amount: str) -> None:
        """A stranger sends money into the contract."""
        self.world.network.mint(self.order.escrow.contract_id, amount)


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    """One person decides, unless a test says otherwise."""
    settings.DISPUTE_APPROVAL_THRESHOLD = settings.DISPUTE_APPROVAL_ORDER_SUM = ""
    settings.DISPUTE_APPROVAL_DAY_SUM = ""


@pytest.fixture
def sale(world: World) -> Callable[..., Sale]:
    """Make an order in progress: `sale("100")`, `sale("100", "200")`."""
    return lambda *parts, **more: Sale(world, *parts, **more)
