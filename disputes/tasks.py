"""Jobs and sweeps of disputes."""

from disputes import following, services
from disputes.evidence.services import sweep_orphans
from disputes.models import Dispute
from offerhub.core import jobs
from offerhub.core.actor import system


@jobs.job("disputes.follow")
def follow(dispute_id: str) -> None:
    """Take note of what became of the calls to the contract that a dispute asked for."""
    following.follow(dispute_id=dispute_id, actor=system("disputes"))


@jobs.job("disputes.answer_overdue")
def answer_overdue(dispute_id: str) -> None:
    """Go on without a party whose time to answer is over."""
    services.answer_overdue(dispute_id=dispute_id, actor=system("disputes"))


@jobs.sweep("disputes.settling", every=5.0)
def sweep_settling() -> list[jobs.Ring]:
    """Disputes whose calls have ended without the ring having been heard."""
    return [("disputes.follow", row) for row in Dispute.objects.to_follow()]


@jobs.sweep("disputes.overdue", every=30.0)
def sweep_overdue() -> list[jobs.Ring]:
    """Parties that were asked and let their time pass."""
    return [("disputes.answer_overdue", row) for row in Dispute.objects.answers_overdue()]


@jobs.sweep("disputes.orphans", every=6 * 3600.0)
def sweep_files() -> list[jobs.Ring]:
    """Files that no row names."""
    sweep_orphans()
    return []
