"""`manage.py demo`: play the scenarios again on the running instance."""

import logging
import sys
from typing import Any

from django.core.management.base import BaseCommand

from offerhub.demo.client import NoProgress, Refused
from offerhub.demo.play import NotRunning, play_again
from offerhub.demo.scenario import DoesNotAddUp
from offerhub.supervisor.console import Screen


class Command(BaseCommand):
    help = (
        "Play the use cases over public HTTP on the instance that `make run` started, with users "
        "of their own; a run that was broken off goes on where it stopped. "
        "Example: make demo"
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger().setLevel(logging.ERROR)
        screen = Screen()
        try:
            play_again(screen)
        except (NotRunning, NoProgress, Refused, DoesNotAddUp) as problem:
            screen.problem(str(problem))
            sys.exit(1)
        except KeyboardInterrupt:
            screen.line("\nBroken off. `make demo` goes on where it stopped.")
            sys.exit(130)
