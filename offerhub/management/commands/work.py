"""`manage.py work`: run the jobs that the database rings for, and the sweeps."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from offerhub.supervisor import ready
from offerhub.worker import Worker


class Command(BaseCommand):
    help = (
        "Work beside the web server when no broker is configured: chain operations, deposits, "
        "due dates. Any number of these may run. SIGTERM ends it after the running jobs.\n"
        "Example: python manage.py work --threads 16"
    )

    requires_system_checks = []  # `up` and the web server have made them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--threads", type=int, default=settings.WORK_THREADS, help="jobs at a time"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker(options["threads"], listening=ready.announce)
        worker.stop_on_signals()
        worker.run()
