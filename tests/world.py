"""A small world for tests: a sandbox network of its own, a marketplace, users with money.

Every flow goes through the real adapters over HTTP; nothing of ours is mocked.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Sum
from django.db.models.functions import Now

from ledger.balances import user_balance
from ledger.models import Account, Posting
from offerhub.chain.submission import LIVE, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.core import jobs
from offerhub.core.actor import Actor, system
from offerhub.core.money import format_amount, from_chain
from offerhub.deposits import monitor
from offerhub.deposits.models import ChainCursor
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces.scopes import Scope
from offerhub.users import services as users
from offerhub.users.models import User, Wallet
from tests.deposits.anew import follow_from_now, leave_in_peace, set_clocks_alike
from tests.network import Network

ACTOR = system("test")


class World:
    """One marketplace on the network, its own wallets alive."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.marketplace = marketplaces.create_marketplace(name="Test market", actor=ACTOR)
        if not network.followed:
            set_clocks_alike(network)
            follow_from_now()
            network.followed = True
        leave_in_peace()
        monitor.poll()
        with self._attended():
            users.make_own_wallets(marketplace_id=self.marketplace.id)

    @property
    def actor(self) -> Actor:
        return ACTOR

    @contextmanager
    def _attended(self) -> Iterator[None]:
        """A worker hears what this block rings for, and brings its wallets to life."""
        with jobs.held() as rings:
            yield
        for ring in rings:
            jobs.run(*ring, patience=5.0)
        own = Wallet.objects.filter(marketplace=self.marketplace).exclude(kind=Wallet.Kind.EXTERNAL)
        if own.exclude(status=Wallet.Status.ACTIVE).exists():
            self.settle()

    def work(self) -> int:
        """Run every job that is due, until none is."""
        return jobs.sweep_until_idle()

    def settle(self, seconds: float = 40.0) -> None:
        """Run what is due until no chain operation of the marketplace is live any more.

        A pause before the next look counts as over: nobody waits for it.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.work()
            live = self._live()
            if not live:
                return
            for row in live:
                type(row)._base_manager.filter(pk=row.pk).update(next_attempt_at=Now())
            time.sleep(0.01 if found else 0.1)  # looking without end takes other tests' time
        raise AssertionError(f"still live: {[(str(r), r.problem) for r in live]}")

    def _live(self) -> list[Submission]:
        return [
            row
            for model in concrete_tables()
            for row in model._base_manager.filter(status__in=LIVE)
            if row.marketplace_id == self.marketplace.id
        ]

    def user(self, external_id: str, *, money: str = "") -> User:
        """A user with a live wallet, and money on it when asked for."""
        new = users.NewUser(external_id)
        with self._attended():
            user, _ = users.create_user(marketplace_id=self.marketplace.id, new=new, actor=ACTOR)
        if money:
            self.network.mint(self.wallet(user).address, money)
            self.watch()
        return user

    def wallet(self, user: User) -> Wallet:
        """The user's wallet as it is now."""
        return Wallet.objects.get(user=user)

    def watch(self) -> None:
        """Let the monitor see all that happened on the network. After a gap in the events it reads
        every wallet there is: those of earlier tests would take longer than the test."""
        monitor.poll()
        if ChainCursor.objects.filter(gap_since__isnull=False).exists():
            leave_in_peace(but=self.marketplace.id)

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
        new = marketplaces.create_api_key(
            marketplace_id=self.marketplace.id,
            name="test",
            scopes=scopes or tuple(Scope),
            actor=ACTOR,
        )
        return new.token

    def stranger(self) -> str:
        """The address of an account outside, alive and able to receive USDC."""
        return self.network.stranger()

    def funded(self, api: Any, sale: dict[str, Any]) -> str:
        """An order IN_PROGRESS, made through the API; its id."""
        order = api.post("/orders", sale, status=201)["id"]
        api.post(f"/orders/{order}/reserve")
        escrow = api.post("/escrow", {"orderId": order}, status=201)["id"]
        api.post(f"/escrow/{escrow}/fund")
        return str(order)

    def differences(self) -> list[str]:
        """Where books and chain differ by a stroop, and what is wrong within the books."""
        state = self.network.control("state")
        rows = Account.objects.filter(
            marketplace=self.marketplace, kind__in=["wallet", "platform", "contract"]
        ).select_related("balance")
        found = [
            f"{row}: books {row.balance.amount}, chain {held}"
            for row in rows
            if row.asset == "USDC" and row.balance.amount != (held := _held(state, row.owner))
        ]
        return [*found, *_xlm_differences(self.marketplace.id, state)]


def _held(state: dict[str, Any], address: str, asset: str = "USDC") -> int:
    if address.startswith("C"):
        contract = state["contracts"].get(address)
        return from_chain(contract["balance"]) if contract else 0
    balances = state["accounts"].get(address, {})
    return sum(from_chain(v) for k, v in balances.items() if k.split(":")[0] == asset)


def _xlm_differences(marketplace_id: str, state: dict[str, Any]) -> list[str]:
    rows = Posting.objects.filter(account__marketplace=marketplace_id, account__kind="xlm")
    sums = rows.values_list("account__owner").annotate(total=Sum("amount"))
    return [
        f"xlm:{address}: books {total}, chain {held}"
        for address, total in sums
        if total != (held := _held(state, address, "native"))
    ]
