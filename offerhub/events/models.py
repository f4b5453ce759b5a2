"""One event row, four readers: audit trail, admin timeline, webhooks, event stream."""

import functools
from typing import ClassVar

import pgtrigger
from django.db import models

from offerhub.core.clock import ProductNow
from offerhub.core.db import PublicIdField
from offerhub.core.ids import new_id
from offerhub.events.webhook_models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from offerhub.marketplaces.models import Marketplace

__all__ = ["Event", "WebhookAttempt", "WebhookDelivery", "WebhookEndpoint", "WebhookSecret"]

event_id = functools.partial(new_id, "evt")


class Event(models.Model):
    """What happened to one object, written in the same transaction as the change.

    `sequence` counts from 1 without gaps per subject: it is the subject's own `version` after the
    change, taken under the subject's lock. `number` is the place in the log: given after the
    commit, by one at a time (`offerhub.events.log`), so that a reader who goes by it never skips
    an event whose transaction committed late. `position` only says in which order the rows were
    written; transactions commit in another.
    """

    position = models.BigAutoField(primary_key=True)
    number = models.BigIntegerField(null=True, unique=True, editable=False)
    id = PublicIdField(unique=True, default=event_id, editable=False)
    marketplace = models.ForeignKey(
        Marketplace, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    type = models.CharField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1, db_default=1)  # of the payload's form
    subject = PublicIdField()
    sequence = models.PositiveIntegerField()
    actor = models.CharField(max_length=80)
    request_id = models.CharField(max_length=64, blank=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "sequence"], name="event_sequence_once")
        ]
        indexes = [
            models.Index(fields=["marketplace", "number"], name="event_by_number"),
            models.Index(
                fields=["position"],
                condition=models.Q(number=None),
                name="event_not_numbered",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="event_unchanged", exclude=["number"]),
            pgtrigger.Protect(
                name="event_numbered_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__number__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}#{self.sequence}"
