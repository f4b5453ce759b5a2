"""Orders before any contract exists: create, reserve, cancel."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import IntegrityError

from ledger import movements
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import (
    DuplicateReference,
    FieldError,
    InvalidRequest,
    MilestoneMismatch,
    NotFound,
    OperationInFlight,
    Unprocessable,
    WrongState,
)
from offerhub.core.money import format_amount
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import Wallet
from offerhub.users.services import find_users
from orders import rows, writing
from orders.campaigns import rules
from orders.models import Campaign, Escrow, EscrowOperation, Milestone, Order, ReleaseWindow
from orders.release_policy import ReleasePolicy, kept
from orders.states import EscrowStatus, OrderStatus

MAX_MILESTONES = 10  # of one contract
ASSET = "USDC"


@dataclass(frozen=True)
class NewMilestone:
    ref: str
    description: str
    amount: int
    policy: ReleasePolicy | None = None  # its own, before the order's


@dataclass(frozen=True)
class NewOrder:
    """What a marketplace asks for. Users by our id or its own; amounts in stroops."""

    buyer: str
    seller: str
    amount: int
    title: str = ""
    description: str = ""
    milestones: Sequence[NewMilestone] = ()
    external_ref: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    # When it is released by itself: "" asks for the marketplace's default, None for never.
    policy: ReleasePolicy | Literal[""] | None = ""
    platform_fee_percent: int | None = None  # the marketplace's own where it asks for none


@in_transaction
def create_order(
    *, marketplace_id: str, new: NewOrder, campaign: Campaign | None = None, actor: Actor
) -> Order:
    """A new order, CREATED. Nothing is reserved yet. A pledge of a `campaign` is made by
    `orders.campaigns.pledging`, which holds its lock."""
    milestones = _checked_milestones(new)
    users = find_users(marketplace_id, {"buyerId": new.buyer, "sellerId": new.seller})
    buyer, seller = users["buyerId"], users["sellerId"]
    if buyer.pk == seller.pk:
        raise Unprocessable(
            errors=[FieldError("sellerId", "same_party", "must be another user than the buyer")]
        )
    order = Order(
        marketplace_id=marketplace_id,
        external_ref=new.external_ref,
        campaign=campaign,
        buyer=buyer,
        seller=seller,
        amount=new.amount,
        title=new.title,
        description=new.description,
        metadata=new.metadata,
        milestones_left=len(milestones),
        platform_fee_percent=_fee_percent(new, buyer.marketplace),
        refund_fees_borne_by=buyer.marketplace.refund_fees_borne_by,
        buyer_external=buyer.wallet.kind == Wallet.Kind.EXTERNAL,
        seller_external=seller.wallet.kind == Wallet.Kind.EXTERNAL,
    )
    parts = [Milestone(ref=m.ref, description=m.description, amount=m.amount) for m in milestones]
    windows = _windows(order, new, milestones, parts, buyer.marketplace.release_policy)
    order.has_windows = bool(windows)
    _write(order, parts, actor)
    if windows:
        ReleaseWindow.objects.bulk_create(windows)
    return order


def _fee_percent(new: NewOrder, marketplace: Marketplace) -> int:
    """The order's own, within what the marketplace allows."""
    percent = new.platform_fee_percent
    if percent is None:
        return marketplace.platform_fee_percent
    most = marketplace.highest_fee_percent
    if percent > most:
        text = f"is more than this marketplace's highest, {most} percent"
        raise Unprocessable(errors=[FieldError("platformFeePercent", "fee_too_high", text)])
    return percent


def _windows(
    order: Order,
    new: NewOrder,
    milestones: Sequence[NewMilestone],
    parts: Sequence[Milestone],
    default: dict[str, str] | None,
) -> list[ReleaseWindow]:
    """One for each milestone that is released by itself."""
    whole = new.policy
    if whole == "":
        whole = kept(default)
    policies = [milestone.policy or whole for milestone in milestones]
    return [
        ReleaseWindow(milestone=part, order=order, after=policy.after, starts=policy.starts)
        for part, policy in zip(parts, policies, strict=True)
        if policy
    ]


def _write(order: Order, milestones: Sequence[Milestone], actor: Actor) -> None:
    payload: dict[str, Any] = {
        "status": order.status,
        "amount": format_amount(order.amount),
        "buyerId": order.buyer_id,
        "sellerId": order.seller_id,
        "externalRef": order.external_ref,
    }
    if order.campaign_id:
        payload["campaignId"] = order.campaign_id
    try:
        writing.create(order, milestones, actor=actor, payload=payload)
    except IntegrityError as error:
        if "order_ref_once" not in str(error):
            raise
        raise DuplicateReference(
            f"externalRef {order.external_ref!r} is already used by another order",
            errors=[FieldError("externalRef", "duplicate_reference", "is already used")],
        ) from None


