"""`manage.py drill`: rehearse a bad day on a running installation of the sandbox."""

import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from offerhub import runfile
from offerhub.demo.client import NoProgress, Refused, Sandbox
from offerhub.drill import report
from offerhub.drill.market import key_to, ready_marketplace
from offerhub.drill.money import Count, Money
from offerhub.drill.play import Play, wait_for_the_end
from offerhub.drill.trouble import Trouble
from offerhub.marketplaces.models import Marketplace
from offerhub.reconciliation.verification import Report, Wanted, verify
from offerhub.supervisor import leftovers
from offerhub.supervisor.console import Screen

BROKEN, REFUSED, INTERRUPTED = 1, 2, 130  # exit statuses
KILL_SECONDS, PAUSE = 8.0, 0.8  # between two kills of the worker; between two scripts


class Command(BaseCommand):
    help = (
        "Play deals in a marketplace of its own, “Drill”, on the running sandbox installation "
        "while answers are lost, refused and delayed, strangers send dust and the worker is "
        "killed. Then let everything come to its end, check what `verify` checks, and say where "
        "each stroop is. "
        "Other marketplaces notice nothing but the worker. The scripts of the sandbox are taken "
        "back, also when it is interrupted.\n"
        "Exit status 0: all ended, all holds, nothing is missing. 1: not so. 2: it can not be "
        "played here.\n"
        "Example: python manage.py drill --deals 40 --no-kill"
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--deals", type=int, default=20, help="default: %(default)s")
        parser.add_argument("--players", type=int, default=4, help="default: %(default)s")
        parser.add_argument("--seed", default="", help="which trouble comes; default: by chance")
        parser.add_argument("--no-kill", action="store_true", help="leave the worker alone")
        parser.add_argument(
            "--patience",
            type=float,
            default=600.0,
            help="seconds that everything has to come to its end (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError(
                "A drill is for the sandbox alone: here is real money.", returncode=REFUSED
            )
        if not 0 < options["deals"] <= 10_000 or not 0 < options["players"] <= 50:
            raise CommandError("From 1 to 10,000 deals, of 1 to 50 players", returncode=REFUSED)
        facts = runfile.read()
        if facts is None or not leftovers.is_running(runfile.path().parent):
            raise CommandError(
                "Nothing is running here. Start it with `make run` in another terminal.",
                returncode=REFUSED,
            )
        signal.signal(signal.SIGTERM, _interrupt)
        screen = Screen()
        try:
            sys.exit(0 if Drill(screen, facts, options).run() else BROKEN)
        except KeyboardInterrupt:
            screen.line("\nBroken off. The sandbox's scripts of the drill are taken back.")
            sys.exit(INTERRUPTED)
        except (NoProgress, Refused, requests.RequestException) as problem:
            raise CommandError(str(problem)) from None


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Drill:
    """One drill, from the marketplace to the verdict."""

    def __init__(self, screen: Screen, facts: runfile.RunFile, options: dict[str, Any]) -> None:
        self.screen, self.facts, self.options = screen, facts, options
        self.seed = options["seed"] or secrets.token_hex(4)
        self.sandbox = Sandbox(facts["sandboxUrl"])
        self.kills = 0

    def run(self) -> bool:
        """Whether everything ended, holds and is there."""
        with ExitStack() as stack:
            with self.screen.step("Marketplace") as notes:
                market = ready_marketplace()
                key = stack.enter_context(key_to(market))
                count = Count(market.id, self.sandbox)
                notes.append(f"{market.name}, seed {self.seed}")
            trouble = stack.enter_context(self._trouble(market))
            play = Play(self.facts["baseUrl"], self.facts["sandboxUrl"], key, trouble.know)
            with self.screen.step("Deals, and trouble") as notes:
                self._play(play, trouble)
                scripts = trouble.scripted.total()
                notes.append(f"{play.played.deals} deals, {scripts} scripts, {self.kills} kills")
            trouble.heal()
            with self.screen.step("Everything ends") as notes:
                took, left = wait_for_the_end(market.id, self.options["patience"], self._tell)
                words = ", ".join(f"{count} {name}" for name, count in left.items())
                notes.append(words or f"after {took:.0f} s nothing is on its way")
            with self.screen.step("Books and chain") as notes:
                checked = verify(Wanted(marketplace_id=market.id))
                found = count.finish(play.players)
                notes.append(f"{len(checked.broken)} facts do not hold")
        return self._conclude(play, trouble, left, checked, found)

    @contextmanager
    def _trouble(self, market: Marketplace) -> Iterator[Trouble]:
        """What is scripted is taken back, whatever ends the block."""
        owner = f"drill:{secrets.token_hex(4)}"
        trouble = Trouble(self.sandbox.url, owner, self.seed, PAUSE, only_known=True)
        try:
            yield trouble
        finally:
            with suppress(requests.RequestException):  # then they end by themselves in seconds
                trouble.heal()

    def _play(self, play: Play, trouble: Trouble) -> None:
        play.begin(self.options["players"], deals=self.options["deals"])
        trouble.begin()
        kill_at, told_at = time.monotonic() + KILL_SECONDS / 2, 0.0
        while not play.is_over:
            time.sleep(0.2)
            if not self.options["no_kill"] and time.monotonic() > kill_at:
                kill_at = time.monotonic() + KILL_SECONDS
                self.kills += _kill_worker()
            if time.monotonic() > told_at:
                told_at = time.monotonic() + 5
                self.screen.say(
                    f"{play.played.deals} of {self.options['deals']} deals, "
                    f"{trouble.scripted.total()} scripts, {self.kills} kills"
                )

    def _tell(self, left: dict[str, int]) -> None:
        """Once in a while, what is still on its way."""
        if left and int(time.monotonic()) % 10 == 0:
            self.screen.say(", ".join(f"{count} {name}" for name, count in left.items()))

    def _conclude(
        self,
        play: Play,
        trouble: Trouble,
        left: dict[str, int],
        checked: Report,
        found: Money,
    ) -> bool:
        console, played = self.screen.console, play.played
        withdrawals = Counter(state for player in play.players for state in player.withdrawals)
        report.deals(console, played, withdrawals)
        own = {"worker killed": self.kills, "client hung up": played.hung_up}
        report.troubles(console, {**trouble.scripted, **own})
        report.money(console, found)
        report.facts(console, checked)
        ended = not left and not played.wrong and not played.unfinished
        good = ended and not checked.broken and found.adds_up
        if good:
            self.screen.line("Everything ended by itself, and every stroop is where it belongs.")
        else:
            self.screen.problem("Not as it should be: see above.")
        return good


def _kill_worker() -> int:
    """Kill the worker if the installation's supervisor will start it again; how many."""
    worker = leftovers.living_children(runfile.path().parent).get("worker")
    if worker is None:
        return 0
    with suppress(Exception):  # it may just be ending, or be somebody else's
        worker.kill()
        return 1
    return 0
