"""What tests of withdrawals do on the network itself: people outside, bad days, the clock."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import requests
from django.db import connection
from stellar_sdk import Asset, Keypair, MuxedAccount, Server, TransactionBuilder

from offerhub.core import clock
from tests.network import Network
from tests.processes.children import until

SUBMIT = {"path": "/transactions", "method": "POST"}
LOOK_UP = {"path": "*/transactions/*/operations", "method": "GET"}


class Chain:
    """The network, as somebody outside uses it."""

    def __init__(self, network: Network) -> None:
        self.network = network

    # --- people outside -------------------------------------------------------------------
    def outsider(
        self, *, trust: bool = True, limit: str | None = None, memo_required: bool = False
    ) -> Keypair:
        """An account outside with one peculiarity."""
        keypair = Keypair.random()
        requests.get(f"{self.network.url}/friendbot", {"addr": keypair.public_key}, timeout=10)
        if trust:
            self.as_outsider(keypair, lambda b, usdc: b.append_change_trust_op(usdc, limit))
        if memo_required:
            self.as_outsider(
                keypair, lambda b, _: b.append_manage_data_op("config.memo_required", "1")
            )
        return keypair

    def as_outsider(
        self, keypair: Keypair, add: Callable[[TransactionBuilder, Asset], TransactionBuilder]
    ) -> None:
        """One transaction of an account that is not ours."""
        health = self.network.control("health")
        server = Server(self.network.url)
        builder = TransactionBuilder(
            server.load_account(keypair.public_key), health["networkPassphrase"], base_fee=100
        )
        add(builder.add_time_bounds(0, 0), Asset("USDC", health["usdcIssuer"]))
        transaction = builder.build()
        transaction.sign(keypair)
        server.submit_transaction(transaction)

    def freeze(self, address: str, *, authorized: bool = False) -> None:
        """The issuer forbids an account to hold or send the asset, or allows it again."""
        self.network.control("trustline", {"address": address, "authorized": authorized})

    @staticmethod
    def muxed(address: str, number: int) -> str:
        """The M… address of an account with an id inside."""
        return str(MuxedAccount(address, number).account_muxed)

    # --- bad days and the clock ---------------------------------------------------------------
    def fault(self, answer: str, match: dict[str, str], **more: Any) -> None:
        """Script the next answers."""
        self.network.fault(answer, match["path"], method=match["method"], **more)

    def while_on_its_way(self, begin: Callable[[], None], meanwhile: Callable[[], None]) -> None:
        """Do something while the network holds the envelope that `begin` submits."""
        self.fault("", SUBMIT, delay=0.6)
        runner = in_background(begin)
        until(lambda: not self.network.control("faults")["faults"], 10)
        meanwhile()
        runner.join()

    def pass_time(self, span: timedelta) -> None:
        """The network closes ledgers for this long, and the product's clock follows."""
        self.network.advance(f"PT{max(1, int(span.total_seconds()))}S")
        clock.set_offset(timedelta(seconds=self.network.control("clock")["offset"]))

    def network_time(self) -> datetime:
        """What the network's clock shows."""
        return datetime.fromisoformat(self.network.control("clock")["now"])

    # --- reading ------------------------------------------------------------------------------
    @property
    def passphrase(self) -> str:
        """The network's."""
        return str(self.network.control("health")["networkPassphrase"])

    def horizon(self, path: str, **query: str) -> Any:
        """What Horizon answers."""
        return requests.get(f"{self.network.url}/{path}", query, timeout=10).json()

    def memo_on_chain(self, transaction: str) -> tuple[str, str]:
        """Kind and value of a transaction's memo; a hash in hexadecimal."""
        shown = self.horizon(f"transactions/{transaction}")
        if shown["memo_type"] == "hash":
            return "hash", base64.b64decode(shown["memo"]).hex()
        return shown["memo_type"], shown["memo"]


def in_background(work: Callable[[], None]) -> Thread:
    """A thread of its own, with a database connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    return thread
