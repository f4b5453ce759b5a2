"""Reads of withdrawals, as QuerySet methods. Every one starts at a marketplace."""

from typing import Any, Self

from django.db import models
from django.db.models import Prefetch


class WithdrawalQuerySet(models.QuerySet[Any]):
    """Withdrawals of one marketplace, and what a page or an answer shows of them."""

    def of(self, marketplace_id: str) -> Self:
        """Only this tenant's."""
        return self.filter(marketplace_id=marketplace_id)

    def for_display(self) -> Self:
        """With user, proposal and operation: two queries for any number of withdrawals."""
        from payouts.models import WithdrawalAttempt

        attempts = WithdrawalAttempt.objects.order_by("-id")
        return self.select_related("user", "proposal", "item__payment").prefetch_related(
            Prefetch("attempts", attempts)
        )
