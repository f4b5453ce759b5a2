"""Where a marketplace's server wants to hear of events, and what was sent there.

Part of `offerhub.events.models`.
"""

import functools
from typing import ClassVar

from django.db import models

from offerhub.chain import keys
from offerhub.core.clock import ProductNow
from offerhub.core.db import PublicIdField
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace

endpoint_id = functools.partial(new_id, "whk")
secret_id = functools.partial(new_id, "whs")
delivery_id = functools.partial(new_id, "whd")


class WebhookEndpoint(models.Model):
    """An address that events are posted to, and how it has been answering.

    Rows are never deleted: deliveries and events name them. `types` holds names such as
    `order.created` and areas such as `order.*`; empty is every type.
    """

    class Status(models.TextChoices):
        ENABLED = "ENABLED"
        DISABLED = "DISABLED"
        DELETED = "DELETED"

    class Reason(models.TextChoices):
        """Why it is not used."""

        NONE = ""
        REQUESTED = "REQUESTED"
        GONE = "GONE"  # it answered 410
        FAILING = "FAILING"  # for longer than settings.WEBHOOK_DISABLE_DAYS

    id = PublicIdField(primary_key=True, default=endpoint_id, editable=False)
    marketplace = models.ForeignKey(
        Marketplace, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, blank=True)
    types = models.JSONField(default=list)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ENABLED)
    reason = models.CharField(max_length=9, choices=Reason.choices, blank=True)
    # The breaker: failures in a row, since when, and until when nothing is sent.
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0, editable=False)  # counts its events
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="endpoint_newest_first"),
            models.Index(
                fields=["marketplace"],
                condition=models.Q(status="ENABLED"),
                name="endpoint_enabled",
            ),
        ]

    def __str__(self) -> str:
        return self.url


class WebhookSecret(models.Model):
    """What an endpoint's deliveries are signed with, sealed as wallets' secrets are.

    The newest has no end; one before it signs as well until `expires_at`.
    """

    address = keys.WEBHOOK  # what the seal is bound to, beside marketplace and row

    id = PublicIdField(primary_key=True, default=secret_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="secrets")
    sealed_secret = models.BinaryField()
    sealed_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=ProductNow())
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id


class WebhookDelivery(models.Model):
    """One event for one endpoint. The row is the queue: `next_attempt_at` says when it is due.

    Of the deliveries of one endpoint about one subject only the first that has not ended is sent:
    so they arrive in the order of their sequence. `tries` counts from the last time that somebody
    asked for it, `attempts` all.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING"
        DELIVERED = "DELIVERED"
        FAILED = "FAILED"  # after the last try, or when the endpoint said that it is gone
        CANCELLED = "CANCELLED"  # its endpoint was disabled or deleted first

    id = PublicIdField(primary_key=True, default=delivery_id, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    event = models.ForeignKey(
        "events.Event", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    subject = PublicIdField()
    number = models.BigIntegerField()  # of the event
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=ProductNow())
    lease = models.CharField(max_length=16, blank=True)
    lease_until = models.DateTimeField(null=True)
    # Of the last attempt: the answer's status, and what went wrong in a word.
    answered = models.PositiveSmallIntegerField(null=True)
    problem = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(db_default=ProductNow())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="delivery_once")]
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-id"], name="delivery_newest_first"),
            models.Index(
                fields=["endpoint", "next_attempt_at", "number"],
                condition=models.Q(status="PENDING"),
                name="delivery_due",
            ),
            models.Index(
                fields=["endpoint", "subject", "number"],
                condition=models.Q(status="PENDING"),
                name="delivery_in_order",
            ),
            models.Index(
                fields=["finished_at"],
                condition=~models.Q(status="PENDING"),
                name="delivery_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.id


class WebhookAttempt(models.Model):
    """One try: what came back and how long it took. The answer's first kilobyte is for staff."""

    delivery = models.ForeignKey(
        WebhookDelivery, on_delete=models.CASCADE, related_name="tried", db_index=False
    )
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    answered = models.PositiveSmallIntegerField(null=True)
    problem = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    milliseconds = models.PositiveIntegerField()
    answer = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["delivery", "number"], name="attempt_in_order")]

    def __str__(self) -> str:
        return f"{self.delivery_id}#{self.number}"
