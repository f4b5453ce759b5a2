"""The audit's own app: brings its system check."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """What staff did: append-only and chained by digests."""

    name = "offerhub.audit"

    def ready(self) -> None:
        from offerhub.audit import checks  # noqa: F401  (registers it)
