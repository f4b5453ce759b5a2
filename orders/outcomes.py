"""What the chain did with the calls that were asked of a contract: state, ledger and event.

One transaction each. Money moves here only, by the amounts that the chain paid.
"""

from collections.abc import Callable
from typing import Any, Literal, TypedDict, Unpack

from django.db import transaction

from ledger import movements
from ledger.services import NewAccount
from offerhub.chain.submission import Status
from offerhub.chain.types import ChainFact
from offerhub.core import jobs
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import WrongState
from orders import plans, rows, windows, writing
from orders.campaigns.rules import ACTOR, JOB
from orders.models import EscrowOperation, Milestone
from orders.operations import begin, planned, start
from orders.reimbursements import services as reimbursements
from orders.release_policy import Starts
from orders.services import ASSET
from orders.settlement import settle, settle_surplus
from orders.states import FINAL_ORDER, OrderStatus

Kind = EscrowOperation.Kind


@in_transaction
def confirm(operation_id: str, fact: ChainFact) -> None:
    """The chain did it: state, ledger and event, then the plan's next step. Does it once."""
    operation = rows.locked_call(operation_id)
    if not operation.is_live:
        return
    changed = _CONFIRMATIONS[Kind(operation.kind)](operation, fact)
    if operation.kind == Kind.FUND:
        windows.begin(operation.order, Starts.FUNDED)
    elif operation.kind == Kind.COMPLETE:
        windows.begin(operation.order, Starts.COMPLETED, operation.milestone)
    follower = None
    if operation.then:
        follower = planned(operation.order.escrow, operation.then, asker(operation))
    _record(
        operation,
        "confirmed",
        {"ledger": fact.ledger},
        changed=changed,
        fact=fact,
        follower=follower,
    )
    if operation.kind == Kind.RESOLVE:
        _reimburse(operation)
    _tell_dispute(operation)
    _tell_campaign(operation)
    if follower is not None:
        begin(follower, operation.milestone)


def _reimburse(operation: EscrowOperation) -> None:
    """Where the marketplace bears the fees of refunds, it pays them now."""
    order, to_buyer = operation.order, operation.args["to_buyer"]
    milestone, asked = _milestone(operation), operation.request_id
    payment = reimbursements.request(order, milestone, to_buyer, request_id=asked)
    if payment is not None:
        payload = reimbursements.told(payment)
        writing.save(
            order, "order.reimbursement_requested", actor=asker(operation), payload=payload
        )


@in_transaction
def fail(operation_id: str, code: str, detail: str, fact: ChainFact | None) -> None:
    """Proven not to have happened: the state goes back to where it was asked from."""
    operation = rows.locked_call(operation_id)
    if not operation.is_live:
        return
    escrow, kind = operation.order.escrow, Kind(operation.kind)
    changed: writing.Changed = ()
    if kind == Kind.RELEASE:
        changed = (milestone := _milestone(operation),)
        milestone.release_failed()
    if kind == Kind.DEPLOY:
        changed = (escrow,)
        escrow.deploy_failed()
    if fact is not None:
        _book_fee(operation, fact)
    operation.problem = {"code": code, "detail": detail[:500]}
    _record(
        operation, "failed", operation.problem, changed=changed, status=Status.FAILED, fact=fact
    )
    _tell_dispute(operation)
    if code == plans.BALANCE_MOVED and "dispute" not in operation.args:
        # Somebody sent money into the contract since it was planned: that goes out first.
        steps = plans.divided_again(operation, sweep=True)
        start(escrow, [*steps, *operation.then], asker(operation))
        return
    # The rest of a plan falls with its step; what a dispute asked for does not hang on it.
    if asked := [step for step in operation.then if "dispute" in step.get("args", {})]:
        start(escrow, asked, asker(operation), operation.milestone)


@transaction.atomic
def retire(operation: EscrowOperation, code: str, fact: ChainFact) -> None:
    """Its envelope failed in a ledger and another one follows: only what the network charged is
    booked. `operation` is the runner's own, with its lease."""
    if operation.retire_envelope(code):
        _book_fee(operation, fact)
        operation.charge(fact)


def asker(operation: EscrowOperation) -> Actor:
    """Who asked for the plan that this operation is a step of."""
    return Actor.parse(operation.actor, operation.request_id)


def _tell_dispute(operation: EscrowOperation) -> None:
    """A dispute follows what became of the calls it asked for."""
    if dispute := operation.args.get("dispute"):
        jobs.ring("disputes.follow", dispute)


def _tell_campaign(operation: EscrowOperation) -> None:
    """A campaign follows what it asked for by itself, in bulk; what others did it is told of."""
    order = operation.order
    over = order.status in FINAL_ORDER or order.status == OrderStatus.DISPUTED
    if order.campaign_id and over and operation.actor != str(ACTOR):
        jobs.ring(JOB, order.campaign_id)


