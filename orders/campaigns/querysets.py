"""Reads of campaigns, as QuerySet methods."""

from typing import TYPE_CHECKING, Self

from django.db import models

from offerhub.core.clock import ProductNow
from orders.campaigns.states import CampaignStatus

if TYPE_CHECKING:
    from orders.campaigns.models import Campaign  # noqa: F401 (named as text below)


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """Campaigns."""

    def due(self, limit: int = 50) -> list[str]:
        """Ids of those that want a look, the longest waiting first."""
        waiting = self.filter(next_at__lte=ProductNow()).order_by("next_at")
        return list(waiting.values_list("pk", flat=True)[:limit])

    def needing_attention(self) -> Self:
        """Those with pledges that failed, after everything was tried."""
        return self.filter(status=CampaignStatus.NEEDS_ATTENTION)
