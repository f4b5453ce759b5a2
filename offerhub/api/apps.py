"""The API's start-up."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the checks, and hands the recorder of events to the app that lies below them."""

    name = "offerhub.api"

    def ready(self) -> None:
        from offerhub.api import checks  # noqa: F401  (registers them)
        from offerhub.events import services as events
        from offerhub.marketplaces import journal

        journal.use(events.record)
