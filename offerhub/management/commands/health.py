"""`manage.py health`: whether the installation does its work."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from offerhub.operations import health

WARNING, NOT_READY = 1, 2  # exit statuses


class Command(BaseCommand):
    help = (
        "Say whether the database, the chain's monitor, the workers and the deliverer do their "
        "work: the facts of /readyz, each with its limit. Asks the database alone.\n"
        "Exit status 0: all within limits. 1: a person should look. 2: no work can be done.\n"
        "Example: python manage.py health --json"
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        problem, facts = health.Readiness().problem(), list[health.Fact]()
        if not problem:
            try:
                facts = health.read().facts
            except DatabaseError as error:
                problem = f"the facts could not be read: {str(error).strip()}"
        warns = any(fact.state is not health.State.OK for fact in facts)
        if options["json"]:
            status = problem or ("warning" if warns else "ok")
            told = [health.told(fact) for fact in facts]
            self.stdout.write(json.dumps({"status": status, "facts": told}, indent=1))
        else:
            self._write(problem, facts)
        if problem or warns:
            sys.exit(NOT_READY if problem else WARNING)

    def _write(self, problem: str, facts: list[health.Fact]) -> None:
        if problem:
            self.stdout.write(f"NOT READY  {problem}")
        for fact in facts:
            value = "-" if fact.value is None else f"{fact.value:,.1f}"
            words = f"of {fact.limit:g} {fact.unit}" + (f" ({fact.detail})" if fact.detail else "")
            self.stdout.write(f"{fact.state.upper():11}{fact.title:32}{value:>12}  {words}")
