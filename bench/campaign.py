"""Settling a campaign on a running instance: pledges per second, what each costs, exactly once.

A campaign of a hundred pledges is settled first and then the one that was asked for, so that what
a pledge costs can be compared within one run. With `kill` the worker is killed every ten seconds;
the instance starts it again. With `limit` the escrow provider takes so many requests a minute, and
the estimates of the end that were given on the way are held against it.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import psutil
import requests
from rich.console import Console
from rich.table import Table

from bench.http import Market
from bench.instance import Instance, own_folder, running_in
from bench.load import cpu_seconds

SMALL, CLIENTS, KILL_EVERY = 100, 8, 10.0
PLEDGE = 1  # USDC
MARKS = (25, 50, 75)  # per cent of the pledges at which the estimate is held against the truth


@dataclass
class Settled:
    """One settlement. `cpu` in milliseconds per pledge by role; `errors` how far the estimates
    were off, as a share of the whole time, by how many per cent were done then."""

    pledges: int
    seconds: float
    cpu: dict[str, float]
    kills: int
    once: bool
    errors: dict[int, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Pledges per second."""
        return self.pledges / self.seconds

    @property
    def cost(self) -> float:
        """Processor milliseconds per pledge, of the whole installation."""
        return sum(self.cpu.values())


def run(
    pledges: int, *, backers: int = 100, refund: bool = False, kill: bool = False, limit: int = 0
) -> tuple[Settled, Settled]:
    """The small campaign and the one of so many pledges; released, or refunded. Both are backed
    without a limit, then the instance is started again with it."""
    least = min(SMALL, pledges)
    with own_folder() as folder:
        with running_in(folder) as instance:
            bench = _Bench(instance, min(backers, pledges))
            small = bench.settle(bench.back(least), least, refund=refund)
            campaign = bench.back(pledges)
            if not limit:
                return small, bench.settle(campaign, pledges, refund=refund, kill=kill)
        with running_in(folder, OFFERHUB_PROVIDER_LIMIT=str(limit)) as instance:
            bench.move_to(instance)
            bench.limit(limit)
            return small, bench.settle(campaign, pledges, refund=refund, kill=kill)


class _Bench:
    def __init__(self, instance: Instance, backers: int) -> None:
        self.instance, self.market = instance, Market(instance)
        with ThreadPoolExecutor(CLIENTS) as pool:
            names = [f"backer-{n}" for n in range(backers)]
            self.backers = list(pool.map(lambda n: self._market().user(n, "100000"), names))
        self.creator = self.market.user("creator")
        for backer in self.backers:
            self.market.await_money(backer)

    def move_to(self, instance: Instance) -> None:
        """Go on with the same data on an instance that was started again."""
        self.instance = instance
        self.market = self._market()

    def limit(self, per_minute: int) -> None:
        """The escrow provider takes so many requests a minute from now on."""
        url = f"{self.instance.sandbox_url}/control/provider-limit"
        assert requests.post(url, json={"perMinute": per_minute}, timeout=30).ok

    def _market(self) -> Market:
        """The same on a connection of its own."""
        other = Market(self.instance)
        other.run = self.market.run
        return other

    def settle(self, campaign: str, pledges: int, *, refund: bool, kill: bool = False) -> Settled:
        """Have a campaign settled that is backed."""
        before, sent = self._creator_has(), self._sent()
        pids = self.instance.pids()
        with _killing(self.instance, kill) as kills:
            used = cpu_seconds(pids)
            began = time.monotonic()
            self._post(f"/campaigns/{campaign}/{'cancel' if refund else 'settle'}")
            samples = list(self._watch(campaign, began))
            seconds = time.monotonic() - began
        if kill:  # what a killed process had used nobody can tell any more
            del pids["worker"]
        now = cpu_seconds(pids)
        cpu = {role: (now[role] - used[role]) * 1000 / pledges for role in now}
        # A backer's account sends two calls for a release, and one for a refund, whose other one
        # is the resolver's.
        once = (
            samples[-1][1]["refunded" if refund else "released"] == pledges
            and self._creator_has() - before == (0 if refund else pledges * PLEDGE)
            and self._sent() - sent == (1 if refund else 2) * pledges
        )
        return Settled(pledges, seconds, cpu, len(kills), once, _errors(samples, seconds))

    def back(self, pledges: int) -> str:
        """An open campaign whose pledges are all in their contracts; its id."""
        deadline = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        body = {"creatorId": self.creator, "title": "Bench", "goal": pledges * PLEDGE}
        more = {"deadline": deadline, "holds": "ESCROW"}
        campaign = str(self._post("/campaigns", body | more)["id"])
        connections = [self.market.connect() for _ in range(CLIENTS)]

        def pledge(client: int) -> None:
            for number in range(client, pledges, CLIENTS):
                order = {
                    "buyerId": self.backers[number % len(self.backers)],
                    "sellerId": self.creator,
                    "amount": PLEDGE,
                    "campaignId": campaign,
                }
                status, answer = connections[client].call("POST", "/api/v1/orders", order)
                assert status in (201, 202), answer

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(pledge, range(CLIENTS)))
        for status in ("RESERVED", "ESCROW_CREATED"):
            path = f"/api/v1/orders?campaignId={campaign}&status={status}&limit=1"
            while self.market.client.call("GET", path)[1]["data"]:
                time.sleep(0.5)
        return campaign

    def _watch(self, campaign: str, began: float) -> Iterator[tuple[float, Any]]:
        """The campaign once a second, with the seconds since the beginning, to its end."""
        while True:
            state = self.market.client.call("GET", f"/api/v1/campaigns/{campaign}")[1]
            yield time.monotonic() - began, state
            if state["status"] != "SETTLING":
                return
            time.sleep(0.2)

    def _post(self, path: str, body: Any = None) -> Any:
        answer = requests.post(
            f"{self.instance.base_url}/api/v1{path}",
            json=body or {},
            headers=self.market.client.headers | {"Prefer": "respond-async"},
            timeout=60,
        )
        assert answer.ok, answer.text
        return answer.json()

    def _creator_has(self) -> float:
        balance = self.market.client.call("GET", f"/api/v1/users/{self.creator}/balance")[1]
        return float(balance["available"])

    def _sent(self) -> int:
        """How many transactions of the backers' accounts have reached a ledger so far."""
        numbers = 0
        for backer in self.backers:
            wallet = self.market.client.call("GET", f"/api/v1/users/{backer}/wallet")[1]
            url = f"{self.instance.sandbox_url}/accounts/{wallet['address']}"
            numbers += int(requests.get(url, timeout=30).json()["sequence"])
        return numbers


