"""What a seller has earned of a cycle that ends before its time.

The day count: the time elapsed at the instant of ending over the cycle's whole length, both as they
passed on the clock, so that a day of 23 hours counts as 23. The seller's share is rounded down to
the cent, which is the finest that the contract divides exactly; all the rest is the buyer's.
"""

from datetime import datetime, timedelta

from offerhub.core.money import UNIT

CENT = UNIT // 100
_INSTANT = timedelta(microseconds=1)


def earned(amount: int, starts_at: datetime, ends_at: datetime, at: datetime) -> int:
    """The seller's share in stroops, whole cents, of `amount` (whole cents too): 0 before the
    start, all of it from the end on."""
    elapsed = min(max(at, starts_at), ends_at) - starts_at
    share = amount * (elapsed // _INSTANT) // ((ends_at - starts_at) // _INSTANT)
    return share // CENT * CENT
