"""Reads of deposits, as QuerySet methods. Every one starts at a marketplace."""

from typing import Any, Self

from django.db import models


class DepositQuerySet(models.QuerySet[Any]):
    """Deposits of one marketplace, and what an answer shows of them."""

    def of(self, marketplace_id: str) -> Self:
        """Only this tenant's."""
        return self.filter(marketplace_id=marketplace_id)

    def for_display(self) -> Self:
        """With the user, in the same query."""
        return self.select_related("user")
