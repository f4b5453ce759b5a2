"""What staff did, from where and why: one chain of rows that can only grow."""

from typing import ClassVar

from django.db import models

START = "0" * 64  # what the first row names as the digest before it


class StaffAction(models.Model):
    """One thing that a person did at the desk, written in the transaction of the change.

    `position` counts from 1 without gaps. `digest` is the SHA-256 of the row's canonical JSON,
    which holds `previous`, the digest of the row before (see `chain`). Everything is text, so that
    a row says the same for ever, whatever becomes of what it names. The database refuses to
    change or delete rows, and to add one that does not continue the chain (`sql/guards.sql`).
    """

    position = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)  # `staff:stf_…`; empty for a sign-in that failed
    username = models.CharField(max_length=150, blank=True)
    address = models.CharField(max_length=64, blank=True)  # the IP address
    request_id = models.CharField(max_length=64, blank=True)
    session = models.CharField(max_length=16, blank=True)  # tells sessions apart, opens none
    action = models.CharField(max_length=60)  # `dispute.assigned`
    subject = models.CharField(max_length=64, blank=True)
    marketplace = models.CharField(max_length=32, blank=True)
    reason = models.TextField(blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["subject", "-position"], name="audit_by_subject"),
            models.Index(fields=["actor", "-position"], name="audit_by_actor"),
            models.Index(fields=["action", "-position"], name="audit_by_action"),
            models.Index(fields=["username", "-position"], name="audit_by_username"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"#{self.position} {self.action}"
