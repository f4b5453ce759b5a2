"""The app of subscriptions."""

from typing import Any

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Orders that come again by the calendar."""

    name = "offerhub.subscriptions"
    label = "subscriptions"

    def ready(self) -> None:
        from offerhub.subscriptions import checks  # noqa: F401  (registers it)
        from orders.querysets import CLOCKS

        CLOCKS.append(_waiting_for_their_end)


def _waiting_for_their_end() -> Any:
    """Orders of cycles: their end will come, however long they stand still until then."""
    from django.db.models import OuterRef

    from offerhub.subscriptions.models import Cycle

    return Cycle.objects.filter(order=OuterRef("pk"), status="OPEN")
