"""Ann subscribes to Bob's coaching: a month for 100, in a world with a network of its own."""

from datetime import datetime, timedelta
from typing import Any

from offerhub.budget.lanes import Lane
from offerhub.core import clock
from offerhub.core.clock import ProductNow
from offerhub.core.durations import format_duration
from offerhub.events.models import Event
from offerhub.subscriptions.models import Cycle, Subscription
from orders.models import EscrowOperation, Order
from tests.http import Api
from tests.world import World

MONTHLY = {"buyerId": "ann", "sellerId": "bob", "amount": 100, "interval": "month"}


class Scene:
    """Time passes by `until`; the workers do what is due then."""

    def __init__(self, world: World, api: Api, *, money: str = "1000") -> None:
        self.world, self.api = world, api
        self.ann, self.bob = world.user("ann", money=money), world.user("bob")
        self.id = ""

    # --- what the marketplace asks ----------------------------------------------------------
    def subscribe(self, *, status: int = 201, **more: Any) -> Any:
        answer = self.api.post("/subscriptions", {**MONTHLY, **more}, status=status)
        self.id = answer.get("id", "")
        return answer

    def ask(self, what: str, body: Any = None, *, status: int = 200, headers: Any = None) -> Any:
        path = f"/subscriptions/{self.id}/{what}"
        return self.api.post(path, body, status=status, headers=headers)

    def change(self, values: Any, *, status: int = 200) -> Any:
        answer = self.api.request("PATCH", f"/subscriptions/{self.id}", values)
        assert answer.status_code == status, answer.text
        return answer.json()

    def read(self) -> Any:
        return self.api.get(f"/subscriptions/{self.id}")

    def preview(self, when: str = "NOW") -> Any:
        return self.api.get(f"/subscriptions/{self.id}/cancellation?when={when}")

    # --- time -------------------------------------------------------------------------------
    def work(self) -> None:
        """Do all that is due; nobody waits for the next look at what has ended meanwhile."""
        for _ in range(20):
            self.world.watch()
            self.world.settle()
            flying = Cycle.objects.filter(
                subscription=self.id, status="OPEN", asked_at__gt=clock.now() - timedelta(minutes=1)
            )
            soon = Subscription.objects.filter(
                pk=self.id, next_at__lt=ProductNow() + timedelta(minutes=1)
            )
            if not (flying.exists() and soon.update(next_at=ProductNow())):
                return
        raise AssertionError("work keeps arriving")

    def until(self, when: str | datetime, more: timedelta = timedelta(seconds=2)) -> None:
        """Let the clock run to an instant and a little more, and work."""
        end = datetime.fromisoformat(when) if isinstance(when, str) else when
        minutes = max((end + more - clock.now()) / timedelta(minutes=1), 0)
        self.world.network.advance(format_duration(timedelta(minutes=int(minutes) + 1)))
        self.work()

    def within(self, cycle: dict[str, Any], part: float) -> None:
        """Let the clock run to a part of a cycle."""
        start, end = (datetime.fromisoformat(cycle[name]) for name in ("startsAt", "endsAt"))
        self.until(start + (end - start) * part)

    # --- what there is ----------------------------------------------------------------------
    @property
    def row(self) -> Subscription:
        return Subscription.objects.get(pk=self.id)

    @property
    def orders(self) -> list[Order]:
        return list(Order.objects.filter(subscription_cycle__subscription=self.id).order_by("pk"))

    def cycles(self) -> list[tuple[int, str]]:
        rows = Cycle.objects.filter(subscription=self.id).order_by("index")
        return list(rows.values_list("index", "status"))

    def available(self) -> tuple[str, str]:
        balance = self.world.balance
        return balance(self.ann)["available"], balance(self.bob)["available"]

    def events(self) -> list[str]:
        """Types without their first word, and that none is missing."""
        rows = Event.objects.filter(subject=self.id).order_by("sequence")
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        assert self.row.version == len(rows)
        return [row.type.removeprefix("subscription.") for row in rows]

    def event(self, what: str) -> Any:
        """The payload of the last event of a type."""
        rows = Event.objects.filter(subject=self.id, type=f"subscription.{what}")
        return rows.order_by("-sequence")[0].payload

    def calls(self, order: Order) -> list[str]:
        rows = EscrowOperation.objects.filter(order=order).order_by("id")
        return list(rows.values_list("kind", flat=True))

    def lanes(self, order: Order) -> list[int]:
        """In which line each call of an order stood."""
        rows = EscrowOperation.objects.filter(order=order).order_by("id")
        return [row.args.get("lane", Lane.ORDER) for row in rows]
