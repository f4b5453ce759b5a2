"""A marketplace in which everything has happened, more than once, and all of it is sealed."""

from typing import Any

from ledger.jobs import seal_entries
from offerhub.core.money import UNIT
from offerhub.reconciliation.seals import index_seals
from orders import services as orders
from orders.services import NewOrder
from tests.http import Api
from tests.world import ACTOR, World

CANCELLED = 300  # orders that cost no network


class Market:
    """Users u0 to u9 with deposits; orders by state; withdrawals."""

    def __init__(self, world: World, api: Api, *, cancelled: int = CANCELLED) -> None:
        self.world, self.api = world, api
        self.users = [world.user(f"u{n}", money=f"{1000 + n}") for n in range(10)]
        for user in self.users:
            world.network.mint(world.wallet(user).address, "50.0000001")
        world.watch()
        self.running = [self._funded(n, n + 1) for n in range(0, 8, 2)]
        api.post("/resolution/release", {"orderId": self.running[0], "milestoneId": "m2"})
        self.completed = [self._funded(n, n + 1) for n in range(0, 6, 2)]
        for order in self.completed:
            api.post("/resolution/release", {"orderId": order})
        self.reserved = [self._reserved(n) for n in range(1, 6)]
        self.withdrawn = [
            api.post(
                "/withdrawals",
                {"userId": f"u{n}", "amount": 5, "destination": world.stranger()},
                status=201,
            )["id"]
            for n in (7, 8, 9)
        ]
        self._cancel(cancelled)
        world.settle()
        world.watch()
        seal()

    def _funded(self, buyer: int, seller: int) -> str:
        parts = [
            {"id": "m1", "description": "one", "amount": 60},
            {"id": "m2", "description": "two", "amount": 40},
        ]
        sale = {"buyerId": f"u{buyer}", "sellerId": f"u{seller}", "amount": 100}
        return self.world.funded(self.api, sale | {"milestones": parts})

    def _reserved(self, buyer: int) -> str:
        sale = {"buyerId": f"u{buyer}", "sellerId": "u9", "amount": 10 + buyer}
        order = self.api.post("/orders", sale, status=201)["id"]
        self.api.post(f"/orders/{order}/reserve")
        return str(order)

    def _cancel(self, count: int) -> None:
        named: dict[str, Any] = {"marketplace_id": self.world.marketplace.id, "actor": ACTOR}
        for _ in range(count):
            new = NewOrder(buyer=self.users[0].id, seller=self.users[1].id, amount=UNIT)
            order = orders.create_order(new=new, **named)
            orders.reserve(order_id=order.id, **named)
            orders.cancel(order_id=order.id, **named)

    def address(self, user: int) -> str:
        """Of that user's wallet."""
        return str(self.world.wallet(self.users[user]).address)


def seal() -> None:
    """Seal what is in the books, and index the seals."""
    seal_entries(patience=20)
    while index_seals():
        pass
