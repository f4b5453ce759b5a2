"""`manage.py monitor`: watch the chain for money that arrives."""

from typing import Any

from django.core.management.base import BaseCommand

from offerhub.supervisor import ready


class Command(BaseCommand):
    help = (
        "Watch the network for deposits to managed wallets and credit them. One is enough; a "
        "second one does no harm. "
        "Example: python manage.py monitor"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        from offerhub.deposits import monitor

        ready.announce()
        monitor.run()
