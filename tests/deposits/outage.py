"""A day without the monitor, and 10,000 transfers meanwhile: how long catching up takes.

`python -m tests.deposits.outage 10000` measures it on a database and a network of its own; the
tests play it small.
"""

import os
import sys
import time
from dataclasses import dataclass

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()

from django.db import transaction

from ledger import movements
from offerhub.chain.types import ChainFact
from offerhub.core import clock, jobs
from offerhub.deposits import monitor
from tests.deposits.scene import Scene
from tests.world import World

IN_ONE = 100  # payments a transaction can hold


@dataclass
class Figures:
    """What was measured, in seconds and counts."""

    transfers: int
    users: int
    seconds: float
    nothing: float
    posting: float
    credited: int

    def __str__(self) -> str:
        rate, alone = self.credited / self.seconds, self.transfers / self.nothing
        posted = self.transfers / self.posting
        return (
            f"{self.transfers} transfers to {self.users} users caught up in {self.seconds:.1f} s:"
            f" {rate:.0f} a second, {rate / posted:.0%} of what the ledger alone posts"
            f" ({posted:.0f} a second), {rate / alone:.0%} of reading as many transfers between"
            f" strangers ({alone:.0f} a second)"
        )


class Outage:
    """Transfers to some users while nobody watches."""

    def __init__(self, scene: Scene, users: int) -> None:
        self.scene = scene
        with jobs.held():
            others = [scene.world.user(f"user-{n}") for n in range(users - 1)]
        self.users = [scene.ann, *others]
        self.addresses = [scene.world.wallet(user).address for user in self.users]
        scene.watch()

    def pass_by(self, transfers: int) -> None:
        """Spread over a day, round robin over the users."""
        sender = self.scene.player.person(str(transfers))
        for first in range(0, transfers, IN_ONE):
            numbers = range(first, min(first + IN_ONE, transfers))
            paid = [(self.addresses[n % len(self.addresses)], "1") for n in numbers]
            self.scene.pay(sender, *paid)
            if first == transfers // IN_ONE // 2 * IN_ONE:
                self.scene.network.advance("P1D")

    def catch_up(self) -> float:
        """Read everything; seconds."""
        started = time.perf_counter()
        self.scene.watch()
        return time.perf_counter() - started

    def measure(self, transfers: int) -> Figures:
        """The whole day, and the same number of transfers between strangers for comparison."""
        self.pass_by(transfers)
        seconds = self.catch_up()
        credited = len(self.scene.deposits())
        ours, self.addresses = self.addresses, [self.scene.world.stranger()]
        self.pass_by(transfers)
        nothing = self.catch_up()
        self.addresses = ours
        posting = self._post_alone(transfers)
        return Figures(transfers, len(self.users), seconds, nothing, posting, credited)

    def _post_alone(self, entries: int) -> float:
        """The same entries without any chain, in transactions of the same size; seconds."""
        started = time.perf_counter()
        for first in range(0, entries, monitor.PAGE):
            with transaction.atomic():
                for n in range(first, min(first + monitor.PAGE, entries)):
                    self._post(n)
        return time.perf_counter() - started

    def _post(self, n: int) -> None:
        fact = ChainFact("f" * 64, 1, clock.now(), 0, "", True)
        movements.deposit(
            marketplace_id=self.scene.world.marketplace.id,
            user_id=self.users[n % len(self.users)].id,
            address=self.addresses[n % len(self.addresses)],
            amount=1,
            asset="USDC",
            source=f"bench:{n}",
            fact=fact,
            actor=self.scene.world.actor,
        )


def main(transfers: int) -> None:
    """Measure on a fresh database."""
    import tempfile
    from pathlib import Path

    from django.conf import settings
    from django.test.utils import setup_databases, teardown_databases

    from tests.network import running_network

    settings.DATABASES["default"]["TEST"]["NAME"] = "outage"
    made = setup_databases(verbosity=0, interactive=False)
    try:
        with tempfile.TemporaryDirectory() as folder, running_network(Path(folder)) as network:
            settings.SANDBOX_URL = network.url
            outage = Outage(Scene(World(network)), users=200)
            print(outage.measure(transfers))  # noqa: T201
    finally:
        teardown_databases(made, verbosity=0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
