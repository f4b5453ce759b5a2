"""The payouts' own app: brings its system check."""

from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    """Money on its way outside."""

    name = "payouts"

    def ready(self) -> None:
        from payouts import checks  # noqa: F401  (registers it)
