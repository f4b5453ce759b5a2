"""`manage.py deliver`: send webhooks."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from offerhub.events.deliverer import Deliverer
from offerhub.supervisor import ready


class Command(BaseCommand):
    help = (
        "Send events to the webhook endpoints of marketplaces. Any number of these may run; a "
        "place that can reach the internet but nothing of yours is a good one. SIGTERM ends it "
        "after the deliveries on their way.\n"
        "Example: python manage.py deliver"
    )
    requires_system_checks = []  # `up` and the web server have made them

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_deliver())


async def _deliver() -> None:
    await Deliverer(ready=ready.announce).run()
