"""Reads of orders, as QuerySet methods. Every one starts at a marketplace."""

from typing import Any, Self

from django.db import models
from django.db.models import OuterRef, Prefetch, Subquery


class OrderQuerySet(models.QuerySet[Any]):
    """Orders of one marketplace, and what a page or an answer shows of them."""

    def of(self, marketplace_id: str) -> Self:
        """Only this tenant's."""
        return self.filter(marketplace_id=marketplace_id)

    def for_display(self) -> Self:
        """With parties, escrow, milestones and newest operation: three queries for any number."""
        from orders.models import EscrowOperation, Milestone

        operations = EscrowOperation.objects.filter(
            pk=Subquery(
                EscrowOperation.objects.filter(order=OuterRef("order"))
                .order_by("-id")
                .values("id")[:1]
            )
        )
        return self.select_related("buyer", "seller", "escrow").prefetch_related(
            Prefetch("milestones", Milestone.objects.order_by("position")),
            Prefetch("operations", operations, to_attr="newest_operation"),
        )
