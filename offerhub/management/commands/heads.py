"""`manage.py heads`: the journal's daily heads, for somebody else to keep."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from offerhub.reconciliation import seals


class Command(BaseCommand):
    help = (
        "Print the last seal of each marketplace and day as lines `day marketplace entry digest`. "
        "Whoever keeps them where nobody here can write can show later, with `verify --heads`, "
        "that nothing up to them was changed, left out or written anew.\n"
        "Example: python manage.py heads > heads-$(date +%F).txt"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--marketplace", default="", help="only this one (mkt_…)")

    def handle(self, *args: Any, **options: Any) -> None:
        for head in seals.heads(options["marketplace"]):
            self.stdout.write(str(head))
