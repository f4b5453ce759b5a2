"""Amounts: exact both ways, and every refusal by its own code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.core.errors import InvalidRequest
from offerhub.core.money import MAX_AMOUNT, format_amount, from_chain, parse_amount, to_chain


@given(st.integers(1, MAX_AMOUNT))
def test_every_amount_survives_the_way_out_and_back(amount: int) -> None:
    assert parse_amount(format_amount(amount)) == amount
    assert from_chain(to_chain(amount)) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [("500", 5_000_000_000), ("0.0000001", 1), ("12.30", 123_000_000), ("1.000", 10_000_000)],
)
def test_plain_decimals_are_read_exactly(text: str, amount: int) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_amount"),
        ("1e2", "invalid_amount"),
        ("NaN", "invalid_amount"),
        ("Infinity", "invalid_amount"),
        ("1,000", "invalid_amount"),
        ("01", "invalid_amount"),
        ("+1", "invalid_amount"),
        (" 1", "invalid_amount"),
        ("1\n", "invalid_amount"),
        (".5", "invalid_amount"),
        ("5.", "invalid_amount"),
        ("٥", "invalid_amount"),
        ("9" * 65, "invalid_amount"),
        ("0", "amount_not_positive"),
        ("0.00", "amount_not_positive"),
        ("-1", "amount_not_positive"),
        ("0.00000001", "too_many_decimals"),
        ("1.123", "too_many_decimals"),
        ("922337203685.4775808", "too_many_decimals"),
        ("922337203686", "amount_too_large"),
    ],
)
def test_each_bad_amount_is_refused_by_its_own_code(text: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_amount(text, places=2, field="milestones.0.amount")
    assert [(e.field, e.code) for e in refusal.value.errors] == [("milestones.0.amount", code)]
