"""The states of a proposal and their edges: the table behind the model and the database's guard."""

from django.db import models


class ProposalStatus(models.TextChoices):
    """Every end is final: who wants something else proposes anew."""

    OPEN = "OPEN"  # waits for a second person
    APPROVED = "APPROVED"  # by a second person, or on the spot where none was needed
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"  # by whoever proposed it
    EXPIRED = "EXPIRED"


_S = ProposalStatus

PROPOSAL_EDGES: dict[str, list[str]] = {
    _S.OPEN: [_S.APPROVED, _S.REJECTED, _S.WITHDRAWN, _S.EXPIRED],
}
