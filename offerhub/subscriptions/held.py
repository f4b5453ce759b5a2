"""A subscription under its lock, with the cycles that matter and the instant at which it is seen.

The instant is the database's own: machines may disagree about the time, and two workers that look
at once see the row one after the other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offerhub.budget.lanes import Lane
from offerhub.core.actor import Actor, ActorKind
from offerhub.core.clock import ProductNow
from offerhub.core.errors import NotFound
from offerhub.events import services as events
from offerhub.subscriptions.models import Because, Cycle, Stop, Subscription, running
from offerhub.subscriptions.states import CycleStatus


@dataclass
class Held:
    """`strict`: a payment that fails is refused to whoever asks, instead of being tried again."""

    row: Subscription
    cycles: list[Cycle]
    now: datetime
    actor: Actor
    strict: bool = False

    @property
    def lane(self) -> Lane:
        """Whose turn its calls are when requests are scarce: somebody asked, or it was due."""
        return Lane.AUTOMATIC if self.actor.kind == ActorKind.SYSTEM else Lane.ORDER

    @property
    def running(self) -> Cycle | None:
        """The cycle that is going on now."""
        return running(self.cycles, self.now)

    @property
    def unpaid(self) -> Cycle | None:
        """The one that could not be paid; there is one at the most."""
        return next((c for c in self.cycles if c.status == CycleStatus.UNPAID), None)

    @property
    def has_open(self) -> bool:
        """Whether some cycle's contract is not settled."""
        return any(cycle.status == CycleStatus.OPEN for cycle in self.cycles)

    def tell(self, event: str, cycle: Cycle | None = None, **payload: Any) -> None:
        """Write an event; the row is saved with all that happened."""
        if cycle is not None:
            payload = {"index": cycle.index, **payload}
            if cycle.order_id:
                payload["orderId"] = cycle.order_id
        events.record(self.row, event, actor=self.actor, payload=payload)

    def stop(self, how: Stop, because: Because, *, at: datetime | None = None) -> None:
        """Let it stop: at the end of what is paid for, unless an instant is given."""
        end = self.running.ends_at if self.running else self.now
        self.row.stops_at = end if at is None else at
        self.row.stops_as, self.row.stops_because = how, because

    def go_on(self) -> None:
        """It does not stop by itself any more."""
        self.row.stops_at, self.row.stops_as, self.row.stops_because = None, "", ""


def hold(subscription_id: str, actor: Actor, marketplace_id: str | None = None) -> Held:
    """Lock a subscription, of this marketplace where one is named. Every service starts here."""
    rows: Any = Subscription.objects.select_for_update().annotate(now=ProductNow())
    if marketplace_id is not None:
        rows = rows.filter(marketplace_id=marketplace_id)
    row = rows.filter(pk=subscription_id).first()
    if row is None:
        raise NotFound(f"There is no subscription {subscription_id!r} in this marketplace")
    cycles = Cycle.objects.filter(subscription=row).that_matter().with_orders().order_by("index")
    return Held(row, list(cycles), row.now, actor)


def told(at: datetime | None) -> str | None:
    """An instant as events write it."""
    return at.isoformat(timespec="milliseconds") if at else None
