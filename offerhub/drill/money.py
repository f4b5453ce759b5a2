"""Where each stroop of a drill is: what the books say of it, and what the chain says."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from ledger.models import Account, Posting
from offerhub.core.money import UNIT
from offerhub.demo.client import Sandbox
from offerhub.drill.player import Player

PLACES = {
    "wallet": "users' wallets",
    "contract": "contracts",
    "platform": "own wallets",
}


@dataclass(frozen=True)
class Place:
    """USDC in one kind of place."""

    name: str
    books: Decimal
    chain: Decimal


@dataclass(frozen=True)
class Money:
    """All of it. `came_in` is what was sent from outside, by deposits and as dust."""

    came_in: Decimal
    places: list[Place]

    @property
    def difference(self) -> Decimal:
        """What came in and is in no place of the chain; zero, else something is lost or made."""
        return self.came_in - sum((place.chain for place in self.places), Decimal(0))

    @property
    def adds_up(self) -> bool:
        return not self.difference and all(place.books == place.chain for place in self.places)


class Count:
    """Counts what a marketplace holds at the beginning, and what was added in the end."""

    def __init__(self, marketplace_id: str, sandbox: Sandbox) -> None:
        self._marketplace, self._sandbox = marketplace_id, sandbox
        self._books, self._chain = self._held()
        self._fees = self._protocol_fees()

    def finish(self, players: Sequence[Player]) -> Money:
        """What became of it."""
        books, chain = self._held()
        places = [
            Place(name, books[kind] - self._books[kind], chain[kind] - self._chain[kind])
            for kind, name in PLACES.items()
        ]
        state = self._sandbox.get("/control/state")
        elsewhere = sum((_held(state, p.destination) for p in players), Decimal(0))
        paid_out = sum((player.paid_out for player in players), Decimal(0))
        places.append(Place("withdrawn", paid_out, elsewhere))
        if fees := self._protocol_fees() - self._fees:
            places.append(Place("escrow service's fee", fees, fees))
        return Money(sum((player.brought_in() for player in players), Decimal(0)), places)

    def _held(self) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        """By kind of place: what the books say, and the chain."""
        state = self._sandbox.get("/control/state")
        books, chain = dict.fromkeys(PLACES, Decimal(0)), dict.fromkeys(PLACES, Decimal(0))
        rows = Account.objects.filter(marketplace=self._marketplace, asset="USDC")
        for row in rows.filter(kind__in=PLACES).select_related("balance"):
            books[row.kind] += Decimal(row.balance.amount) / UNIT
            chain[row.kind] += _held(state, row.owner)
        return books, chain

    def _protocol_fees(self) -> Decimal:
        rows = Posting.objects.filter(
            account__marketplace=self._marketplace,
            account__kind="expense:protocol_fee",
            account__asset="USDC",
        )
        return Decimal(rows.aggregate(all=Sum("amount"))["all"] or 0) / UNIT


def _held(state: dict[str, Any], address: str) -> Decimal:
    if address.startswith("C"):
        contract = state["contracts"].get(address)
        return Decimal(contract["balance"]) if contract else Decimal(0)
    held = state["accounts"].get(address, {})
    found = [Decimal(amount) for asset, amount in held.items() if asset.startswith("USDC:")]
    return sum(found, Decimal(0))
