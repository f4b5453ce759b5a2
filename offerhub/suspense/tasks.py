"""Jobs and sweeps of clearances."""

from offerhub.chain import tables
from offerhub.chain.runner import advance
from offerhub.core import jobs
from offerhub.suspense.models import Clearance
from offerhub.suspense.payment import DRIVER
from offerhub.suspense.services import JOB


@jobs.job(JOB)
def clear(operation_id: str) -> None:
    """Bring one payment as far as it goes now."""
    advance(Clearance, operation_id, DRIVER)


@jobs.sweep("suspense.due", every=5.0)
def due() -> list[jobs.Ring]:
    """Payments whose bell was lost, whose runner died, or whose next look is due."""
    return [(JOB, row_id) for row_id in tables.due(Clearance)]
