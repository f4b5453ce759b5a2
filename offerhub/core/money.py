"""Money is an integer count of stroops: 1 USDC = 10,000,000 (10⁻⁷ each, the chain's own int64).

This is the only file that turns text into amounts and back. Nothing here ever passes through a
binary float: JSON numbers arrive as their raw text (see `offerhub.api.parsing`).
"""

import re

from offerhub.core.errors import FieldError, InvalidRequest

SCALE = 7
UNIT = 10_000_000
MAX_AMOUNT = 9_223_372_036_854_775_807

_PLAIN = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)


def parse_amount(text: str, *, places: int = SCALE, field: str = "amount") -> int:
    """Stroops of a decimal text such as `"12.34"`; raises InvalidRequest naming the field.

    Refused, each by its own code: not a plain decimal (`invalid_amount`: signs, exponents, NaN,
    separators), zero or below (`amount_not_positive`), more decimals than the resource allows
    (`too_many_decimals`), more than a signed 64-bit count (`amount_too_large`).
    """
    if text.startswith("-"):
        raise _refuse(field, "amount_not_positive", "must be greater than zero")
    match = _PLAIN.fullmatch(text) if len(text) <= 64 else None
    if match is None:
        raise _refuse(
            field, "invalid_amount", 'must be a plain decimal such as 500 or "12.34", no exponent'
        )
    whole, fraction = match.group(1), match.group(2) or ""
    significant = fraction.rstrip("0")
    if len(fraction) > SCALE or len(significant) > places:
        raise _refuse(field, "too_many_decimals", f"takes at most {places} decimal places")
    amount = int(whole) * UNIT + int(fraction.ljust(SCALE, "0") or "0")
    if amount <= 0:
        raise _refuse(field, "amount_not_positive", "must be greater than zero")
    if amount > MAX_AMOUNT:
        raise _refuse(field, "amount_too_large", f"is more than {format_amount(MAX_AMOUNT)}")
    return amount


def format_amount(amount: int) -> str:
    """Decimal text with 2 to 7 places: 2000000000 → "200.00", 1 → "0.0000001"."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), UNIT)
    digits = f"{fraction:07d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{digits}"


def from_chain(text: str) -> int:
    """Stroops of an amount as Horizon writes it (`"12.3456789"`, zero allowed)."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > SCALE or not whole.isdecimal() or not (fraction or "0").isdecimal():
        raise ValueError(f"not a chain amount: {text!r}")
    return int(whole) * UNIT + int(fraction.ljust(SCALE, "0"))


def to_chain(amount: int) -> str:
    """The seven-place text that Stellar operations take."""
    if amount < 0:
        raise ValueError("chain amounts are not negative")
    whole, fraction = divmod(amount, UNIT)
    return f"{whole}.{fraction:07d}"


def _refuse(field: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(field, code, message)])
