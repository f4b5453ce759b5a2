"""Dividing money: sums, the remainder rule, and no part larger than its whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disputes.shares import CENT, decided, of_percent, proportionally
from disputes.states import Decision
from offerhub.core.errors import InvalidRequest
from offerhub.core.money import parse_amount

cents = st.integers(1, 10**12).map(lambda n: n * CENT)
percents = st.integers(0, 10_000).map(lambda n: Decimal(n) / 100)


@given(cents, percents)
def test_the_sellers_share_is_rounded_down_to_the_cent_and_the_rest_is_the_buyers(
    amount: int, percent: Decimal
) -> None:
    seller, buyer = of_percent(amount, percent)
    assert seller + buyer == amount
    assert seller % CENT == 0
    exact = Decimal(amount) * percent / 100
    assert 0 <= exact - seller < CENT


@given(st.lists(cents, min_size=1, max_size=10), st.data())
def test_a_sum_laid_on_milestones_stays_the_sum(amounts: list[int], data: st.DataObject) -> None:
    whole = sum(amounts) // CENT
    share = data.draw(st.integers(0, whole)) * CENT
    parts = proportionally(share, amounts)
    assert sum(parts) == share
    assert all(
        0 <= part <= amount and part % CENT == 0
        for part, amount in zip(parts, amounts, strict=True)
    )


@given(st.lists(cents, min_size=1, max_size=10), st.data())
def test_every_decision_divides_each_milestone_whole(
    amounts: list[int], data: st.DataObject
) -> None:
    rows = {f"mil_{i}": amount for i, amount in enumerate(amounts)}
    seller = data.draw(st.integers(0, sum(amounts) // CENT)) * CENT
    split = {"seller": seller, "buyer": sum(amounts) - seller}
    for decision, given_split in [("RELEASE", None), ("REFUND", None), ("SPLIT", split)]:
        shares = decided(rows, decision, given_split)
        assert [(s.milestone_id, s.to_seller + s.to_buyer) for s in shares] == list(rows.items())
        to_seller = sum(s.to_seller for s in shares)
        assert to_seller == {"RELEASE": sum(amounts), "REFUND": 0, "SPLIT": seller}[decision]


@pytest.mark.parametrize(
    ("amounts", "share", "parts"),
    [
        ("100 200", "75", "25 50"),
        ("100 100", "0.01", "0.01 0"),  # equal remainders: the first
        ("0.01 0.02", "0.02", "0.01 0.01"),
        ("33.33 66.67", "50", "16.67 33.33"),
    ],
)
def test_odd_cents_go_by_largest_remainder(amounts: str, share: str, parts: str) -> None:
    def stroops(texts: str) -> list[int]:
        return [parse_amount(t) if t != "0" else 0 for t in texts.split()]

    assert proportionally(stroops(share)[0], stroops(amounts)) == stroops(parts)


@pytest.mark.parametrize("percent", ["-1", "100.01", "33.333"])
def test_a_percentage_out_of_range_is_refused(percent: str) -> None:
    with pytest.raises(InvalidRequest, match="percent"):
        of_percent(100 * CENT, Decimal(percent))


@pytest.mark.parametrize(
    ("decision", "split", "words"),
    [
        (Decision.SPLIT, None, "is required"),
        (Decision.SPLIT, {"seller": 1, "buyer": 1}, "adds up to"),
        (Decision.REFUND, {"seller": 0, "buyer": CENT}, "SPLIT alone"),
    ],
)
def test_a_split_that_is_not_the_amount_is_refused(
    decision: str, split: dict[str, int] | None, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        decided({"mil_1": CENT}, decision, split)
