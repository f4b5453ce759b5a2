"""Books of a marketplace of one's own, on a database in which everything commits."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from stellar_sdk import Keypair

from ledger import movements
from ledger.balances import UserBalance, account_balance, user_balance
from ledger.invariants import violations
from ledger.services import Posted
from offerhub.chain.types import ChainFact
from offerhub.core import clock
from offerhub.core.actor import system
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User

ACTOR = system("test", "req-1")
FEE = 100


def fact(fee: int = FEE, at: datetime | None = None) -> ChainFact:
    """A confirmed transaction with a hash of its own."""
    return ChainFact(uuid.uuid4().hex * 2, 7, at or clock.now(), fee, "GFEE", successful=True)


class Books:
    """A marketplace and shorthands for posting to its books, each call in its own transaction."""

    def __init__(self) -> None:
        self.marketplace = Marketplace.objects.create(name="Test")
        self.id = self.marketplace.id
        self.buyer, self.seller = self.user("buyer"), self.user("seller")

    def user(self, name: str) -> User:
        """Another user of this marketplace."""
        return User.objects.create(marketplace=self.marketplace, external_id=name)

    def deposit(
        self, amount: int, user: User | None = None, source: str = "", **more: Any
    ) -> Posted:
        """Money for a user (the buyer), at a wallet named after the user."""
        user = user or self.buyer
        with transaction.atomic():
            return movements.deposit(
                **{
                    "marketplace_id": self.id,
                    "user_id": user.id,
                    "address": address(user),
                    "amount": amount,
                    "asset": "USDC",
                    "source": source or f"deposit:{uuid.uuid4().hex}",
                    "fact": fact(),
                    "actor": ACTOR,
                    **more,
                }
            )

    def reserve(self, order: str, amount: int, user: User | None = None) -> Posted:
        """Money of a user (the buyer) set aside for an order."""
        with transaction.atomic():
            return movements.reserve(
                marketplace_id=self.id,
                user_id=(user or self.buyer).id,
                order_id=order,
                amount=amount,
                asset="USDC",
                actor=ACTOR,
            )

    def unreserve(self, order: str, amount: int) -> Posted:
        """The buyer's order is cancelled."""
        with transaction.atomic():
            return movements.unreserve(
                marketplace_id=self.id,
                user_id=self.buyer.id,
                order_id=order,
                amount=amount,
                asset="USDC",
                actor=ACTOR,
            )

    def fund(self, order: str, amount: int, contract: str = "CONTRACT") -> Posted:
        """The buyer's order is in escrow."""
        with transaction.atomic():
            return movements.escrow_funded(
                marketplace_id=self.id,
                user_id=self.buyer.id,
                order_id=order,
                buyer_address=address(self.buyer),
                contract=contract,
                amount=amount,
                asset="USDC",
                fact=fact(),
                operation_id="op_1",
                fee_address="GFEE",
                actor=ACTOR,
            )

    def settle(
        self,
        order: str,
        *,
        gross: int,
        seller: int = 0,
        buyer: int = 0,
        platform: int = 0,
        protocol: int = 0,
        surplus: int = 0,
        kind: Any = "release",
        milestone: str = "m1",
    ) -> Posted:
        """The order's contract paid out."""
        payouts = [
            movements.Payout(user.id, address(user), amount)
            for user, amount in ((self.seller, seller), (self.buyer, buyer))
            if amount
        ]
        with transaction.atomic():
            return movements.settlement(
                marketplace_id=self.id,
                order_id=order,
                user_id=self.buyer.id,
                contract="CONTRACT",
                asset="USDC",
                source=f"order:{order}:{kind}:{milestone}",
                gross=gross,
                payouts=payouts,
                platform_address="GPLATFORM",
                platform_fee=platform,
                protocol_fee=protocol,
                surplus=surplus,
                kind=kind,
                fact=fact(),
                operation_id="op_2",
                fee_address="GFEE",
                actor=ACTOR,
            )

    def dust(self, amount: int) -> Posted:
        """A stranger sent money to the contract."""
        with transaction.atomic():
            return movements.deposit_to_suspense(
                marketplace_id=self.id,
                address="CONTRACT",
                asset="USDC",
                amount=amount,
                source=f"deposit:{uuid.uuid4().hex}",
                fact=fact(0),
                actor=ACTOR,
                reason="dust",
                holder="contract",
            )

    def held(self, kind: str, owner: str = "", asset: str = "USDC", **more: Any) -> int:
        """One account's balance."""
        return account_balance(marketplace_id=self.id, kind=kind, owner=owner, asset=asset, **more)

    def balance(self, user: User | None = None) -> UserBalance:
        """A user's (the buyer's) money."""
        return user_balance((user or self.buyer).id, "USDC")

    def lines(self, posted: Posted) -> set[tuple[str, str, int]]:
        """Kind, owner and signed amount of each line of an entry."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a.kind, a.owner, p.amount FROM ledger_posting p"
                " JOIN ledger_account a ON a.id = p.account_id WHERE p.entry_id = %s",
                [posted.entry_id],
            )
            return set(cursor.fetchall())

    def assert_sound(self) -> None:
        """Every invariant holds."""
        assert [str(violation) for violation in violations(self.id)] == []


def address(user: User) -> str:
    """The wallet of a user, as these tests name it."""
    return f"G{user.external_id.upper()}"


def address_of(name: str) -> str:
    """A real address, as whoever compares all wallets with the chain expects them to be."""
    return Keypair.from_raw_ed25519_seed(sha256(name.encode()).digest()).public_key


class Hand:
    """Straight SQL, past all services: each call is one transaction of its own."""

    def __init__(self, session: "psycopg.Connection[Any]") -> None:
        self.session = session

    def run(self, *statements: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run statements in one transaction and commit; the rows of the last."""
        with self.session.transaction():
            for statement in statements[:-1]:
                self.session.execute(statement)
            cursor = self.session.execute(statements[-1], parameters)
            return cursor.fetchall() if cursor.description else []

    def refused(self, *statements: str) -> str:
        """The SQLSTATE with which the database refuses; fails when it does not."""
        with pytest.raises(psycopg.Error) as caught:
            self.run(*statements)
        return str(caught.value.sqlstate)


@pytest.fixture
def books(committed: None) -> Books:
    """A marketplace with a buyer and a seller and empty books."""
    return Books()


@pytest.fixture
def hand(committed: None) -> Iterator[Hand]:
    """A session of psql, so to say, on the tests' database."""
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as session:
        yield Hand(session)