def _errors(samples: list[tuple[float, Any]], seconds: float) -> dict[int, float]:
    """How far the estimated end was off, as a share of the whole time."""
    found: dict[int, float] = {}
    for at, state in samples:
        eta, percent = state["progress"]["etaSeconds"], state["progress"]["percent"]
        for mark in MARKS:
            if percent >= mark and mark not in found and eta is not None:
                found[mark] = (at + eta - seconds) / seconds
    return found


@contextmanager
def _killing(instance: Instance, wanted: bool) -> Iterator[list[int]]:
    """Kill the worker every ten seconds until the block ends; the killed ones."""
    killed: list[int] = []
    over = Event()

    def kill() -> None:
        while not over.wait(KILL_EVERY):
            for pid in instance.pids()["worker"]:
                psutil.Process(pid).kill()
                killed.append(pid)

    thread = Thread(target=kill)
    if wanted:
        thread.start()
    try:
        yield killed
    finally:
        over.set()
        if wanted:
            thread.join()


def table(console: Console, rows: Sequence[Settled]) -> list[dict[str, Any]]:
    """Print them; as they are kept."""
    drawn = Table(
        "campaign", "s", "pledges/s", "CPU ms each", "of small", "kills", "once", "estimate"
    )
    kept = []
    for row in rows:
        ratio = row.cost / rows[0].cost
        off = ", ".join(f"{error:+.0%} at {mark} %" for mark, error in row.errors.items())
        roles = " ".join(f"{role} {ms:.0f}" for role, ms in row.cpu.items() if ms >= 0.5)
        drawn.add_row(
            f"{row.pledges} pledges",
            f"{row.seconds:.1f}",
            f"{row.rate:.1f}",
            f"{row.cost:.0f} ({roles})",
            f"{ratio:.2f}",
            str(row.kills),
            "yes" if row.once else "NO",
            off,
        )
        kept.append(
            {
                "pledges": row.pledges,
                "seconds": round(row.seconds, 1),
                "per_second": round(row.rate, 1),
                "cpu_ms": {role: round(ms, 1) for role, ms in row.cpu.items()},
                "of_small": round(ratio, 2),
                "kills": row.kills,
                "exactly_once": row.once,
                "estimate_off": {str(mark): round(error, 3) for mark, error in row.errors.items()},
            }
        )
    console.print(drawn)
    return kept
