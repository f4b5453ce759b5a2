"""Dividing money between seller and buyer: pure functions, integers only, in stroops.

One published rule: shares are whole cents; from a percentage the seller's share is rounded down to
the cent and the remainder is the buyer's. A sum for several milestones is laid on them in
proportion to their amounts; odd cents go by largest remainder, and among equals to the first.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from disputes.states import Decision
from offerhub.core.errors import FieldError, InvalidRequest
from offerhub.core.money import format_amount
from orders.plans import Share

CENT = 100_000  # stroops
BASIS = 10_000  # a percentage has two decimals


def of_percent(amount: int, percent: Decimal) -> tuple[int, int]:
    """The seller's and the buyer's share, from the seller's percentage (0 to 100, two decimals)."""
    points = int(percent * 100)
    if not 0 <= points <= BASIS or points != percent * 100:
        raise _refuse("percent", "must be from 0 to 100 with at most two decimals")
    seller = amount * points // BASIS // CENT * CENT
    return seller, amount - seller


def decided(
    amounts: Mapping[str, int], decision: str, split: Mapping[str, int] | None, field: str = "split"
) -> list[Share]:
    """The shares of milestones (row id → amount) by one decision over all of them.

    Raises InvalidRequest when a split is missing, superfluous, or not the amount.
    """
    if decision != Decision.SPLIT:
        if split is not None:
            raise _refuse(field, "is for the decision SPLIT alone")
        to_seller = decision == Decision.RELEASE
        return [
            Share(one, n if to_seller else 0, 0 if to_seller else n) for one, n in amounts.items()
        ]
    if split is None:
        raise _refuse(field, "is required with the decision SPLIT", "required")
    total, given = sum(amounts.values()), split["seller"] + split["buyer"]
    if given != total:
        raise _refuse(
            field, f"adds up to {format_amount(given)}; in dispute are {format_amount(total)}"
        )
    parts = proportionally(split["seller"], list(amounts.values()))
    return [
        Share(one, part, amount - part)
        for (one, amount), part in zip(amounts.items(), parts, strict=True)
    ]


def proportionally(sum_of_shares: int, amounts: Sequence[int]) -> list[int]:
    """Lay a sum of whole cents on amounts of whole cents; no part is more than its amount."""
    total = sum(amounts)
    parts = [sum_of_shares * amount // total // CENT * CENT for amount in amounts]
    left = (sum_of_shares - sum(parts)) // CENT
    by_remainder = sorted(
        range(len(amounts)), key=lambda i: (parts[i] * total - sum_of_shares * amounts[i], i)
    )
    for i in by_remainder[:left]:
        parts[i] += CENT
    return parts


def _refuse(field: str, message: str, code: str = "does_not_add_up") -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(field, code, message)])
