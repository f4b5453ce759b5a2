"""Which calls to the contract bring about what was asked: pure functions of the present state.

A plan is a list of steps; the first becomes an operation now, each further one in the confirmation
of the step before it. The provider has no refund call: a refund is a dispute by the buyer and a
decision by the resolver that gives everything to the buyer.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

from offerhub.core.errors import FieldError, InvalidReference, WrongState
from orders.models import EscrowOperation, Milestone
from orders.states import SETTLED_MILESTONE, MilestoneStatus

Kind = EscrowOperation.Kind
_M = MilestoneStatus


class Step(TypedDict, total=False):
    """One call. `milestone` is its row's id, `index` its place in the contract."""

    kind: str
    milestone: str
    index: int
    args: dict[str, Any]


def to_release(milestones: Sequence[Milestone], ref: str | None, evidence: str) -> list[Step]:
    """The steps still missing until these milestones (or the one named) are released."""
    steps: list[Step] = []
    for milestone in _chosen(milestones, ref):
        if milestone.status in SETTLED_MILESTONE:
            if ref is not None:
                raise _settled(milestone)
            continue
        if milestone.status not in (_M.OPEN, _M.COMPLETED, _M.APPROVED):
            raise WrongState(f"Milestone {milestone.ref} is {milestone.status}")
        steps += _missing(milestone, evidence)
    if not steps:
        raise WrongState("Every milestone of this order is settled already")
    return steps


def _missing(milestone: Milestone, evidence: str) -> list[Step]:
    steps: list[Step] = []
    if milestone.status == _M.OPEN:
        steps.append(_step(Kind.COMPLETE, milestone, {"evidence": evidence}))
    if milestone.status in (_M.OPEN, _M.COMPLETED):
        steps.append(_step(Kind.APPROVE, milestone))
    steps.append(_step(Kind.RELEASE, milestone))
    return steps


def one_step(
    milestones: Sequence[Milestone], ref: str | None, action: str, evidence: str
) -> list[Step]:
    """Only `complete` or only `approve`, for the named milestone or every one that waits for it."""
    kind, source = {
        "complete": (Kind.COMPLETE, _M.OPEN),
        "approve": (Kind.APPROVE, _M.COMPLETED),
    }[action]
    args = {"evidence": evidence} if kind == Kind.COMPLETE else {}
    chosen = _chosen(milestones, ref)
    ready = [m for m in chosen if m.status == source]
    if not ready:
        states = ", ".join(f"{m.ref} is {m.status}" for m in chosen)
        raise WrongState(f"To {action} a milestone it must be {source}: {states}")
    return [_step(kind, milestone, args) for milestone in ready]


def to_refund(milestones: Sequence[Milestone], ref: str | None, reason: str) -> list[Step]:
    """Give back what is still in the contract, or one milestone of it."""
    steps: list[Step] = []
    for milestone in _chosen(milestones, ref):
        if milestone.status in SETTLED_MILESTONE:
            if ref is not None:
                raise _settled(milestone)
            continue
        if milestone.status in (_M.RELEASING, _M.DISPUTED):
            raise WrongState(f"Milestone {milestone.ref} is {milestone.status}")
        steps.append(_step(Kind.DISPUTE, milestone, {"reason": reason}))
        steps.append(_step(Kind.RESOLVE, milestone, {"to_seller": 0, "to_buyer": milestone.amount}))
    if not steps:
        raise WrongState("Nothing of this order is left in escrow")
    return steps


def _step(kind: Kind, milestone: Milestone, args: dict[str, Any] | None = None) -> Step:
    return {
        "kind": kind.value,
        "milestone": milestone.id,
        "index": milestone.position,
        "args": args or {},
    }


def _chosen(milestones: Sequence[Milestone], ref: str | None) -> Sequence[Milestone]:
    """All, or the one that a body names by its own id or ours."""
    if ref is None:
        return milestones
    chosen = [m for m in milestones if ref in (m.ref, m.id)]
    if not chosen:
        known = ", ".join(m.ref for m in milestones)
        raise InvalidReference(
            errors=[FieldError("milestoneId", "unknown_milestone", f"is none of {known}")]
        )
    return chosen


def _settled(milestone: Milestone) -> WrongState:
    return WrongState(f"Milestone {milestone.ref} is {milestone.status} already")
