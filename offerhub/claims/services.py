"""What was set aside for a wallet: listed, and claimed when it is USDC and enough of it.

Listing credits nobody. A claim is an operation on the chain like others; what it brings is credited
as the deposit that it is.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from offerhub.chain.claimables import Claimable, Unreadable, opens_at
from offerhub.chain.network import current
from offerhub.claims.models import Claim, ClaimableBalance
from offerhub.core import clock, jobs
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.core.errors import NotFound, WrongState
from offerhub.core.money import format_amount, parse_amount
from offerhub.events import services as events

State = ClaimableBalance.State
Reason = ClaimableBalance.Reason
JOB = "claims.claim"
ACTOR = system("claims")
# What staff may try, though it is not claimed by itself.
BY_STAFF = (Reason.TOO_SMALL, Reason.FAILED)


def minimum() -> int:
    """Stroops of USDC under which nothing is claimed by itself: each claim costs a network fee,
    and anyone may set aside a thousand crumbs."""
    return parse_amount(settings.CLAIM_MINIMUM)


def judge(
    found: Claimable,
) -> tuple[ClaimableBalance.State, ClaimableBalance.Reason, datetime | None]:
    """What is to become of a balance: its state, why it is refused, and when it is due."""
    network = current()
    if (found.asset_code, found.asset_issuer) != (network.asset_code, network.usdc_issuer):
        return State.REFUSED, _foreign(found, network.asset_code), None
    if found.amount < minimum():
        return State.REFUSED, Reason.TOO_SMALL, None
    try:
        due_at = opens_at(found.predicate, clock.now())
    except Unreadable:
        return State.REFUSED, Reason.UNREADABLE, None
    if due_at is None:
        return State.REFUSED, Reason.TOO_LATE, None
    return State.PENDING, Reason.NONE, due_at


def _foreign(found: Claimable, usdc: str) -> ClaimableBalance.Reason:
    if not found.asset_issuer:
        return Reason.NATIVE_ASSET
    return Reason.WRONG_ISSUER if found.asset_code == usdc else Reason.WRONG_ASSET


@in_transaction
def begin(*, balance_id: str) -> Claim | None:
    """Claim a balance whose time has come; None when that was done, or decided otherwise."""
    row = _lock(balance_id)
    return _claim(row, ACTOR) if row.state == State.PENDING and not why_not_claim(row) else None


@in_transaction
def request_claim(*, balance_id: str, actor: Actor) -> Claim:
    """Claim a balance because a person wants it. Raises NotFound and WrongState."""
    row = _lock(balance_id)
    if why_not := why_not_claim(row):
        raise WrongState(why_not)
    return _claim(row, actor)


def _lock(balance_id: str) -> ClaimableBalance:
    rows = ClaimableBalance.objects.select_for_update(of=("self",)).select_related("wallet")
    row = rows.filter(pk=balance_id).first()
    if row is None:
        raise NotFound("There is no such claimable balance")
    return row


def _claim(row: ClaimableBalance, actor: Actor) -> Claim:
    claim = Claim.objects.create(
        marketplace_id=row.marketplace_id,
        source_wallet=row.wallet,
        kind=Claim.KIND,
        balance=row,
        actor=str(actor),
        request_id=actor.request_id,
    )
    move(row, State.CLAIMING, "claim_requested", actor, operationId=claim.pk)
    jobs.ring(JOB, claim.pk)
    return claim


def why_not_claim(row: ClaimableBalance) -> str:
    """Why nobody can claim it now; "" when somebody can."""
    if row.state == State.CLAIMING:
        return "Its claim is on its way"
    if row.state not in (State.PENDING, State.REFUSED):
        return f"The balance is {row.state}: nothing is to be claimed any more"
    if row.state == State.REFUSED and row.reason not in BY_STAFF:
        return "The wallet can not take it, or never may: it is listed and no more"
    if row.due_at is not None and row.due_at > clock.now() + timedelta(seconds=1):
        return f"It can be claimed from {row.due_at:%Y-%m-%d %H:%M:%S} UTC on"
    return ""


def move(
    row: ClaimableBalance,
    state: ClaimableBalance.State,
    event: str,
    actor: Actor,
    *,
    reason: ClaimableBalance.Reason = Reason.NONE,
    due_at: datetime | None = None,
    **more: Any,
) -> None:
    """Carry a locked balance to another state, with its event."""
    row.state, row.reason, row.due_at = state.value, reason.value, due_at
    payload = told(row) | more
    if due_at is not None:
        payload["dueAt"] = due_at.isoformat()
    if reason:
        payload["reason"] = reason.value
    events.record(row, f"claimable_balance.{event}", actor=actor, payload=payload)
    row.save(update_fields=["state", "reason", "due_at", "version"])


def told(row: ClaimableBalance) -> dict[str, Any]:
    """What every event tells of it."""
    return {
        "userId": row.wallet.user_id,
        "amount": format_amount(row.amount),
        "asset": {"code": row.asset_code, "issuer": row.asset_issuer or None},
        "address": row.wallet.address,
    }
