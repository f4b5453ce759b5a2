"""The calls to the contract that a dispute asked for: read only."""

from typing import Any

from disputes.models import Dispute
from offerhub.chain.submission import LIVE, Status
from offerhub.core.errors import OperationInFlight, WrongState
from orders.models import EscrowOperation
from orders.states import MilestoneStatus


def refuse_unless_frozen(dispute: Dispute) -> None:
    rows = dispute.milestones.select_related("milestone")
    if all(row.milestone.status == MilestoneStatus.DISPUTED for row in rows):
        return
    refuse_while_live(dispute)
    raise WrongState("The money is not frozen on the chain; retry the freeze first")


def refuse_while_live(dispute: Dispute) -> None:
    live = operations(dispute).filter(status__in=LIVE).first()
    if live is not None:
        raise OperationInFlight(
            f"Operation {live.id} ({live.kind}) is {live.status}; try again when it has ended",
            retry_after=1,
            operationId=live.id,
        )


def is_live(dispute: Dispute) -> bool:
    return bool(operations(dispute).filter(status__in=LIVE).exists())


def operations(dispute: Dispute, kind: str = "") -> Any:
    """The order's calls; with a kind, only those that this dispute asked for."""
    rows = EscrowOperation.objects.filter(order_id=dispute.order_id)
    return rows.filter(kind=kind, args__dispute=dispute.id) if kind else rows


def last_problem(dispute: Dispute, kind: str) -> dict[str, str]:
    failed = operations(dispute, kind).filter(status=Status.FAILED).order_by("-id").first()
    problem = (failed.problem if failed else None) or {}
    return {
        "code": problem.get("code", "not_asked"),
        "detail": problem.get("detail", "The contract was not told"),
    }
