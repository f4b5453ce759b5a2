"""The states and their edges: the one table behind the models, the database's guards, the
drawings in the README and the tests that compare them."""

from django.db import models


class SubscriptionStatus(models.TextChoices):
    """ "Ends with its period" is no state: it is `stops_at`."""

    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"  # a cycle could not be paid; it is tried again
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"  # over; the last contracts are being settled
    CANCELLED = "CANCELLED"


class CycleStatus(models.TextChoices):
    """Where its money is says the order; whether it has begun says the clock."""

    UNPAID = "UNPAID"  # there is no order, because the buyer's money did not suffice
    OPEN = "OPEN"  # its order is not over
    SETTLED = "SETTLED"
    DROPPED = "DROPPED"  # never paid, and nobody asks for it any more


_S, _C = SubscriptionStatus, CycleStatus

SUBSCRIPTION_EDGES: dict[str, list[str]] = {
    _S.ACTIVE: [_S.PAST_DUE, _S.PAUSED, _S.CANCELLING, _S.CANCELLED],
    _S.PAST_DUE: [_S.ACTIVE, _S.PAUSED, _S.CANCELLING, _S.CANCELLED],
    _S.PAUSED: [_S.ACTIVE, _S.CANCELLING, _S.CANCELLED],
    _S.CANCELLING: [_S.CANCELLED],
}

CYCLE_EDGES: dict[str, list[str]] = {
    _C.UNPAID: [_C.OPEN, _C.DROPPED],
    _C.OPEN: [_C.SETTLED],
}

GOES_ON = (_S.ACTIVE, _S.PAST_DUE)
OVER = (_S.CANCELLING, _S.CANCELLED)
# Cycles of which something is still to come.
UNSETTLED = (_C.UNPAID, _C.OPEN)