def _checked_milestones(new: NewOrder) -> Sequence[NewMilestone]:
    """The order's milestones, or the single one of an order that names none."""
    if not new.milestones:
        return [NewMilestone("m1", new.description or new.title or "Order", new.amount)]
    if len(new.milestones) > MAX_MILESTONES:
        raise InvalidRequest(
            errors=[FieldError("milestones", "too_many", f"takes at most {MAX_MILESTONES}")]
        )
    seen: set[str] = set()
    for i, milestone in enumerate(new.milestones):
        if milestone.ref in seen:
            raise InvalidRequest(
                errors=[FieldError(f"milestones.{i}.id", "duplicate", "is used twice")]
            )
        seen.add(milestone.ref)
    total = sum(m.amount for m in new.milestones)
    if total != new.amount:
        text = (
            f"add up to {format_amount(total)}, the order's amount is {format_amount(new.amount)}"
        )
        raise MilestoneMismatch(
            errors=[FieldError("milestones", "do_not_add_up", text)],
            total=format_amount(total),
            amount=format_amount(new.amount),
        )
    return new.milestones


def lock_order(marketplace_id: str, order_id: str) -> Order:
    """The order under its row lock. Every service of orders starts here."""
    order = rows.locked(order_id, marketplace_id)
    if order is None:
        raise NotFound(f"There is no order {order_id!r} in this marketplace")
    return order


def refuse_unless(order: Order, *allowed: OrderStatus, doing: str) -> None:
    """Raise WrongState when the order is in none of these states."""
    if order.status not in allowed:
        raise WrongState(
            f"The order is {order.status}; {doing} needs {' or '.join(allowed)}",
            currentStatus=order.status,
        )


@in_transaction
def reserve(*, marketplace_id: str, order_id: str, actor: Actor) -> Order:
    """Set the buyer's money aside: available → reserved. Raises InsufficientFunds.

    A buyer who holds their own key keeps their money until they fund the contract themselves:
    nothing of it is ours to set aside.
    """
    order = lock_order(marketplace_id, order_id)
    refuse_unless(order, OrderStatus.CREATED, doing="reserving")
    order.reserve()
    if not order.buyer_external:
        movements.reserve(
            marketplace_id=marketplace_id,
            user_id=order.buyer_id,
            order_id=order.id,
            amount=order.amount,
            asset=ASSET,
            actor=actor,
        )
    return _save(order, "order.reserved", actor)


@in_transaction
def cancel(*, marketplace_id: str, order_id: str, reason: str = "", actor: Actor) -> Order:
    """End an order whose money is not in a contract; a reservation goes back to the buyer."""
    order = lock_order(marketplace_id, order_id)
    refuse_unless(
        order,
        OrderStatus.CREATED,
        OrderStatus.RESERVED,
        OrderStatus.ESCROW_CREATED,
        doing="cancelling",
    )
    rules.take_back(order, actor)
    return cancel_locked(order, reason, actor)


def cancel_locked(order: Order, reason: str, actor: Actor) -> Order:
    """The same for an order that is locked and in one of those states."""
    refuse_in_flight(order)
    reserved = order.status != OrderStatus.CREATED and not order.buyer_external
    if order.status == OrderStatus.ESCROW_CREATED:
        _close_unfunded(order)
    order.cancel()
    if reserved:
        movements.unreserve(
            marketplace_id=order.marketplace_id,
            user_id=order.buyer_id,
            order_id=order.id,
            amount=order.amount,
            asset=ASSET,
            actor=actor,
        )
    return _save(order, "order.cancelled", actor, {"reason": reason} if reason else {})


def _close_unfunded(order: Order) -> None:
    escrow = Escrow.objects.select_for_update().get(order=order)
    if escrow.status == EscrowStatus.DEPLOYED:
        escrow.close()
        escrow.save(update_fields=["status"])


def refuse_in_flight(order: Order) -> None:
    """Raise OperationInFlight while a call to the order's contract may still apply."""
    from offerhub.chain.submission import LIVE

    live = EscrowOperation.objects.filter(order=order, status__in=LIVE).first()
    if live is not None:
        raise OperationInFlight(
            f"Operation {live.id} ({live.kind}) is {live.status}; try again when it has ended",
            operationId=live.id,
        )


def _save(order: Order, event: str, actor: Actor, payload: dict[str, Any] | None = None) -> Order:
    writing.save(order, event, actor=actor, payload=payload)
    return order