class _Written(TypedDict, total=False):
    """What `writing.save` takes beside the order and its event."""

    changed: writing.Changed
    status: Status
    fact: ChainFact | None
    follower: EscrowOperation | None


def _record(
    operation: EscrowOperation,
    end: Literal["confirmed", "failed"],
    payload: dict[str, Any],
    **written: Unpack[_Written],
) -> None:
    """Write the operation's end, its event, and what changed with it."""
    facts = {"operationId": operation.id, "hash": operation.hash, **payload}
    if operation.milestone is not None:
        facts["milestoneId"] = operation.milestone.ref
    writing.save(
        operation.order,
        f"escrow.{operation.kind.lower()}_{end}",
        actor=asker(operation),
        payload=facts,
        ended=operation,
        **written,
    )


def _confirm_deploy(operation: EscrowOperation, fact: ChainFact) -> writing.Changed:
    escrow = operation.order.escrow
    escrow.contract_id = operation.envelope_meta["contract_id"]
    escrow.deployed()
    operation.order.escrow_created()
    account = NewAccount("contract", escrow.contract_id, ASSET)
    _book_fee(operation, fact, opens=account)
    return (escrow,)


def _confirm_fund(operation: EscrowOperation, fact: ChainFact) -> writing.Changed:
    order, escrow = operation.order, operation.order.escrow
    escrow.funded = order.amount
    escrow.fund()
    order.funded()
    movements.escrow_funded(
        marketplace_id=order.marketplace_id,
        user_id=order.buyer_id,
        order_id=order.id,
        buyer_address=escrow.buyer_address,
        contract=escrow.contract_id,
        amount=order.amount,
        asset=ASSET,
        fact=fact,
        operation_id=operation.id,
        fee_address=operation.fee_address(fact),
        held=not order.buyer_external,
        actor=system("chain"),
    )
    return (escrow,)


def _confirm_complete(operation: EscrowOperation, fact: ChainFact) -> writing.Changed:
    milestone = _milestone(operation)
    milestone.complete()
    milestone.evidence = operation.args.get("evidence", "")
    _book_fee(operation, fact)
    return (milestone,)


def _confirm_approve(operation: EscrowOperation, fact: ChainFact) -> writing.Changed:
    milestone = _milestone(operation)
    milestone.approve()
    _book_fee(operation, fact)
    return (milestone,)


def _confirm_dispute(operation: EscrowOperation, fact: ChainFact) -> writing.Changed:
    """Frozen on the chain: for a dispute, or as the first half of a refund or of a division that
    both agreed to, which is none."""
    _book_fee(operation, fact)
    if "dispute" not in operation.args and not operation.args.get("divided"):
        return ()
    milestone, order = _milestone(operation), operation.order
    milestone.disputed()
    if "dispute" in operation.args and order.status == OrderStatus.IN_PROGRESS:
        order.dispute()
    return (milestone,)


def _confirm_release(operation: EscrowOperation, fact: ChainFact) -> writing.Changed:
    milestone = _milestone(operation)
    milestone.released()
    settle(operation, milestone, milestone.amount, 0, fact)
    return milestone, operation.order.escrow


def _confirm_resolve(operation: EscrowOperation, fact: ChainFact) -> writing.Changed:
    milestone, args = _milestone(operation), operation.args
    if args["to_seller"]:
        milestone.released()
    else:
        milestone.refunded()
    settle(operation, milestone, args["to_seller"], args["to_buyer"], fact)
    return milestone, operation.order.escrow


def _confirm_sweep(operation: EscrowOperation, fact: ChainFact) -> writing.Changed:
    settle_surplus(operation, fact)
    return ()


def _milestone(operation: EscrowOperation) -> Milestone:
    if operation.milestone is None:
        raise WrongState(f"Operation {operation.id} names no milestone")
    return operation.milestone


def _book_fee(operation: EscrowOperation, fact: ChainFact, opens: NewAccount | None = None) -> None:
    movements.network_fee(
        marketplace_id=operation.marketplace_id,
        operation_id=operation.id,
        fee_address=operation.fee_address(fact),
        fact=fact,
        actor=system("chain"),
        opens=opens,
    )


# Each answers which rows it changed beside the order; they are written with it.
_CONFIRMATIONS: dict[Kind, Callable[[EscrowOperation, ChainFact], writing.Changed]] = {
    Kind.DEPLOY: _confirm_deploy,
    Kind.FUND: _confirm_fund,
    Kind.COMPLETE: _confirm_complete,
    Kind.APPROVE: _confirm_approve,
    Kind.RELEASE: _confirm_release,
    Kind.DISPUTE: _confirm_dispute,
    Kind.RESOLVE: _confirm_resolve,
    Kind.SWEEP: _confirm_sweep,
}
