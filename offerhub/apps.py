"""Composition: the project's own app (commands, checks) and the admin site it installs."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class OfferhubConfig(AppConfig):
    """Carries the management commands and the system checks."""

    name = "offerhub"

    def ready(self) -> None:
        from offerhub import logs
        from offerhub.core import checks  # noqa: F401  (registers them)

        logs.configure()


class OfferhubAdminConfig(AdminConfig):
    default_site = "offerhub.admin_site.OfferhubAdminSite"
