"""The ledger's own app: brings its system checks."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Double entry, kept by the database."""

    name = "ledger"

    def ready(self) -> None:
        from ledger import checks  # noqa: F401  (registers them)
