"""Reads of orders, as QuerySet methods."""

from typing import Any

from django.db import models

from offerhub.core.clock import ProductNow


class WindowQuerySet(models.QuerySet[Any]):
    """Release windows."""

    def due(self, limit: int = 200) -> list[str]:
        """Ids of milestones whose window wants a look, the longest waiting first."""
        running = self.filter(state="RUNNING", next_at__lte=ProductNow()).order_by("next_at")
        return list(running.values_list("milestone_id", flat=True)[:limit])
