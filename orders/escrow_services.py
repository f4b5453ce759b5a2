"""What is asked of an order's contract.

Every call is a triple: `request_…` here, the runner in `orders.escrow`, then `confirm` or `fail` in
`orders.outcomes`. Nothing moves here: money moves in the confirmation, by what the chain paid.
"""

from collections.abc import Sequence

from django.db.models import Q

from ledger.balances import account_balance
from ledger.chart import AccountKind
from offerhub.budget.lanes import Lane
from offerhub.chain.submission import LIVE
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import (
    NotFound,
    OperationInFlight,
    WalletNotActive,
    WrongState,
)
from offerhub.users.models import Wallet
from orders import plans, rows, signing, windows
from orders.campaigns import rules
from orders.models import Escrow, EscrowOperation, Milestone, Order
from orders.operations import start
from orders.services import ASSET, lock_order, refuse_unless, reserve
from orders.states import SETTLED_MILESTONE, EscrowStatus, MilestoneStatus, OrderStatus

Kind = EscrowOperation.Kind
# Where milestones that are not in dispute can go on.
GOES_ON = (OrderStatus.IN_PROGRESS, OrderStatus.DISPUTED)
UNFUNDED = (OrderStatus.CREATED, OrderStatus.RESERVED, OrderStatus.ESCROW_CREATED)
DEPLOY: plans.Step = {"kind": Kind.DEPLOY.value}
FUND: plans.Step = {"kind": Kind.FUND.value}


# --- requests ---------------------------------------------------------------------------------
@in_transaction
def request_deploy(
    *, marketplace_id: str, order_id: str, actor: Actor, lane: Lane = Lane.ORDER
) -> Escrow:
    """Ask for the order's contract. RESERVED → (confirmed) ESCROW_CREATED."""
    order = lock_order(marketplace_id, order_id)
    refuse_unless(order, OrderStatus.RESERVED, doing="creating an escrow")
    rules.refuse_funding(order)
    return _deploy(order, [DEPLOY], actor, lane)


@in_transaction
def request_prepaid(
    *, marketplace_id: str, order_id: str, actor: Actor, lane: Lane = Lane.ORDER
) -> Order:
    """Bring an order's money into its contract: reserve, deploy, fund, whatever of it is missing.

    One call after the other, each with its own state and event. Raises InsufficientFunds; a call
    that fails ends the sequence where it is, and the same request goes on from there.
    """
    order = lock_order(marketplace_id, order_id)
    refuse_unless(order, *UNFUNDED, doing="funding")
    if order.status == OrderStatus.CREATED:
        order = reserve(marketplace_id=marketplace_id, order_id=order_id, actor=actor)
    bring_in(order, (), actor, lane)
    return order


def bring_in(
    order: Order, then: Sequence[plans.Step], actor: Actor, lane: Lane = Lane.ORDER
) -> None:
    """The calls that bring a locked order's reserved money into its contract, and what follows."""
    if order.status == OrderStatus.RESERVED:
        _deploy(order, [DEPLOY, FUND, *then], actor, lane)
    else:
        start(order.escrow, [FUND, *then], actor, lane=lane)


def _deploy(order: Order, steps: list[plans.Step], actor: Actor, lane: Lane) -> Escrow:
    escrow: Escrow | None = getattr(order, "escrow", None)
    if is_new := escrow is None:
        escrow = _new_escrow(order)
    elif escrow.status == EscrowStatus.FAILED:
        escrow.deploy_again()
        escrow.save(update_fields=["status"])
    start(escrow, steps, actor, is_new=is_new, lane=lane)
    return escrow


