"""Which withdrawals go together: as many as the network takes, never without the oldest."""

from dataclasses import dataclass

import pytest
from stellar_sdk import Keypair

from offerhub.chain import stellar
from payouts.packing import WALLETS, choose


@dataclass(frozen=True)
class Row:
    wallet: str
    together: int = 100


def test_a_hundred_of_one_wallet_go_together_and_the_next_waits() -> None:
    rows = [Row("a")] * 101
    assert len(choose(rows)) == 100


def test_of_many_wallets_nineteen_go_together_beside_the_channel() -> None:
    rows = [Row(str(number)) for number in range(40)]
    assert choose(rows) == rows[:19]
    assert WALLETS + 1 == stellar.MOST_SIGNATURES == 20


def test_more_of_the_wallets_that_sign_anyway_fill_the_transaction() -> None:
    """25 wallets in turn, eight each: those of the 19 that are in it are all taken, up to 100."""
    rows = [Row(str(number % 25)) for number in range(200)]
    chosen = choose(rows)
    assert len(chosen) == 100
    assert {row.wallet for row in chosen} == {str(number) for number in range(19)}


def test_the_oldest_sets_how_many_there_may_be() -> None:
    assert len(choose([Row("a", 3), *[Row("b")] * 9])) == 3
    assert len(choose([Row("a", 1), Row("b")])) == 1


def test_one_that_must_be_with_few_does_not_go_with_many() -> None:
    chosen = choose([*[Row("a")] * 5, Row("b", 2), *[Row("a")] * 5])
    assert len(chosen) == 10 and Row("b", 2) not in chosen
    assert choose([Row("a"), Row("b", 2), Row("a")]) == [Row("a"), Row("b", 2)]


def test_a_bad_one_among_a_hundred_is_alone_after_six_halvings() -> None:
    size, rounds = 100, 0
    while size > 1:
        size, rounds = max(1, size // 2), rounds + 1
    assert rounds == 6  # and the seventh transaction has it alone


def test_more_than_the_network_takes_is_never_built() -> None:
    channel, outside = Keypair.random().public_key, Keypair.random().public_key
    payers = [Keypair.random().public_key for _ in range(20)]
    twenty = [stellar.Payment(payer, outside, 1) for payer in payers]
    for payments in (twenty, twenty[:1] * 101):
        with pytest.raises(ValueError, match="too many"):
            stellar.build_payments(channel, 1, payments, None, 100)
