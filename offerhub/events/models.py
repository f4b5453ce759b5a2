"""One event row, four readers: audit trail, admin timeline, webhooks, event stream."""

import functools
from typing import ClassVar

import pgtrigger
from django.db import models

from offerhub.core.clock import ProductNow
from offerhub.core.db import PublicIdField
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace

event_id = functools.partial(new_id, "evt")


class Event(models.Model):
    """What happened to one object, written in the same transaction as the change.

    `sequence` counts from 1 without gaps per subject: it is the subject's own `version` after the
    change, taken under the subject's lock. `position` orders all events; as transactions commit
    out of order, a reader takes only rows whose `transaction` is older than every running one.
    """

    position = models.BigAutoField(primary_key=True)
    id = PublicIdField(unique=True, default=event_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=60)
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
        indexes = [models.Index(fields=["marketplace", "position"], name="event_by_marketplace")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}#{self.sequence}"