def _new_escrow(order: Order) -> Escrow:
    wallets = _wallets(order)
    return Escrow(
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
    wallets = Wallet.objects.filter(
        Q(user_id__in=[order.buyer_id, order.seller_id])
        | Q(marketplace_id=order.marketplace_id, kind__in=["PLATFORM", "RESOLVER"])
    )
    roles: dict[str, Wallet] = {}
    for wallet in wallets:
        party = {order.buyer_id: "buyer", order.seller_id: "seller"}.get(str(wallet.user_id))
        role = party or wallet.kind
        if wallet.status != Wallet.Status.ACTIVE:
            raise WalletNotActive(f"The {role.lower()}'s wallet {wallet.address} is not active yet")
        roles[role] = wallet
    if len(roles) != 4:
        raise WalletNotActive("The marketplace's own wallets are not made yet")
    return roles


@in_transaction
def request_fund(
    *, marketplace_id: str, escrow_id: str, actor: Actor, lane: Lane = Lane.ORDER
) -> Escrow:
    """Ask for the buyer's money to go into the contract. → (confirmed) IN_PROGRESS."""
    order = rows.locked_by_escrow(escrow_id, marketplace_id)
    if order is None:
        raise NotFound(f"There is no escrow {escrow_id!r} in this marketplace")
    refuse_unless(order, OrderStatus.ESCROW_CREATED, doing="funding the escrow")
    rules.refuse_funding(order)
    start(order.escrow, [FUND], actor, lane=lane)
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
    lane: Lane = Lane.ORDER,
) -> Order:
    """`complete`, `approve`, or `release`, which does the steps that are still missing."""
    order, milestones = _lock_whole(marketplace_id, order_id, doing=f"to {action}")
    rules.refuse_release(order)
    if action == "release":
        steps = plans.to_release(milestones, milestone_ref, evidence)
    else:
        steps = plans.one_step(milestones, milestone_ref, action, evidence)
    start(order.escrow, steps, actor, lane=lane)
    return order


@in_transaction
def request_refund(
    *,
    marketplace_id: str,
    order_id: str,
    milestone_ref: str | None,
    reason: str,
    actor: Actor,
    lane: Lane = Lane.ORDER,
) -> Order:
    """Give back to the buyer what is still in the contract, or one milestone of it."""
    order, milestones = _lock_whole(marketplace_id, order_id, doing="refunding")
    rules.take_back(order, actor)
    steps = plans.to_refund(milestones, milestone_ref, reason)
    start(order.escrow, steps, actor, lane=lane)
    return order


@in_transaction
def request_division(
    *,
    marketplace_id: str,
    order_id: str,
    milestone_ref: str | None = None,
    to_seller: int,
    reason: str,
    actor: Actor,
    lane: Lane = Lane.ORDER,
) -> Order:
    """Divide a milestone as both parties agreed, `to_seller` in stroops and the rest to the buyer,
    before fees. For a share that ends, such as a running month; a disagreement is a dispute."""
    order, milestones = _lock_whole(marketplace_id, order_id, doing="dividing")
    rules.refuse_release(order)
    steps = plans.to_divide(milestones, milestone_ref, to_seller, reason, sweep=_to_sweep(order))
    start(order.escrow, steps, actor, lane=lane)
    return order


@in_transaction
def request_division_again(*, operation: EscrowOperation, actor: Actor) -> None:
    """Ask once more for a refund's or division's last call, which failed: the milestone is
    frozen, and nothing but this call leads on."""
    order, milestones = _lock_whole(operation.marketplace_id, operation.order_id, doing="dividing")
    if all(m.pk != operation.milestone_id or m.status in SETTLED_MILESTONE for m in milestones):
        raise WrongState("The milestone is settled already")
    divide_again(order, operation, actor)


def divide_again(
    order: Order, operation: EscrowOperation, actor: Actor, lane: Lane = Lane.ORDER
) -> None:
    """The same for an order that is locked, with its escrow."""
    steps = plans.divided_again(operation, sweep=_to_sweep(order))
    start(order.escrow, steps, actor, lane=lane)


def _to_sweep(order: Order) -> bool:
    """Whether the books know of a stranger's money that would spoil a division."""
    return order.escrow.kind == Escrow.Kind.SINGLE and surplus_of(order) > 0


