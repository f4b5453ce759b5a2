"""Reads of orders, as QuerySet methods."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import DurationField, Exists, OuterRef, Value

from offerhub.core.clock import ProductNow
from orders.states import OPEN_ORDER

if TYPE_CHECKING:
    from orders.models import Order, ReleaseWindow  # noqa: F401 (named as text below)

# What else moves orders by a clock of its own: each answers its rows of OuterRef("pk"). Apps above
# put theirs here.
CLOCKS: list[Callable[[], models.QuerySet[Any]]] = []


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders."""

    def quiet(self) -> Self:
        """Open ones to which nothing has happened for long, and that no clock will move: somebody
        should ask the parties. Disputes have clocks and queues of their own, too."""
        from orders.models import ReleaseWindow

        length = timedelta(days=settings.ORDER_QUIET_DAYS)
        since = ProductNow() - Value(length, output_field=DurationField())
        running = ReleaseWindow.objects.filter(order=OuterRef("pk"), state="RUNNING")
        still = self.filter(status__in=OPEN_ORDER, updated_at__lt=since)
        for clock in CLOCKS:
            still = still.exclude(Exists(clock()))
        return still.exclude(Exists(running))


class WindowQuerySet(models.QuerySet["ReleaseWindow"]):
    """Release windows."""

    def due(self, limit: int = 200) -> list[str]:
        """Ids of milestones whose window wants a look, the longest waiting first."""
        running = self.filter(state="RUNNING", next_at__lte=ProductNow()).order_by("next_at")
        return list(running.values_list("milestone_id", flat=True)[:limit])
