"""The states of a dispute and their edges: the one table behind the model, the database's guard,
the drawing in the README and the tests that compare them."""

from django.db import models


class DisputeStatus(models.TextChoices):
    """Frozen or not is no state here: it is the milestones' own DISPUTED."""

    OPEN = "OPEN"  # nobody has looked at it yet
    UNDER_REVIEW = "UNDER_REVIEW"
    WAITING_PARTY = "WAITING_PARTY"  # a party must answer; the clocks stand
    PROPOSED = "PROPOSED"  # a resolution waits for a second person
    SETTLING = "SETTLING"  # decided; the contract is being told
    RESOLVED = "RESOLVED"
    WITHDRAWN = "WITHDRAWN"  # who opened it gave it up


_D = DisputeStatus

DISPUTE_EDGES: dict[str, list[str]] = {
    _D.OPEN: [_D.UNDER_REVIEW, _D.WITHDRAWN],
    _D.UNDER_REVIEW: [_D.WAITING_PARTY, _D.PROPOSED, _D.WITHDRAWN],
    _D.WAITING_PARTY: [_D.UNDER_REVIEW],
    # Back to the desk: rejected, taken back or expired; or proven not to have been settled.
    _D.PROPOSED: [_D.SETTLING, _D.UNDER_REVIEW],
    _D.SETTLING: [_D.RESOLVED, _D.WITHDRAWN, _D.UNDER_REVIEW],
}

CLOSED = (_D.RESOLVED, _D.WITHDRAWN)
# The desk may still decide, and the parties may still be heard.
IN_HAND = (_D.OPEN, _D.UNDER_REVIEW, _D.WAITING_PARTY)
OPEN_STATES = tuple(state for state in DisputeStatus if state not in CLOSED)


class Party(models.TextChoices):
    """Who speaks in a dispute."""

    BUYER = "BUYER"
    SELLER = "SELLER"
    STAFF = "STAFF"


PARTIES = (Party.BUYER, Party.SELLER)


class Decision(models.TextChoices):
    """What becomes of a disputed milestone's money."""

    RELEASE = "RELEASE"  # all to the seller
    REFUND = "REFUND"  # all to the buyer
    SPLIT = "SPLIT"
