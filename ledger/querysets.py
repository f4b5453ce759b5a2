"""Reads of the books as QuerySet methods. Nothing here locks and nothing sums a history."""

from django.db import models


class AccountQuerySet(models.QuerySet["models.Model"]):
    """Accounts."""


class EntryQuerySet(models.QuerySet["models.Model"]):
    """Entries."""


class PostingQuerySet(models.QuerySet["models.Model"]):
    """Postings."""
