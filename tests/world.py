"""A small world for tests: a sandbox network of its own, a marketplace, users with money.

Every flow goes through the real adapters over HTTP; nothing of ours is mocked.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from ledger.services import user_balance
from offerhub.core import jobs
from offerhub.core.actor import Actor, system
from offerhub.core.money import format_amount
from offerhub.deposits import monitor
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.models import Marketplace
from offerhub.users import services as users
from offerhub.users.models import User, Wallet

ROOT = Path(__file__).resolve().parent.parent
ACTOR = system("test")


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Network:
    """A running sandbox and its controls (see offerhub/sandbox/README.md)."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, path: str, body: dict[str, Any] | None = None, method: str = "") -> Any:
        """Call a control route; POST when there is a body."""
        verb = method or ("POST" if body is not None else "GET")
        answer = requests.request(verb, f"{self.url}/control/{path}", json=body, timeout=30)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def mint(self, address: str, amount: str) -> str:
        """Test USDC from the issuer; the transaction's hash."""
        return str(self.control("mint", {"address": address, "amount": amount})["hash"])

    def advance(self, duration: str) -> None:
        """Move the network's clock."""
        self.control("clock", {"advance": duration})

    def fault(self, answer: str, path: str, *, times: int = 1, method: str = "", **more: Any) -> None:
        """Script the next answers for a path."""
        match = {"path": path} | ({"method": method} if method else {})
        self.control("faults", {"match": match, "answer": answer, "times": times, **more})

    def heal(self) -> None:
        """No more faults."""
        self.control("faults", method="DELETE")

    def held(self, address: str, asset: str = "USDC") -> str:
        """What an account or contract holds, as decimal text."""
        state = self.control("state")
        if address.startswith("C"):
            contract = state["contracts"].get(address)
            return contract["balance"] if contract else "0"
        balances = state["accounts"].get(address, {})
        return next((v for k, v in balances.items() if k.split(":")[0] == asset), "0")


@contextmanager
def running_network(folder: Path, *options: str) -> Iterator[Network]:
    """A sandbox process on a port of its own, stopped at the end."""
    port = free_port()
    command = [sys.executable, "-m", "offerhub.sandbox", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--data", str(folder / "sandbox.db"), *options], cwd=ROOT
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url, process)
        yield Network(url)
    finally:
        process.kill()
        process.wait()


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "the sandbox did not start"
        try:
            if requests.get(f"{url}/control/health", timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise TimeoutError("the sandbox did not answer in 10 s")


class World:
    """One marketplace on the network, its own wallets alive."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.marketplace = Marketplace.objects.create(name="Test market")
        users.make_own_wallets(marketplace_id=self.marketplace.id)
        monitor.poll()
        self.work()

    @property
    def actor(self) -> Actor:
        return ACTOR

    def work(self) -> int:
        """Run every job that is due, until none is."""
        return jobs.sweep_until_idle()

    def user(self, external_id: str, *, money: str = "") -> User:
        """A user with a live wallet, and money on it when asked for."""
        user, _ = users.create_user(
            marketplace_id=self.marketplace.id, new=users.NewUser(external_id), actor=ACTOR
        )
        self.work()
        if money:
            self.network.mint(self.wallet(user).address, money)
            self.watch()
        return user

    def wallet(self, user: User) -> Wallet:
        """The user's wallet as it is now."""
        return Wallet.objects.get(user=user)

    def watch(self) -> None:
        """Let the monitor see all that happened on the network."""
        monitor.poll()

    def balance(self, user: User) -> dict[str, str]:
        """The user's balance as decimal texts."""
        b = user_balance(user.id, "USDC")
        return {
            "available": format_amount(b.available),
            "reserved": format_amount(b.reserved),
            "inEscrow": format_amount(b.in_escrow),
            "pendingWithdrawal": format_amount(b.pending_withdrawal),
        }

    def key(self, *scopes: str) -> str:
        """A fresh API key with every scope, or with these."""
        _, secret = marketplaces.create_api_key(
            marketplace_id=self.marketplace.id,
            name="test",
            scopes=list(scopes or marketplaces.ALL_SCOPES),
            actor=ACTOR,
        )
        return secret

    def stranger(self) -> str:
        """The address of an account outside, alive and able to receive USDC."""
        from stellar_sdk import Asset, Keypair, Server, TransactionBuilder

        keypair = Keypair.random()
        requests.get(f"{self.network.url}/friendbot", {"addr": keypair.public_key}, timeout=10)
        health = self.network.control("health")
        server = Server(self.network.url)
        transaction = (
            TransactionBuilder(
                server.load_account(keypair.public_key), health["networkPassphrase"], base_fee=100
            )
            .append_change_trust_op(Asset("USDC", health["usdcIssuer"]))
            .add_time_bounds(0, 0)
            .build()
        )
        transaction.sign(keypair)
        server.submit_transaction(transaction)
        return str(keypair.public_key)

    def funded(self, api: Any, sale: dict[str, Any]) -> str:
        """An order IN_PROGRESS, made through the API; its id."""
        order = api.post("/orders", sale, status=201)["id"]
        api.post(f"/orders/{order}/reserve")
        escrow = api.post("/escrow", {"orderId": order}, status=201)["id"]
        api.post(f"/escrow/{escrow}/fund")
        return str(order)
