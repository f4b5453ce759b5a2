"""`manage.py monitor`: follow the chain and credit what arrives."""

import signal
import threading
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections

from offerhub.chain import network
from offerhub.chain.types import ChainUnavailable
from offerhub.deposits import monitor
from offerhub.supervisor import ready

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0  # seconds, while something is away
HALTED_PAUSE = 30.0


class Command(BaseCommand):
    help = (
        "Follow the chain: book what arrives in our wallets and contracts. One is enough; a second "
        "one does no harm. It waits with growing pauses while the database or the network is away, "
        "and SIGTERM ends it after the page that it is booking.\n"
        "Example: python manage.py monitor --once"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="read up to now and end")
        parser.add_argument(
            "--resync",
            action="store_true",
            help="after a test network was reset and the monitor halted: follow its new history",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["resync"]:
            monitor.resync()
        if options["once"]:
            self._once()
        elif not options["resync"]:
            Follower().run()

    def _once(self) -> None:
        try:
            network.verify_passphrase()
            booked = monitor.poll()
        except (ChainUnavailable, network.WrongNetwork, monitor.Halted) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{booked.credited} credited, {booked.suspended} in suspense, "
            f"{booked.known} known before, {booked.quarantined} not readable, "
            f"of {booked.looked_at} movements"
        )


class Follower:
    """The loop: poll, pause, and go on whatever happens to the network and the database."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._pause = FIRST_PAUSE
        self._announced = self._verified = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())

    def run(self) -> None:
        """Until a signal says stop."""
        while not self._stop.is_set():
            close_old_connections()
            self._stop.wait(self._poll())

    def _poll(self) -> float:
        """One look at the chain; how long to wait until the next."""
        try:
            if not self._verified:
                network.verify_passphrase()
                self._verified = True
            monitor.poll(self._stop.is_set)
        except (monitor.Halted, network.WrongNetwork) as error:
            log.critical("monitor_halted", problem=str(error))
            return HALTED_PAUSE
        except ChainUnavailable as error:
            self._announce()
            return max(error.retry_after, self._away("chain_away", error))
        except (OperationalError, InterfaceError) as error:
            return self._away("database_away", error)
        except Exception as error:
            log.exception("poll_failed")
            return self._away("poll_failed", error)
        self._announce()
        self._pause = FIRST_PAUSE
        return float(settings.MONITOR_SECONDS)

    def _away(self, what: str, error: Exception) -> float:
        """The next pause: doubled each time, said aloud the first time and then each long one."""
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        if pause in (FIRST_PAUSE, LONGEST_PAUSE):
            log.warning(what, error=str(error).strip(), next_try_in=pause)
        return pause

    def _announce(self) -> None:
        """Ready as soon as the database answered: a network that is away is waited for."""
        if not self._announced:
            self._announced = True
            ready.announce()
