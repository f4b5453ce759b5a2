"""A sandbox network of one's own for tests, and its controls."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from offerhub.sandbox.options import Options
from offerhub.sandbox.server import Running

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Network:
    """A running sandbox and its controls (see offerhub/sandbox/README.md)."""

    followed = False  # whether the database of this test run knows that this network is a new one

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

    def fault(
        self, answer: str, path: str, *, times: int = 1, method: str = "", **more: Any
    ) -> None:
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

    def stranger(self) -> str:
        """The address of a new account outside, alive and able to receive USDC."""
        from stellar_sdk import Asset, Keypair, Server, TransactionBuilder

        keypair = Keypair.random()
        requests.get(f"{self.url}/friendbot", {"addr": keypair.public_key}, timeout=10)
        health = self.control("health")
        server = Server(self.url)
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


@contextmanager
def running_network(folder: Path, *options: str, port: int | None = None) -> Iterator[Network]:
    """A sandbox process on a port of its own, stopped at the end."""
    port = port or free_port()
    command = [sys.executable, "-m", "offerhub.sandbox", "--port", str(port)]
    process = subprocess.Popen([*command, "--data", str(folder / "sandbox.db"), *options], cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url, process)
        yield Network(url)
    finally:
        process.kill()
        process.wait()


@contextmanager
def network_in_this_process(folder: Path, **options: Any) -> Iterator[Network]:
    """One for a few tests: it starts at once, but shares this process's time. Options as in
    `offerhub.sandbox.network.Options`."""
    sandbox = Running(Options(data=str(folder / "sandbox.db"), **options))
    try:
        yield Network(sandbox.url)
    finally:
        sandbox.close()


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "the sandbox did not start"
        try:
            if requests.get(f"{url}/control/health", timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise TimeoutError("the sandbox did not answer in 10 s")
