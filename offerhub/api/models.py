"""What the API itself remembers: which requests it has already answered."""

from django.db import models
from django.db.models.functions import Now

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
