"""`manage.py verify_proof FILE`: check a proof of funds, as anybody can with the one file alone."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from offerhub.reconciliation import verify_proof


class Command(BaseCommand):
    help = (
        "Check a proof of funds: its signature, its sums, and the leaf or all leaves in it. The "
        "file offerhub/reconciliation/verify_proof.py does the same without anything else of ours; "
        "hand it to whoever wants to check.\n"
        "Example: python manage.py verify_proof proof.json --key BASE64"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--key", default="", help="the public key that you expect")

    def handle(self, *args: Any, **options: Any) -> None:
        status = verify_proof.main([options["file"], "--key", options["key"]])
        if status:
            sys.exit(status)
