"""What the chain did with the calls that were asked of a contract: state, ledger and event.

One transaction each. Money moves here only, by the amounts that the chain paid.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import F

from ledger import movements
from ledger import services as ledger
from offerhub.chain.submission import Status, finish
from offerhub.chain.types import ChainFact
from offerhub.core import jobs
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import WrongState
from offerhub.events import services as events
from offerhub.users.models import Wallet
from orders.escrow_services import actor_of, start
from orders.models import EscrowOperation, Milestone, Order
from orders.services import ASSET
from orders.settlement import settle, settle_surplus
from orders.states import OrderStatus

Kind = EscrowOperation.Kind


@in_transaction
def confirm(operation_id: str, fact: ChainFact) -> None:
    """The chain did it: state, ledger and event, then the plan's next step. Does it once."""
    operation = _lock_operation(operation_id)
    if not operation.is_live:
        return
    order = operation.order
    _CONFIRMATIONS[Kind(operation.kind)](operation, fact)
    finish(operation, Status.CONFIRMED, fact)
    _record(order, f"escrow.{operation.kind.lower()}_confirmed", operation, {"ledger": fact.ledger})
    _tell_dispute(operation)
    if operation.then:
        start(order.escrow, operation.then, asker(operation), operation.milestone)


@in_transaction
def fail(operation_id: str, code: str, detail: str, fact: ChainFact | None) -> None:
    """Proven not to have happened: the state goes back to where it was asked from."""
    operation = _lock_operation(operation_id)
    if not operation.is_live:
        return
    order, kind = operation.order, Kind(operation.kind)
    if kind == Kind.RELEASE and operation.milestone is not None:
        operation.milestone.release_failed()
        operation.milestone.save(update_fields=["status"])
    if kind == Kind.DEPLOY:
        order.escrow.deploy_failed()
        order.escrow.save(update_fields=["status"])
    if fact is not None:
        _book_fee(operation, fact)
    operation.problem = {"code": code, "detail": detail[:500]}
    finish(operation, Status.FAILED, fact)
    _record(
        order, f"escrow.{kind.lower()}_failed", operation, {"code": code, "detail": detail[:500]}
    )
    _tell_dispute(operation)
    # The rest of a plan falls with its step; what a dispute asked for does not hang on it.
    if asked := [step for step in operation.then if "dispute" in step.get("args", {})]:
        start(order.escrow, asked, asker(operation), operation.milestone)


@transaction.atomic
def retire(operation: EscrowOperation, code: str, fact: ChainFact) -> None:
    """Its envelope failed in a ledger and another one follows: only what the network charged is
    booked. `operation` is the runner's own, with its lease."""
    if operation.retire_envelope(code):
        _book_fee(operation, fact)
        source = Wallet.objects.filter(pk=operation.source_wallet_id)
        source.update(fee_budget=F("fee_budget") - fact.fee_charged)


def _lock_operation(operation_id: str) -> EscrowOperation:
    """The operation, its order, milestone and escrow; operation and order locked."""
    return (
        EscrowOperation.objects.select_related("order__escrow", "milestone")
        .select_for_update(of=("self", "order"))
        .get(pk=operation_id)
    )


def asker(operation: EscrowOperation) -> Actor:
    """Who asked for the plan that this operation is a step of."""
    return actor_of(operation.actor, operation.request_id)


def _tell_dispute(operation: EscrowOperation) -> None:
    """A dispute follows what became of the calls it asked for."""
    if dispute := operation.args.get("dispute"):
        jobs.ring("disputes.follow", dispute)


def _record(order: Order, event: str, operation: EscrowOperation, payload: dict[str, Any]) -> None:
    facts = {"operationId": operation.id, "hash": operation.hash, **payload}
    if operation.milestone is not None:
        facts["milestoneId"] = operation.milestone.ref
    events.record(order, event, actor=asker(operation), payload=facts)
    order.save(
        update_fields=[
            "status",
            "version",
            "milestones_left",
            "milestones_released",
            "updated_at",
        ]
    )


def _confirm_deploy(operation: EscrowOperation, fact: ChainFact) -> None:
    escrow = operation.order.escrow
    escrow.contract_id = operation.envelope_meta["contract_id"]
    escrow.deployed()
    escrow.save(update_fields=["contract_id", "status"])
    operation.order.escrow_created()
    ledger.open_account(
        marketplace_id=operation.marketplace_id,
        kind="contract",
        owner=escrow.contract_id,
        asset=ASSET,
        user_id=None,
    )
    _book_fee(operation, fact)


def _confirm_fund(operation: EscrowOperation, fact: ChainFact) -> None:
    order, escrow = operation.order, operation.order.escrow
    escrow.funded = order.amount
    escrow.fund()
    escrow.save(update_fields=["funded", "status"])
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
        fee_address=fact.fee_account,
        actor=system("chain"),
    )


def _confirm_complete(operation: EscrowOperation, fact: ChainFact) -> None:
    milestone = _milestone(operation)
    milestone.complete()
    milestone.evidence = operation.args.get("evidence", "")
    milestone.save(update_fields=["status", "evidence"])
    _book_fee(operation, fact)


def _confirm_approve(operation: EscrowOperation, fact: ChainFact) -> None:
    milestone = _milestone(operation)
    milestone.approve()
    milestone.save(update_fields=["status"])
    _book_fee(operation, fact)


def _confirm_dispute(operation: EscrowOperation, fact: ChainFact) -> None:
    """Frozen on the chain: for a dispute, or as a refund's first half, which is no dispute."""
    if "dispute" in operation.args:
        milestone, order = _milestone(operation), operation.order
        milestone.disputed()
        milestone.save(update_fields=["status"])
        if order.status == OrderStatus.IN_PROGRESS:
            order.dispute()
    _book_fee(operation, fact)


def _confirm_release(operation: EscrowOperation, fact: ChainFact) -> None:
    milestone = _milestone(operation)
    milestone.released()
    settle(operation, milestone, milestone.amount, 0, fact)


def _confirm_resolve(operation: EscrowOperation, fact: ChainFact) -> None:
    milestone, args = _milestone(operation), operation.args
    if args["to_seller"]:
        milestone.released()
    else:
        milestone.refunded()
    settle(operation, milestone, args["to_seller"], args["to_buyer"], fact)


def _confirm_sweep(operation: EscrowOperation, fact: ChainFact) -> None:
    settle_surplus(operation, fact)


def _milestone(operation: EscrowOperation) -> Milestone:
    if operation.milestone is None:
        raise WrongState(f"Operation {operation.id} names no milestone")
    return operation.milestone


def _book_fee(operation: EscrowOperation, fact: ChainFact) -> None:
    movements.network_fee(
        marketplace_id=operation.marketplace_id,
        operation_id=operation.id,
        fee_address=fact.fee_account,
        fact=fact,
        actor=system("chain"),
    )


_CONFIRMATIONS: dict[Kind, Callable[[EscrowOperation, ChainFact], None]] = {
    Kind.DEPLOY: _confirm_deploy,
    Kind.FUND: _confirm_fund,
    Kind.COMPLETE: _confirm_complete,
    Kind.APPROVE: _confirm_approve,
    Kind.RELEASE: _confirm_release,
    Kind.DISPUTE: _confirm_dispute,
    Kind.RESOLVE: _confirm_resolve,
    Kind.SWEEP: _confirm_sweep,
}
