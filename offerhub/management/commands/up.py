"""`manage.py up`: everything, in one terminal. The command behind `make run`."""

import ctypes
import os
import signal
import sys
from typing import Any

import psutil
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from offerhub.management.bringup import BringUp
from offerhub.supervisor.console import Screen
from offerhub.supervisor.launch import PR_SET_PDEATHSIG


class Command(BaseCommand):
    help = (
        "Start everything: the database (unless DATABASE_URL names one), migrations, the sandbox "
        "network, the web server, the worker and the chain monitor; then play the demo and serve "
        "until Ctrl-C. "
        "Example: python manage.py up --port 8123 --no-demo"
    )
    requires_system_checks = []  # the children check themselves

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help="default: PORT or 8000")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--no-demo", action="store_true", help="do not play the demo")

    def handle(self, *args: Any, **options: Any) -> None:
        _end_with_make()
        demo = None
        if settings.SANDBOX and not options["no_demo"]:
            from offerhub.demo.play import resume

            demo = resume
        sys.exit(BringUp(Screen(), options["host"], options["port"], demo).run())


def _end_with_make() -> None:
    """When make started us and is killed, nobody is left to press Ctrl-C: end as well."""
    if sys.platform == "linux" and "make" in psutil.Process(os.getppid()).name():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
