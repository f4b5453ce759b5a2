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


class BatchStatus(models.TextChoices):
    """Where a batch is. What became of its items is said by them, not by it."""

    RECEIVED = "RECEIVED"  # its items are being checked
    PAYING = "PAYING"  # the good ones are paid, or wait for somebody
    FINISHED = "FINISHED"  # every item has its end


class ItemState(models.TextChoices):
    """Where one item of a batch is."""

    CHECKING = "CHECKING"
    REFUSED = "REFUSED"  # there is no withdrawal; `problem` says why
    HELD = "HELD"  # over the limit: a person of the desk must agree
    READY = "READY"  # wants a payment
    CARRIED = "CARRIED"  # a payment has it
    ENDED = "ENDED"  # as its withdrawal says


_B, _I = BatchStatus, ItemState

BATCH_EDGES: dict[str, list[str]] = {
    _B.RECEIVED: [_B.PAYING],
    _B.PAYING: [_B.FINISHED],
}
ITEM_EDGES: dict[str, list[str]] = {
    _I.CHECKING: [_I.REFUSED, _I.HELD, _I.READY],
    _I.HELD: [_I.READY, _I.ENDED],
    _I.READY: [_I.CARRIED, _I.ENDED],
    _I.CARRIED: [_I.READY, _I.ENDED],
}
# Not at their end yet.
OPEN_ITEMS = (_I.CHECKING, _I.HELD, _I.READY, _I.CARRIED)
