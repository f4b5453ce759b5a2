"""`manage.py maintenance`: let the API refuse writes for a while."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from offerhub.api import maintenance
from offerhub.api.models import Maintenance

LONGEST_PAUSE = 86_400  # seconds


class Command(BaseCommand):
    help = (
        "While maintenance is on, reads are answered and writes get 503 with Retry-After, in every "
        "process within a second. What was accepted before goes on to its end.\n"
        'Example: python manage.py maintenance on --reason "Moving the database" --retry-after 600'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=("on", "off", "status"))
        parser.add_argument("--reason", default="Maintenance", help="shown in every answer")
        parser.add_argument("--retry-after", type=int, default=120, help="seconds (default 120)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "on":
            if not 1 <= options["retry_after"] <= LONGEST_PAUSE:
                raise CommandError(f"--retry-after must be from 1 to {LONGEST_PAUSE} seconds")
            if not 1 <= len(options["reason"].strip()) <= 200:
                raise CommandError("--reason must have 1 to 200 characters")
            maintenance.begin(reason=options["reason"].strip(), retry_after=options["retry_after"])
        elif options["what"] == "off":
            maintenance.end()
        row = Maintenance.objects.first()
        if row is None:
            self.stdout.write("Maintenance is off: writes are taken.")
        else:
            self.stdout.write(
                f"Maintenance is on since {row.since:%Y-%m-%d %H:%M:%S} UTC: {row.reason}. "
                f"Writes are answered 503, Retry-After {row.retry_after} s."
            )