@in_transaction
def request_freeze(
    *,
    order: Order,
    milestones: Sequence[Milestone],
    dispute_id: str,
    by: plans.Party,
    actor: Actor,
) -> None:
    """Freeze milestones on the chain for a dispute: each DISPUTED once it is confirmed.

    `order` is locked by the caller. A call that is on its way goes on, and the freeze comes right
    after it, before whatever else was planned; what was planned for these milestones is dropped.
    A call that waits for a party's signature is called off instead.
    Raises OperationInFlight when one of them is being paid out at this moment.
    """
    refuse_unless(order, *GOES_ON, doing="a dispute")
    for milestone in milestones:
        if milestone.status not in plans.OPEN_TO_ALL:
            raise WrongState(f"Milestone {milestone.ref} is {milestone.status}")
    windows.close(order, milestones, "DISPUTED")
    steps = plans.in_lane(plans.to_freeze(milestones, dispute_id, by), Lane.PERSON)
    live = _live_operation(order)
    if live is None:
        start(order.escrow, steps, actor)
        return
    chosen = {milestone.pk for milestone in milestones}
    if live.milestone_id in chosen and live.kind not in (Kind.COMPLETE, Kind.APPROVE):
        raise OperationInFlight(
            f"Operation {live.id} ({live.kind}) of this milestone is on its way", retry_after=1
        )
    later = [step for step in live.then if step.get("milestone") not in chosen]
    _replan(live, [*plans.asked_by(steps, actor), *later])
    signing.call_off(live)  # a party that is asked to sign does not keep the money from the freeze


@in_transaction
def request_settlement(
    *,
    order: Order,
    shares: Sequence[plans.Share],
    dispute_id: str,
    sweep: bool = False,
    actor: Actor,
) -> None:
    """Divide disputed milestones as was decided: the resolver's calls, one after the other.

    `order` is locked by the caller; each share is a whole milestone's amount. What a stranger sent
    into the contract leaves first, when the books know of it or the caller does (`sweep`).
    """
    refuse_unless(order, OrderStatus.DISPUTED, doing="a settlement")
    milestones = {milestone.pk: milestone for milestone in order.milestones.all()}
    for share in shares:
        milestone = milestones[share.milestone_id]
        if milestone.status != MilestoneStatus.DISPUTED:
            raise WrongState(f"Milestone {milestone.ref} is {milestone.status}")
        parts = (share.to_seller, share.to_buyer)
        if sum(parts) != milestone.amount or min(parts) < 0:
            raise WrongState(f"The shares of milestone {milestone.ref} are not its amount")
    sweep_first = (sweep and order.escrow.kind == Escrow.Kind.SINGLE) or _to_sweep(order)
    steps = plans.to_settle(milestones, shares, dispute_id, sweep_first=sweep_first)
    steps = plans.in_lane(steps, Lane.PERSON)
    live = _live_operation(order)
    if live is None:
        start(order.escrow, steps, actor)
        return
    _replan(live, [*live.then, *plans.asked_by(steps, actor)])


def surplus_of(order: Order) -> int:
    """What the books know of a stranger's money in the order's contract, in stroops."""
    held = account_balance(
        marketplace_id=order.marketplace_id,
        kind=AccountKind.CONTRACT,
        owner=order.escrow.contract_id,
        asset=ASSET,
    )
    return held - order.escrow.balance


def _lock_whole(marketplace_id: str, order_id: str, *, doing: str) -> tuple[Order, list[Milestone]]:
    """An order whose milestones can go on, with its escrow and all of them."""
    found = rows.locked_whole(order_id, marketplace_id)
    order = found[0] if found else lock_order(marketplace_id, order_id)
    refuse_unless(order, *GOES_ON, doing=doing)
    assert found is not None
    return found


def _live_operation(order: Order) -> EscrowOperation | None:
    operations = EscrowOperation.objects.select_for_update()
    return operations.filter(order=order, status__in=LIVE).first()


def _replan(live: EscrowOperation, then: list[plans.Step]) -> None:
    live.then = then
    live.save(update_fields=["then"])
