"""The playing, killing and checking of `bench.soak`, in a process that shares its database.

python -m bench.soaking MINUTES PLAYERS SEED CONTROL
"""

import os
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "offerhub.settings")
django.setup()

import requests  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import DatabaseError, InterfaceError, connection  # noqa: E402
from rich.console import Console  # noqa: E402

from bench import faultproxy  # noqa: E402
from bench.nemesis import Nemesis  # noqa: E402
from bench.webhooks import consuming  # noqa: E402
from disputes.models import Dispute  # noqa: E402
from offerhub import runfile  # noqa: E402
from offerhub.demo.client import Api, Sandbox  # noqa: E402
from offerhub.drill import report  # noqa: E402
from offerhub.drill.market import key_to, ready_marketplace  # noqa: E402
from offerhub.drill.money import Count  # noqa: E402
from offerhub.drill.play import Play, wait_for_the_end  # noqa: E402
from offerhub.drill.player import LAST_DEALS  # noqa: E402
from offerhub.drill.trouble import Trouble  # noqa: E402
from offerhub.events.models import Event  # noqa: E402
from offerhub.marketplaces.models import Marketplace  # noqa: E402
from offerhub.reconciliation.verification import Wanted, verify  # noqa: E402
from orders.models import EscrowOperation, Order  # noqa: E402
from orders.states import OPEN_ORDER  # noqa: E402
from payouts.models import Withdrawal  # noqa: E402

R = TypeVar("R")
CHECK, ASK, TELL = 8.0, 1.0, 15.0  # seconds between two checks, questions, lines
END = 600.0  # seconds for everything to end, after the last deals
TROUBLE, REST = 1.5, 0.4  # seconds between two scripts, and after a deal


def patiently(ask: Callable[[], R]) -> R | None:
    """What the database answers; None while it is away."""
    try:
        return ask()
    except (DatabaseError, InterfaceError):
        connection.close()
        return None


