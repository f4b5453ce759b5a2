"""The contract's life in our books: what is requested, and what the chain confirmed or refused.

Every call is a triple: `request_…` here, the runner in `orders.escrow`, then `confirm` or `fail`
here. Money moves in the confirmation only, by the amounts that the chain paid.
"""

from collections.abc import Callable
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from ledger import movements
from ledger import services as ledger
from offerhub.chain.submission import Status, finish
from offerhub.chain.types import ChainFact
from offerhub.core import jobs
from offerhub.core.actor import Actor, ActorKind, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import (
    NotFound,
    OperationInFlight,
    Unprocessable,
    WalletNotActive,
    WrongState,
)
from offerhub.events import services as events
from offerhub.users.models import Wallet
from orders import plans
from orders.models import Escrow, EscrowOperation, Milestone, Order
from orders.services import ASSET, lock_order, refuse_unless
from orders.settlement import settle
from orders.states import EscrowStatus, OrderStatus

log = structlog.get_logger(__name__)
Kind = EscrowOperation.Kind


# --- requests ---------------------------------------------------------------------------------
@in_transaction
def request_deploy(*, marketplace_id: str, order_id: str, actor: Actor) -> Escrow:
    """Ask for the order's contract. RESERVED → (confirmed) ESCROW_CREATED."""
    order = lock_order(marketplace_id, order_id)
    refuse_unless(order, OrderStatus.RESERVED, doing="creating an escrow")
    escrow: Escrow | None = getattr(order, "escrow", None)
    if escrow is None:
        escrow = _new_escrow(order)
    elif escrow.status == EscrowStatus.FAILED:
        escrow.deploy_again()
        escrow.save(update_fields=["status"])
    _start(escrow, [{"kind": Kind.DEPLOY.value}], actor)
    return escrow


def _new_escrow(order: Order) -> Escrow:
    wallets = _wallets(order)
    return Escrow.objects.create(
        marketplace_id=order.marketplace_id,
        order=order,
        kind=Escrow.Kind.SINGLE if order.milestones_left == 1 else Escrow.Kind.MULTI,
        buyer_wallet=wallets["buyer"],
        seller_wallet=wallets["seller"],
        resolver_wallet=wallets["RESOLVER"],
        buyer_address=wallets["buyer"].address,
        seller_address=wallets["seller"].address,
        platform_address=wallets["PLATFORM"].address,
        resolver_address=wallets["RESOLVER"].address,
        amount=order.amount,
    )


def _wallets(order: Order) -> dict[str, Wallet]:
    """The four wallets with a role in the contract; each must be alive on the chain."""
    rows = Wallet.objects.filter(
        Q(user_id__in=[order.buyer_id, order.seller_id])
        | Q(marketplace_id=order.marketplace_id, kind__in=["PLATFORM", "RESOLVER"])
    )
    roles: dict[str, Wallet] = {}
    for wallet in rows:
        party = {order.buyer_id: "buyer", order.seller_id: "seller"}.get(str(wallet.user_id))
        role = party or wallet.kind
        if wallet.status != Wallet.Status.ACTIVE:
            raise WalletNotActive(f"The {role.lower()}'s wallet {wallet.address} is not active yet")
        if wallet.kind == Wallet.Kind.EXTERNAL:
            raise Unprocessable(
                f"The {role} holds their own key; signing by the party is not open yet"
            )
        roles[role] = wallet
    if len(roles) != 4:
        raise WalletNotActive("The marketplace's own wallets are not made yet")
    return roles


@in_transaction
def request_fund(*, marketplace_id: str, escrow_id: str, actor: Actor) -> Escrow:
    """Ask for the buyer's money to go into the contract. → (confirmed) IN_PROGRESS."""
    order = lock_order(marketplace_id, _order_of(marketplace_id, escrow_id))
    refuse_unless(order, OrderStatus.ESCROW_CREATED, doing="funding the escrow")
    _start(order.escrow, [{"kind": Kind.FUND.value}], actor)
    return order.escrow


@in_transaction
def request_release(
    *,
    marketplace_id: str,
    order_id: str,
    milestone_ref: str | None,
    action: str,
    evidence: str = "",
    actor: Actor,
) -> Order:
    """`complete`, `approve`, or `release`, which does the steps that are still missing."""
    order = lock_order(marketplace_id, order_id)
    refuse_unless(order, OrderStatus.IN_PROGRESS, doing=f"to {action}")
    milestones = list(order.milestones.all())
    if action == "release":
        steps = plans.to_release(milestones, milestone_ref, evidence)
    else:
        steps = plans.one_step(milestones, milestone_ref, action, evidence)
    _start(order.escrow, steps, actor)
    return order


