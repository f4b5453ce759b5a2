"""The app of reports: brings its types."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Finance: reads everything below it and changes none of it."""

    name = "offerhub.reports"

    def ready(self) -> None:
        from offerhub.reports import types  # noqa: F401  (registers them)
