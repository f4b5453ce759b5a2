"""The app of approvals: brings its system check."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Four eyes: nobody approves what they proposed."""

    name = "offerhub.approvals"

    def ready(self) -> None:
        from offerhub.approvals import checks  # noqa: F401  (registers it)