class Checker:
    """Reads the books while they are written, and asks the web server how it is."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/readyz"
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._every, args=(CHECK, self._check), daemon=True),
            threading.Thread(target=self._every, args=(ASK, self._ask), daemon=True),
        ]
        self.checks: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.broken: list[str] = []

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _every(self, seconds: float, do: Callable[[], None]) -> None:
        while not self._over.wait(seconds):
            do()

    def _check(self) -> None:
        while (found := patiently(lambda: verify(Wanted(books_only=True)))) is None:
            self.checks["put off: the database was away"] += 1
            if self._over.wait(1.0):
                return
        self.checks["made"] += 1
        for fact in found.broken:
            self.broken.append(f"{fact.name}: {fact.rows[0]}")

    def _ask(self) -> None:
        try:
            answer = requests.get(self._url, timeout=3)
            word = answer.json()["status"] if answer.ok else str(answer.status_code)
        except (requests.RequestException, ValueError):
            word = "no answer"
        self.answers[word] += 1


class Soak:
    """One soak, from the marketplace to the verdict."""

    def __init__(
        self, minutes: float, players: int, seed: str, control: int, consumer: str
    ) -> None:
        found = runfile.read()
        assert found is not None, "the installation does not run"
        self.facts, self.minutes, self.players = found, minutes, players
        self.seed, self.control, self.consumer = seed, control, consumer
        self.faults: dict[str, dict[str, int]] = {}
        self.console, self.sandbox = Console(highlight=False), Sandbox(found["sandboxUrl"])
        self.checker = Checker(found["baseUrl"])
        broker, folder = settings.CELERY_BROKER_URL, Path(os.environ["OFFERHUB_VAR"])
        self.nemesis = Nemesis(folder, os.environ["DATABASE_URL"], broker, seed)
        self.trouble = Trouble(self.sandbox.url, "soak", seed, TROUBLE, only_known=False)

    def run(self) -> bool:
        """Whether everything ended, holds and is there."""
        market = ready_marketplace()
        with key_to(market) as key:
            self._listen(key)
            since = Event.objects.filter(marketplace=market).count()
            count = Count(market.id, self.sandbox)
            play = Play(self.facts["baseUrl"], self.facts["sandboxUrl"], key, self.trouble.know)
            self._rage(play)
            took, left = wait_for_the_end(market.id, END, lambda left: None, ask=patiently)
            self.console.print(
                f"{took:.0f} s after the last kill {left or 'nothing'} was on its way"
            )
            self.faults = faultproxy.tell(self.control, "counts")
            checked = verify(Wanted())
            money = count.finish(play.players)
            lost = self._unheard(market, since)
        withdrawals = Counter(state for player in play.players for state in player.withdrawals)
        report.deals(self.console, play.played, withdrawals)
        report.troubles(self.console, self._troubles(play))
        report.money(self.console, money)
        report.facts(self.console, checked)
        wrong = [*self.checker.broken, *lost, *self._miscounted(play, market)]
        wrong += [f"{number} {name} on their way" for name, number in left.items()]
        wrong += [*play.played.wrong, *play.played.unfinished, *_open_orders(market)]
        for line in wrong:
            self.console.print(f"[red]✗[/red] {line}", markup=True)
        good = not wrong and not checked.broken and money.adds_up
        self.console.print(self._summary() + ("all is well" if good else "NOT as it should be"))
        return good

    def _listen(self, key: str) -> None:
        """Have every event of the marketplace sent to the consumer."""
        api = Api(self.facts["baseUrl"], key, lambda why: None)
        api.post("/webhook-endpoints", {"url": f"{self.consumer}/hooks"}, key="soak-endpoint")

    def _rage(self, play: Play) -> None:
        """Load, trouble and kills for the whole time; then the last deals come to their end."""
        play.begin(self.players, pause=REST)
        while len(play.players) < self.players and not play.is_over:
            time.sleep(0.5)  # everybody has a wallet before the first kill
        for one in (self.trouble, self.nemesis, self.checker):
            one.begin()
        faultproxy.tell(self.control, "rage")
        ends = time.monotonic() + self.minutes * 60
        while (now := time.monotonic()) < ends:
            time.sleep(min(TELL, ends - now))
            self.console.print(self._summary() + f"{play.played.deals:,} deals")
        self.nemesis.stop()
        faultproxy.tell(self.control, "calm")
        play.stop()
        self._heal()
        until = time.monotonic() + LAST_DEALS
        while not play.is_over and time.monotonic() < until:
            time.sleep(0.5)
        self.checker.stop()

    def _heal(self) -> None:
        """The sandbox may just be starting again."""
        for _ in range(60):
            try:
                self.trouble.heal()
            except requests.RequestException:
                time.sleep(1)
            else:
                return

    def _summary(self) -> str:
        kills, checks = self.nemesis.kills.total(), self.checker.checks["made"]
        return f"{kills:,} kills, {checks:,} checks of the books, "

    def _troubles(self, play: Play) -> dict[str, int]:
        kills = {f"killed: {name}": count for name, count in self.nemesis.kills.items()}
        checks = {f"check of the books {name}": n for name, n in self.checker.checks.items()}
        answers = {f"/readyz: {name}": n for name, n in self.checker.answers.items()}
        own = {
            "client hung up": play.played.hung_up,
            "seconds that the slowest step took": round(play.played.longest),
        }
        proxy = {
            f"{link}: {name}": count
            for link, counts in self.faults.items()
            for name, count in counts.items()
        }
        return {
            **self.trouble.scripted,
            **proxy,
            **kills,
            **self.nemesis.others,
            **own,
            **checks,
            **answers,
        }

    def _unheard(self, market: Marketplace, since: int) -> list[str]:
        """Events that did not arrive, or not in the order of their object."""
        done = requests.get(f"{self.consumer}/all", timeout=60).json()["done"]
        wanted = set(Event.objects.filter(marketplace=market).values_list("id", flat=True))
        orders: dict[str, list[int]] = defaultdict(list)
        for subject, sequence in done.values():
            orders[subject].append(sequence)
        missing = len(wanted) - since - len(wanted & set(done))
        turned = [subject for subject, found in orders.items() if found != sorted(found)]
        self.console.print(
            f"{len(done):,} events arrived as webhooks, in order, none is missing"
            if missing <= 0 and not turned
            else "webhooks differ"
        )
        found = [f"{missing} events never arrived"] if missing > 0 else []
        return found + [f"the events of {subject} arrived out of order" for subject in turned]

    def _miscounted(self, play: Play, market: Marketplace) -> list[str]:
        """What was asked for again after a lost answer and made twice, or not at all."""
        played = play.played
        orders = Order.objects.filter(marketplace=market).count()
        asked = played.deals + len(played.unfinished)
        withdrawn = Withdrawal.objects.filter(marketplace=market).count()
        ended = [state for player in play.players for state in player.withdrawals]
        wanted = sum(not state.startswith("refused") for state in ended)
        found: list[Any] = []
        if orders > asked or (not played.unfinished and orders != asked):
            found.append(f"{asked} orders were asked for, and {orders} made")
        if not played.unfinished and withdrawn != wanted:
            found.append(f"{wanted} withdrawals were asked for, and {withdrawn} made")
        return found


def _open_orders(market: Marketplace) -> list[str]:
    """Orders that did not come to their end, with what was asked of the chain for them."""
    found = []
    for order in Order.objects.filter(marketplace=market, status__in=OPEN_ORDER):
        calls = EscrowOperation.objects.filter(order=order).order_by("id")
        told = [f"{c.kind} {c.status} {(c.problem or {}).get('code', '')}".strip() for c in calls]
        cases = [
            f"dispute {d.status} {d.problem or ''}" for d in Dispute.objects.filter(order=order)
        ]
        found.append(f"{order.id} {order.status}: {', '.join([*told, *cases])}")
    return found


def main() -> None:
    """Play it; the exit status says how it ended."""
    minutes, players, seed, control = sys.argv[1:]
    with consuming(0) as consumer:
        good = Soak(float(minutes), int(players), seed, int(control), consumer).run()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
