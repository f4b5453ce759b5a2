"""Jobs and sweeps of orders."""

from offerhub.chain.runner import advance
from offerhub.chain.submission import due
from offerhub.core import jobs
from orders.escrow import DRIVER
from orders.models import EscrowOperation


@jobs.job("orders.operation")
def run_operation(operation_id: str) -> None:
    """Bring one call to a contract as far as it goes now."""
    advance(EscrowOperation, operation_id, DRIVER)


@jobs.sweep("orders.operations", every=0.5)
def sweep_operations() -> list[jobs.Ring]:
    """Calls that are due: never rung for, put off, or left by a process that died."""
    return [("orders.operation", row) for row in due(EscrowOperation)]
