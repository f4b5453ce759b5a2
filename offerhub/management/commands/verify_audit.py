"""`manage.py verify_audit`: prove that nobody changed what staff did."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from offerhub.audit import services
from offerhub.audit.services import FirstBadRow


class Command(BaseCommand):
    help = (
        "Read the whole audit of staff actions and check its chain of digests. Exit status 0 when "
        "every row is as it was written, 1 when not; the first bad row is named, and why.\n"
        "With --heads the chain must also hold the digests that were kept elsewhere, which shows "
        "that its end was not cut off. --export prints today's list of them.\n"
        "Example: python manage.py verify_audit --heads heads.txt"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--heads",
            type=Path,
            help="a file with lines `day position digest`, as --export prints them",
        )
        parser.add_argument("--export", action="store_true", help="print the daily heads and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["export"]:
            self.stdout.write(services.heads_text(), ending="")
            return
        try:
            known = services.read_heads(options["heads"].read_text()) if options["heads"] else {}
        except (ValueError, OSError) as error:
            raise CommandError(str(error), returncode=2) from None
        found = services.verify(known)
        if isinstance(found, FirstBadRow):
            raise CommandError(f"Row {found.position}: {found.why}.")
        self.stdout.write(f"{found.rows} rows are as they were written; the head is {found.head}")
