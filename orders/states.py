"""The states and their edges: the one table behind the models, the database's guards, the
diagram in the README and the tests that compare them."""

from django.db import models


class OrderStatus(models.TextChoices):
    """ "In flight" is no state: it is a live operation of the order."""

    CREATED = "CREATED"
    RESERVED = "RESERVED"
    ESCROW_CREATED = "ESCROW_CREATED"
    IN_PROGRESS = "IN_PROGRESS"
    DISPUTED = "DISPUTED"
    COMPLETED = "COMPLETED"
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"


class MilestoneStatus(models.TextChoices):
    OPEN = "OPEN"
    COMPLETED = "COMPLETED"
    APPROVED = "APPROVED"
    RELEASING = "RELEASING"
    RELEASED = "RELEASED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"


class EscrowStatus(models.TextChoices):
    DEPLOYING = "DEPLOYING"
    FAILED = "FAILED"  # the deployment was refused; asking again tries anew
    DEPLOYED = "DEPLOYED"
    FUNDED = "FUNDED"
    CLOSED = "CLOSED"  # nothing of the order is left in the contract


_O, _M, _E = OrderStatus, MilestoneStatus, EscrowStatus

ORDER_EDGES: dict[str, list[str]] = {
    _O.CREATED: [_O.RESERVED, _O.CANCELLED],
    _O.RESERVED: [_O.ESCROW_CREATED, _O.CANCELLED],
    _O.ESCROW_CREATED: [_O.IN_PROGRESS, _O.CANCELLED],
    _O.IN_PROGRESS: [_O.COMPLETED, _O.REFUNDED, _O.DISPUTED],
    _O.DISPUTED: [_O.COMPLETED, _O.REFUNDED, _O.IN_PROGRESS],
}

MILESTONE_EDGES: dict[str, list[str]] = {
    # A pledge of a campaign is approved without a completion (decision 14).
    _M.OPEN: [_M.COMPLETED, _M.APPROVED, _M.REFUNDED, _M.DISPUTED],
    _M.COMPLETED: [_M.APPROVED, _M.REFUNDED, _M.DISPUTED],
    _M.APPROVED: [_M.RELEASING, _M.REFUNDED, _M.DISPUTED],
    # Back to APPROVED only on proof that the release did not happen.
    _M.RELEASING: [_M.RELEASED, _M.APPROVED],
    _M.DISPUTED: [_M.RELEASED, _M.REFUNDED],
}

ESCROW_EDGES: dict[str, list[str]] = {
    _E.DEPLOYING: [_E.DEPLOYED, _E.FAILED],
    _E.FAILED: [_E.DEPLOYING],
    _E.DEPLOYED: [_E.FUNDED, _E.CLOSED],
    _E.FUNDED: [_E.CLOSED],
}

# A window of release: once closed it stays so.
WINDOW_EDGES: dict[str, list[str]] = {
    "WAITING": ["RUNNING", "CLOSED"],
    "RUNNING": ["CLOSED"],
}

# No money of the order is in a contract yet, or none is left: nothing more can happen.
FINAL_ORDER = (_O.COMPLETED, _O.REFUNDED, _O.CANCELLED)
OPEN_ORDER = tuple(status for status in _O if status not in FINAL_ORDER)
SETTLED_MILESTONE = (_M.RELEASED, _M.REFUNDED)
