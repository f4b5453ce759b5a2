"""Write the page that documents the report types."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from offerhub import reports
from offerhub.reports.documenting import page

PAGE = Path(reports.__file__).with_name("TYPES.md")


class Command(BaseCommand):
    help = "Write offerhub/reports/TYPES.md from the report types."

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(page())
        self.stdout.write(f"{PAGE.name} written")
