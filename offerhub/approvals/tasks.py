"""The end of proposals that nobody decided on."""

from offerhub.approvals import services
from offerhub.approvals.models import Proposal
from offerhub.approvals.states import ProposalStatus
from offerhub.core import clock
from offerhub.core.actor import system
from offerhub.core.jobs import Ring, sweep


@sweep("approvals.expiry", every=10.0)
def expire_due() -> list[Ring]:
    """By the product's clock; each in its own transaction."""
    due = Proposal.objects.filter(status=ProposalStatus.OPEN, expires_at__lte=clock.now())
    for proposal_id in due.order_by("expires_at").values_list("pk", flat=True)[:500]:
        services.expire(proposal_id=proposal_id, actor=system("approvals"))
    return []
