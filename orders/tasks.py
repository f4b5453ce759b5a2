"""Jobs and sweeps of orders."""

from offerhub.budget import queue
from offerhub.budget.requests import limit
from offerhub.chain.runner import advance
from offerhub.chain.tables import due
from offerhub.core import jobs
from orders import signing, windows
from orders.campaigns import tasks as campaign_tasks
from orders.escrow import DRIVER
from orders.models import EscrowOperation, ReleaseWindow
from orders.reimbursements import payment
from orders.reimbursements.models import Reimbursement
from orders.reimbursements.services import JOB as REIMBURSEMENT

__all__ = ["campaign_tasks"]


@jobs.job("orders.operation")
def run_operation(operation_id: str) -> None:
    """Bring one call to a contract as far as it goes now."""
    advance(EscrowOperation, operation_id, DRIVER)


@jobs.sweep("orders.operations", every=0.5)
def sweep_operations() -> list[jobs.Ring]:
    """Calls that are due: never rung for, put off, or left by a process that died; and those whose
    turn with the escrow provider it is."""
    turns = _turns() if limit() else []
    return [("orders.operation", row) for row in dict.fromkeys([*turns, *due(EscrowOperation)])]


def _turns() -> list[str]:
    queue.forget_the_lost()
    called = queue.next_turns()
    waiting = EscrowOperation.objects.filter(pk__in=called, status=EscrowOperation.Status.PENDING)
    alive = set(waiting.values_list("pk", flat=True))
    queue.forget([row for row in called if row not in alive])
    return [row for row in called if row in alive]


@jobs.sweep("orders.unsigned", every=5.0)
def sweep_unsigned() -> list[jobs.Ring]:
    """Calls that a party did not sign in time."""
    return [("orders.operation", row) for row in signing.wake()]


@jobs.job("orders.release_window")
def attend_window(milestone_id: str) -> None:
    """Remind, release, or look whether the release came about."""
    windows.attend(milestone_id=milestone_id)


@jobs.sweep("orders.release_windows", every=1.0)
def sweep_windows() -> list[jobs.Ring]:
    """Windows of which something is due."""
    return [("orders.release_window", row) for row in ReleaseWindow.objects.due()]


@jobs.job(REIMBURSEMENT)
def reimburse(operation_id: str) -> None:
    """Bring one payment of a refund's fees as far as it goes now."""
    advance(Reimbursement, operation_id, payment.DRIVER)


@jobs.sweep("orders.reimbursements", every=5.0)
def sweep_reimbursements() -> list[jobs.Ring]:
    """Payments whose bell was lost, or that waited for money on the platform wallet."""
    return [(REIMBURSEMENT, row) for row in due(Reimbursement)]