@in_transaction
def request_refund(
    *, marketplace_id: str, order_id: str, milestone_ref: str | None, reason: str, actor: Actor
) -> Order:
    """Give back to the buyer what is still in the contract, or one milestone of it."""
    order = lock_order(marketplace_id, order_id)
    refuse_unless(order, OrderStatus.IN_PROGRESS, doing="refunding")
    steps = plans.to_refund(list(order.milestones.all()), milestone_ref, reason)
    _start(order.escrow, steps, actor)
    return order


def _order_of(marketplace_id: str, escrow_id: str) -> str:
    rows = Escrow.objects.filter(pk=escrow_id, marketplace_id=marketplace_id)
    order_id = rows.values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound(f"There is no escrow {escrow_id!r} in this marketplace")
    return order_id


def _start(
    escrow: Escrow,
    steps: list[plans.Step],
    actor: Actor,
    milestone: Milestone | None = None,
) -> None:
    """Write the operation for the first step, keep the others behind it, and ring for it.

    `milestone` is the step's own, where the caller has it at hand. The order's row is locked.
    Raises OperationInFlight while another call to the contract may still apply.
    """
    step, then = steps[0], steps[1:]
    kind, milestone_id = Kind(step["kind"]), step.get("milestone")
    if kind == Kind.RELEASE:
        if milestone is None or milestone.pk != milestone_id:
            milestone = Milestone.objects.get(pk=milestone_id)
        milestone.start_release()
        milestone.save(update_fields=["status"])
    operation = EscrowOperation(
        marketplace_id=escrow.marketplace_id,
        order_id=escrow.order_id,
        milestone_id=milestone_id,
        kind=kind.value,
        source_wallet_id=_signer(escrow, kind),
        args=_arguments(escrow, step),
        then=then,
        actor=str(actor),
        request_id=actor.request_id,
    )
    _insert(operation)
    jobs.ring("orders.operation", operation.id)


def _arguments(escrow: Escrow, step: plans.Step) -> dict[str, Any]:
    """What building the call needs, so that the runner reads the operation's row alone."""
    return {
        **step.get("args", {}),
        "contract": escrow.contract_id,
        "kind": escrow.kind,
        "index": step.get("index", 0),
        "amount": escrow.amount,
        "buyer": escrow.buyer_address,
        "seller": escrow.seller_address,
    }


def _insert(operation: EscrowOperation) -> None:
    """The database allows one live operation per order; a second one is refused by it."""
    try:
        operation.save(force_insert=True)
    except IntegrityError as error:
        if "order_one_live_operation" not in str(error):
            raise
        raise OperationInFlight(
            "The order shows it as `operation`; try again when it has ended", retry_after=1
        ) from None


def _signer(escrow: Escrow, kind: Kind) -> str:
    """Whose wallet signs this call, as the contract wants it."""
    if kind == Kind.RESOLVE:
        return escrow.resolver_wallet_id
    return escrow.seller_wallet_id if kind == Kind.COMPLETE else escrow.buyer_wallet_id


# --- outcomes ---------------------------------------------------------------------------------
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
    if operation.then:
        _start(order.escrow, operation.then, _asker(operation), operation.milestone)


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


def _asker(operation: EscrowOperation) -> Actor:
    """Who asked for the plan that this operation is a step of: the same through all its steps."""
    kind, _, name = operation.actor.partition(":")
    return Actor(ActorKind(kind), name, operation.request_id)


def _record(order: Order, event: str, operation: EscrowOperation, payload: dict[str, Any]) -> None:
    facts = {"operationId": operation.id, "hash": operation.hash, **payload}
    if operation.milestone is not None:
        facts["milestoneId"] = operation.milestone.ref
    events.record(order, event, actor=_asker(operation), payload=facts)
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
    """A refund's first half: frozen on the chain. The order's own state does not change."""
    _book_fee(operation, fact)


def _confirm_release(operation: EscrowOperation, fact: ChainFact) -> None:
    milestone = _milestone(operation)
    milestone.released()
    settle(operation, milestone, "release", fact)


def _confirm_resolve(operation: EscrowOperation, fact: ChainFact) -> None:
    milestone = _milestone(operation)
    milestone.refunded()
    settle(operation, milestone, "refund", fact)


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
}
