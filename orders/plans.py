"""Which calls to the contract bring about what was asked: pure functions of the present state.

A plan is a list of steps; the first becomes an operation now, each further one in the confirmation
of the step before it. The provider has no refund call: a refund is a dispute by the buyer and a
decision by the resolver that gives everything to the buyer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from offerhub.budget.lanes import Lane
from offerhub.core.actor import Actor
from offerhub.core.errors import FieldError, InvalidReference, WrongState
from orders.models import EscrowOperation, Milestone
from orders.states import SETTLED_MILESTONE, MilestoneStatus

Kind = EscrowOperation.Kind
_M = MilestoneStatus


# A division's call was not even built: the contract does not hold what was to be divided.
BALANCE_MOVED = "contract_balance_moved"
Party = Literal["buyer", "seller"]
# Neither paid, nor on its way, nor frozen.
OPEN_TO_ALL = (_M.OPEN, _M.COMPLETED, _M.APPROVED)


class Step(TypedDict, total=False):
    """One call. `milestone` is its row's id, `index` its place in the contract. `actor` is set
    where the step was put into the plan of somebody else, `lane` where it is not an ordinary one.
    """

    kind: str
    milestone: str
    index: int
    args: dict[str, Any]
    actor: str
    request_id: str
    lane: int


@dataclass(frozen=True)
class Share:
    """How a disputed milestone is divided, before fees; in stroops, together its amount."""

    milestone_id: str
    to_seller: int
    to_buyer: int


def to_release(milestones: Sequence[Milestone], ref: str | None, evidence: str) -> list[Step]:
    """The steps still missing until these milestones (or the one named) are released."""
    steps: list[Step] = []
    for milestone in chosen(milestones, ref):
        if milestone.status in SETTLED_MILESTONE:
            if ref is not None:
                raise _settled(milestone)
            continue
        if milestone.status not in OPEN_TO_ALL:
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


def to_pay(milestones: Sequence[Milestone]) -> list[Step]:
    """Release what is open without the seller's word: the contract asks for the buyer's alone."""
    steps: list[Step] = []
    for milestone in milestones:
        if milestone.status in (_M.OPEN, _M.COMPLETED):
            steps.append(_step(Kind.APPROVE, milestone))
        if milestone.status in OPEN_TO_ALL:
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
    picked = chosen(milestones, ref)
    ready = [m for m in picked if m.status == source]
    if not ready:
        states = ", ".join(f"{m.ref} is {m.status}" for m in picked)
        raise WrongState(f"To {action} a milestone it must be {source}: {states}")
    return [_step(kind, milestone, args) for milestone in ready]


def to_refund(milestones: Sequence[Milestone], ref: str | None, reason: str) -> list[Step]:
    """Give back what is still in the contract, or one milestone of it."""
    steps: list[Step] = []
    for milestone in chosen(milestones, ref):
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


def to_divide(
    milestones: Sequence[Milestone], ref: str | None, to_seller: int, reason: str, *, sweep: bool
) -> list[Step]:
    """Pay one milestone to both parties as they agreed: `to_seller` stroops, the rest back.

    The contract has no such call, so it is frozen by the buyer and divided by the resolver.
    """
    picked = chosen(milestones, ref)
    if len(picked) != 1:
        raise InvalidReference(
            errors=[FieldError("milestoneId", "missing", "must say which milestone is divided")]
        )
    (milestone,) = picked
    if milestone.status not in OPEN_TO_ALL:
        raise WrongState(f"Milestone {milestone.ref} is {milestone.status}")
    if to_seller == milestone.amount:
        return to_release(milestones, milestone.ref, reason)
    if to_seller == 0:
        return to_refund(milestones, milestone.ref, reason)
    shares = {"to_seller": to_seller, "to_buyer": milestone.amount - to_seller}
    return [
        _step(Kind.DISPUTE, milestone, {"reason": reason, "divided": True}),
        *divided(milestone.id, milestone.position, shares, sweep=sweep),
    ]


def to_pay_out(milestone: Milestone, reason: str) -> list[Step]:
    """Pay the seller without the buyer: frozen by the seller, and paid by the resolver."""
    shares = {"to_seller": milestone.amount, "to_buyer": 0}
    return [
        _step(Kind.DISPUTE, milestone, {"reason": reason, "divided": True, "by": "seller"}),
        *divided(milestone.id, milestone.position, shares, sweep=False),
    ]


def divided(milestone: str, index: int, shares: dict[str, Any], *, sweep: bool) -> list[Step]:
    """The resolver's call for a frozen milestone; a stranger's money leaves before it."""
    place: Step = {"milestone": milestone, "index": index}
    steps: list[Step] = [{**place, "kind": Kind.RESOLVE.value, "args": shares}]
    if sweep:
        steps.insert(0, {**place, "kind": Kind.SWEEP.value, "args": {}})
    return steps


def divided_again(failed: EscrowOperation, *, sweep: bool) -> list[Step]:
    """The same once more, after a call of it failed; the milestone is frozen since."""
    args = failed.args if failed.kind == Kind.RESOLVE else failed.then[0]["args"]
    shares = {name: args[name] for name in ("to_seller", "to_buyer")}
    index = failed.args["index"]
    return divided(str(failed.milestone_id), index, shares, sweep=sweep and all(shares.values()))


def to_freeze(milestones: Sequence[Milestone], dispute: str, by: Party) -> list[Step]:
    """Freeze these; the call is signed by the party that opened the dispute."""
    args = {"dispute": dispute, "by": by}
    return [_step(Kind.DISPUTE, milestone, args) for milestone in milestones]


def to_settle(
    milestones: Mapping[str, Milestone],
    shares: Sequence[Share],
    dispute: str,
    *,
    sweep_first: bool,
) -> list[Step]:
    """Divide each as decided. A stranger's money leaves first where two are paid: the contract's
    rounding is exact for whole cents only."""
    steps: list[Step] = []
    for share in shares:
        milestone = milestones[share.milestone_id]
        if sweep_first and share.to_seller and share.to_buyer:
            steps.append(_step(Kind.SWEEP, milestone, {"dispute": dispute}))
        args = {"dispute": dispute, "to_seller": share.to_seller, "to_buyer": share.to_buyer}
        steps.append(_step(Kind.RESOLVE, milestone, args))
    return steps


def asked_by(steps: Sequence[Step], actor: Actor) -> list[Step]:
    """The same steps, to be put into a plan that somebody else asked for."""
    return [{**step, "actor": str(actor), "request_id": actor.request_id} for step in steps]


def in_lane(steps: Sequence[Step], lane: Lane) -> list[Step]:
    """The same steps for this reason; those that have one keep it."""
    return [{"lane": lane.value, **step} for step in steps] if lane != Lane.ORDER else [*steps]


def _step(kind: Kind, milestone: Milestone, args: dict[str, Any] | None = None) -> Step:
    return {
        "kind": kind.value,
        "milestone": milestone.id,
        "index": milestone.position,
        "args": args or {},
    }


def chosen(milestones: Sequence[Milestone], ref: str | None) -> Sequence[Milestone]:
    """All, or the one that a body names by its own id or ours."""
    if ref is None:
        return milestones
    found = [m for m in milestones if ref in (m.ref, m.id)]
    if not found:
        known = ", ".join(m.ref for m in milestones)
        raise InvalidReference(
            errors=[FieldError("milestoneId", "unknown_milestone", f"is none of {known}")]
        )
    return found


def _settled(milestone: Milestone) -> WrongState:
    return WrongState(f"Milestone {milestone.ref} is {milestone.status} already")
