"""`manage.py sandbox`: the sandbox network alone."""

import sys
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Run the sandbox network alone: Horizon, RPC, friendbot and the Trustless Work API on one "
        "port. Options are the sandbox's own. "
        "Example: python manage.py sandbox --port 8010"
    )
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand everything after the command's name on: the sandbox reads its options itself."""
        from offerhub.sandbox.server import main

        sys.exit(main(argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        from offerhub.sandbox.server import main

        main([])
