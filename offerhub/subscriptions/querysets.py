"""Reads of subscriptions and their cycles, as QuerySet methods."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import JSONObject

from offerhub.core.clock import ProductNow
from offerhub.subscriptions.states import UNSETTLED, CycleStatus
from orders.models import EscrowOperation

if TYPE_CHECKING:
    from offerhub.subscriptions.models import Cycle, Subscription  # noqa: F401 (named as text)

MANY_TRIES = 3  # so often something was asked of a contract in vain, and a person should look


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Subscriptions."""

    def due(self, limit: int = 200) -> list[str]:
        """Ids of those of which something is due by the database's clock, longest waiting first."""
        rows = self.filter(next_at__lte=ProductNow()).order_by("next_at")
        return list(rows.values_list("pk", flat=True)[:limit])

    def for_display(self) -> Self:
        """With the parties and the cycles that matter now: two statements for any number."""
        from offerhub.subscriptions.models import Cycle

        cycles = Cycle.objects.that_matter().with_orders().order_by("index")
        return self.select_related("buyer", "seller").prefetch_related(
            Prefetch("cycles", cycles, to_attr="now_cycles")
        )

    def needing_a_person(self) -> Self:
        """What they ask of a contract fails again and again."""
        from offerhub.subscriptions.models import Cycle

        stuck = Cycle.objects.filter(subscription=OuterRef("pk"))
        return self.filter(Exists(stuck.filter(status=CycleStatus.OPEN, tries__gte=MANY_TRIES)))


class CycleQuerySet(models.QuerySet["Cycle"]):
    """Cycles."""

    def that_matter(self) -> Self:
        """Not settled yet, or settled and their time is not over."""
        unfinished = Q(status=CycleStatus.SETTLED, ends_at__gt=ProductNow())
        return self.filter(Q(status__in=UNSETTLED) | unfinished)

    def with_orders(self) -> Self:
        """Each with its order, and the order's newest call to its contract as `call`."""
        calls = EscrowOperation.objects.filter(order=OuterRef("order")).order_by("-id")
        facts = JSONObject(
            id="id", kind="kind", status="status", problem="problem", dispute="args__dispute"
        )
        return self.select_related("order").annotate(call=Subquery(calls.values(x=facts)[:1]))
