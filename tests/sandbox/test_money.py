"""The contracts' arithmetic against the rules written out, and nothing lost on the way."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from offerhub.sandbox.escrow import Escrow, Milestone
from offerhub.sandbox.rules import fees
from tests.sandbox.deal import Deal
from tests.sandbox.player import Player


def escrow(bps: int) -> Escrow:
    return Escrow("", "single", "", "", "", {}, bps, (Milestone("m"),), "", amount=1)


@pytest.mark.parametrize(
    ("amount", "bps", "protocol", "expected"),
    [
        (5_000_000_000, 500, 30, (15_000_000, 250_000_000)),
        (3_000_000_000, 500, 30, (9_000_000, 150_000_000)),
        (3_333, 100, 30, (9, 33)),
        (333, 9_900, 30, (0, 329)),
        (1, 9_900, 30, (0, 0)),
        (5_000_000_000, 0, 0, (0, 0)),
    ],
)
def test_fees_are_floored_one_by_one(
    amount: int, bps: int, protocol: int, expected: tuple[int, int]
) -> None:
    assert fees(escrow(bps), amount, protocol) == expected


def payouts(split: list[int], bps: int, protocol: int) -> int:
    total = sum(split)
    taken = sum(fees(escrow(bps), total, protocol))
    return taken + sum(amount - amount * taken // total for amount in split)


def test_splits_with_two_decimals_always_divide_exactly() -> None:
    rng = random.Random(7)  # noqa: S311
    for _ in range(2_000):
        # 2-decimal shares of a 2-decimal total, whole percents: the shares of the fees are exact
        # only when each amount is; the sum can never exceed what is held.
        cents = [rng.randrange(1, 1_000_000) for _ in range(rng.randrange(1, 5))]
        split = [cent * 100_000 for cent in cents]
        assert payouts(split, rng.randrange(0, 99) * 100, 30) == sum(split)


def test_splits_with_seven_decimals_can_pay_more_than_there_is() -> None:
    rng = random.Random(7)  # noqa: S311
    over = 0
    for _ in range(500):
        split = [rng.randrange(1, 10_000_000_000) for _ in range(2)]
        excess = payouts(split, 500, 30) - sum(split)
        assert excess in (0, 1)
        over += excess
    assert over > 400


def test_what_leaves_a_contract_is_what_was_in_it(player: Player) -> None:
    rng = random.Random(11)  # noqa: S311
    deal = Deal(player, "multi")
    deal.body["milestones"] = [
        {"description": str(n), "amount": 10 + n, "receiver": deal.seller.public_key}
        for n in range(5)
    ]
    deal.funded(60)
    for index in range(5):
        if rng.random() < 0.5:
            deal.approve(index)
            deal.release(index)
            continue
        deal.dispute(index=index)
        part = Decimal(rng.randrange(1, 1000)) / 100
        split = {deal.buyer.public_key: float(part), deal.seller.public_key: float(10 - part)}
        deal.resolve({who: n for who, n in split.items() if n > 0}, index)
    parties = (deal.buyer, deal.seller, deal.platform)
    held = sum(player.balance(who.public_key) for who in parties)
    assert held + player.held(deal.contract) == 1000
    supply = player.get("/control/state").json()["supply"]
    assert supply[f"USDC:{player.issuer}"] == "1000.0000000"
