"""What the API itself remembers: what it has answered already, its calls, and whether it rests."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from offerhub.core.db import PublicIdField
from offerhub.marketplaces.models import Marketplace


class IdempotencyKey(models.Model):
    """One effect and one answer per marketplace, method, path and key, kept for 30 days.

    Written in the transaction of the change itself, so a key without its effect (or the reverse)
    can not exist. `status` is that of success; `body` is filled when the answer is final, and until
    then a repeat follows `subject` to its present state.
    """

    marketplace = models.ForeignKey(Marketplace, on_delete=models.CASCADE, related_name="+")
    method = models.CharField(max_length=7)
    path = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    subject = models.CharField(max_length=32, blank=True)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(null=True)  # noqa: DJ001  (null: the outcome is not known yet)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "method", "path", "key"], name="idempotency_key_once"
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"


class ApiCall(models.Model):
    """One call with a good key, see `offerhub.api.call_log`. Without bodies and queries."""

    class Idempotency(models.TextChoices):
        KEYED = "KEYED"
        REPLAYED = "REPLAYED"

    marketplace = models.ForeignKey(Marketplace, on_delete=models.CASCADE, related_name="+")
    key_id = PublicIdField()
    method = models.CharField(max_length=7)
    path = models.CharField(max_length=200)
    route = models.CharField(max_length=200, blank=True)
    status = models.PositiveSmallIntegerField()
    milliseconds = models.PositiveIntegerField()
    idempotency = models.CharField(max_length=8, choices=Idempotency.choices, blank=True)
    problem = models.CharField(max_length=60, blank=True)  # the code of the problem document
    request_id = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "API call"
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="api_call_newest_first"),
            models.Index(fields=["created_at"], name="api_call_by_age"),
            models.Index(fields=["request_id"], name="api_call_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class Maintenance(models.Model):
    """While its one row is there, writes are answered 503. Set by `manage.py maintenance`."""

    one = models.BooleanField(primary_key=True, default=True)
    reason = models.CharField(max_length=200)
    retry_after = models.PositiveIntegerField()  # seconds
    since = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(one=True), name="maintenance_is_one_row")
        ]

    def __str__(self) -> str:
        return self.reason
