"""The API under load: reserve, create, read, list, balance, and the whole lifecycle of a sale.

Every rate is shown beside the rate of a request that does nothing but authenticate (`GET /me`),
measured in the same run on the same server: the limit of what this machine can answer. Processor
time per request is read per role.
"""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import psutil
import requests

from bench.instance import Instance
from bench.load import Client, Figures, measure

CLIENTS = (1, 8)


class Market:
    """Users with money on a running instance, made through the API."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.client = self.connect()
        self.run = uuid.uuid4().hex[:8]

    def connect(self) -> Client:
        """A new connection."""
        return Client(self.instance.base_url, self.instance.api_key)

    def user(self, name: str, money: str = "") -> str:
        """A user of this run with money on it; answers the id."""
        status, body = self.client.call(
            "POST", "/api/v1/users", {"externalId": f"{self.run}-{name}"}
        )
        assert status in (200, 201, 202), body
        if money:
            self._fund(body["id"], money)
        return str(body["id"])

    def _fund(self, user: str, money: str) -> None:
        for _ in range(200):
            _, wallet = self.client.call("GET", f"/api/v1/users/{user}/wallet")
            if wallet["status"] == "ACTIVE":
                break
            time.sleep(0.05)
        answer = requests.post(
            f"{self.instance.sandbox_url}/control/mint",
            json={"address": wallet["address"], "amount": money},
            timeout=30,
        )
        assert answer.ok, answer.text

    def await_money(self, user: str) -> None:
        """Wait until the monitor has credited the user."""
        for _ in range(400):
            _, balance = self.client.call("GET", f"/api/v1/users/{user}/balance")
            if balance["available"] != "0.00":
                return
            time.sleep(0.05)
        raise TimeoutError("the deposit was not credited in 20 s")

    def order(self, client: Client, buyer: str, seller: str, amount: int = 1) -> str:
        """A created order's id."""
        status, body = client.call(
            "POST",
            "/api/v1/orders",
            {"buyerId": buyer, "sellerId": seller, "amount": amount, "description": "Bench"},
        )
        assert status == 201, body
        return str(body["id"])


def run(instance: Instance, seconds: float) -> Iterator[Figures]:
    """Every figure, one after the other."""
    market = Market(instance)
    buyers = [market.user(f"buyer-{n}", "1000000") for n in range(8)]
    seller = market.user("seller")
    for buyer in buyers:
        market.await_money(buyer)
    for clients in CLIENTS:
        yield _measure(market, "nothing (GET /me)", _get("/api/v1/me"), clients, seconds)
        yield from _writes(market, buyers, seller, clients, seconds)
        yield from _reads(market, buyers, seller, clients, seconds)
        yield _lifecycle(market, buyers, seller, clients, seconds)


def _measure(
    market: Market, name: str, step: Any, clients: int, seconds: float, most: int = 10**9
) -> Figures:
    return measure(
        name,
        market.connect,
        step,
        clients=clients,
        seconds=seconds,
        pids=market.instance.pids(),
        most=most,
    )


def _get(path: str) -> Any:
    return lambda client, number, turn: client.call("GET", path)[0] == 200


def _reads(
    market: Market, buyers: list[str], seller: str, clients: int, seconds: float
) -> Iterator[Figures]:
    order = market.order(market.client, buyers[0], seller)
    yield _measure(market, "read order", _get(f"/api/v1/orders/{order}"), clients, seconds)
    yield _measure(market, "list 20 orders", _get("/api/v1/orders"), clients, seconds)
    yield _measure(
        market, "read balance", _get(f"/api/v1/users/{buyers[0]}/balance"), clients, seconds
    )


def _writes(
    market: Market, buyers: list[str], seller: str, clients: int, seconds: float
) -> Iterator[Figures]:
    def create(client: Client, number: int, turn: int) -> bool:
        market.order(client, buyers[number], seller)
        return True

    yield _measure(market, "create order", create, clients, seconds)
    for name, own in (("reserve, different buyers", True), ("reserve, all of one buyer", False)):
        prepared = _prepare(market, buyers if own else buyers[:1] * 8, seller, clients, seconds)

        def reserve(
            client: Client, number: int, turn: int, ready: list[list[str]] = prepared
        ) -> bool:
            status, _ = client.call("POST", f"/api/v1/orders/{ready[number][turn]}/reserve")
            return status == 200

        yield _measure(market, name, reserve, clients, seconds, most=len(prepared[0]))


def _prepare(
    market: Market, buyers: list[str], seller: str, clients: int, seconds: float
) -> list[list[str]]:
    """Orders to reserve, enough for the time at 700 a second."""
    each = int(700 * seconds / clients)
    return [
        [market.order(market.client, buyers[n], seller) for _ in range(each)]
        for n in range(clients)
    ]


def _lifecycle(
    market: Market, buyers: list[str], seller: str, clients: int, seconds: float
) -> Figures:
    """Create, reserve, deploy, fund, complete, approve, release: seven requests, five on chain."""

    def sale(client: Client, number: int, turn: int) -> bool:
        order = market.order(client, buyers[number], seller)
        ok = client.call("POST", f"/api/v1/orders/{order}/reserve")[0] == 200
        status, escrow = client.call("POST", "/api/v1/escrow", {"orderId": order})
        ok = ok and status in (200, 201)
        ok = ok and client.call("POST", f"/api/v1/escrow/{escrow['id']}/fund")[0] == 200
        for action in ("complete", "approve", "release"):
            body = {"orderId": order, "milestoneId": "m1", "action": action}
            status, answer = client.call("POST", "/api/v1/resolution/release", body)
            ok = ok and status == 200
        return ok and answer["status"] == "COMPLETED"

    return _measure(market, "whole lifecycle", sale, clients, seconds)


def resident(instance: Instance) -> dict[str, float]:
    """Resident memory in MB of the largest process of each role."""
    largest = {}
    for role, roots in instance.pids().items():
        sizes = [
            process.memory_info().rss
            for pid in roots
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        ]
        largest[role] = max(sizes) / 1e6
    return largest
