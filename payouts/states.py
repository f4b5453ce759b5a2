"""The states of a withdrawal and their edges: the one table behind the model, the database's
guard, the drawing in the README and the tests that compare them."""

from django.db import models


class WithdrawalStatus(models.TextChoices):
    """What is not known yet is no state here: it is the operation's own UNKNOWN."""

    REQUESTED = "REQUESTED"  # the money is set aside; nothing is signed
    SUBMITTED = "SUBMITTED"  # an envelope is signed and kept: it may apply, so nobody can cancel
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"  # proven not to have happened; the money is back
    CANCELLED = "CANCELLED"


_W = WithdrawalStatus

WITHDRAWAL_EDGES: dict[str, list[str]] = {
    _W.REQUESTED: [_W.SUBMITTED, _W.FAILED, _W.CANCELLED],
    _W.SUBMITTED: [_W.COMPLETED, _W.FAILED],
}

# Not decided yet: the amount is pending.
OPEN = (_W.REQUESTED, _W.SUBMITTED)
