"""Composition: the project's own app (commands, checks) and the admin site it installs."""

import gc

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.utils.module_loading import autodiscover_modules

# What is loaded stays: to look through two thousand modules for garbage, again and again while they
# come, takes a fifth of a start.
gc.disable()


class OfferhubConfig(AppConfig):
    """Carries the management commands and the system checks."""

    name = "offerhub"

    def ready(self) -> None:
        from offerhub import logs
        from offerhub.core import checks  # noqa: F401  (registers them)

        logs.configure()
        # Jobs and sweeps register themselves. Web processes know them too: a request that waits
        # for the chain runs its job itself.
        autodiscover_modules("tasks")
        if settings.CELERY_BROKER_URL:
            from offerhub import celery  # noqa: F401  (the application that the doorbell presses)
        gc.freeze()
        gc.enable()


class OfferhubAdminConfig(AdminConfig):
    default_site = "offerhub.admin_site.OfferhubAdminSite"
