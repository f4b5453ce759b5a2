"""How much may leave: a marketplace's limits refuse, the installation's asks a person first."""

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from offerhub.approvals import services as approvals
from offerhub.approvals.models import Proposal
from offerhub.core.actor import Actor
from offerhub.core.clock import ProductNow
from offerhub.core.errors import FieldError
from offerhub.core.money import format_amount, parse_amount
from payouts.errors import LimitExceeded, WithdrawalsPaused
from payouts.models import PayoutPolicy, Withdrawal
from payouts.states import WithdrawalStatus

KIND = "withdrawal"
DAY = timedelta(hours=24)
# Neither left nor will leave.
OVER = (WithdrawalStatus.FAILED, WithdrawalStatus.CANCELLED)


def limit() -> int | None:
    """Stroops that leave without anybody's leave; None when there is no limit."""
    text = str(settings.WITHDRAWAL_APPROVAL_THRESHOLD)
    if text in ("", "0"):
        return None
    return parse_amount(text, field="WITHDRAWAL_APPROVAL_THRESHOLD")


def refuse_over(policy: PayoutPolicy, user_id: str, amount: int) -> None:
    """Raise LimitExceeded or WithdrawalsPaused when the marketplace does not allow it.

    Whoever adds to the same sum waits here until the transaction is over, so that two halves are
    not both found small. No statement without a limit of a day; two for each one.
    """
    if policy.paused:
        raise WithdrawalsPaused
    if policy.most and amount > policy.most:
        raise _over("withdrawal", policy.most, 0, amount)
    # Always in this order, so that nobody waits in a circle.
    if policy.most_day:
        _add("marketplaceDay", policy.most_day, amount, marketplace_id=policy.marketplace_id)
    if policy.most_user_day:
        _add("userDay", policy.most_user_day, amount, user_id=user_id)


def _add(per: str, most: int, amount: int, **whose: str) -> None:
    (owner,) = whose.values()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"withdrawals:{owner}"]
        )
    rows = Withdrawal.objects.filter(**whose, created_at__gt=ProductNow() - DAY).exclude(
        status__in=OVER
    )
    used = int(rows.aggregate(total=Sum("amount"))["total"] or 0)
    if used + amount > most:
        raise _over(per, most, used, amount)


def _over(per: str, most: int, used: int, amount: int) -> LimitExceeded:
    of = {"withdrawal": "a withdrawal", "userDay": "a user in 24 hours"}.get(
        per, "the marketplace in 24 hours"
    )
    text = f"is over the limit of {format_amount(most)} USDC for {of}"
    if used:
        text += f", of which {format_amount(used)} are used"
    return LimitExceeded(
        errors=[FieldError("amount", LimitExceeded.code, text)],
        per=per,
        limit=format_amount(most),
        used=format_amount(used),
        requested=format_amount(amount),
    )


def proposal_for(withdrawal: Withdrawal, actor: Actor) -> Proposal | None:
    """The open proposal that a withdrawal over the limit waits for; None under it.

    Everything that can not be changed of the withdrawal is in what is agreed to.
    """
    most = limit()
    if most is None or withdrawal.amount <= most:
        return None
    return approvals.propose(
        marketplace_id=withdrawal.marketplace_id,
        kind=KIND,
        subject=withdrawal.id,
        subject_version=withdrawal.version,
        group=withdrawal.user_id,
        payload={
            "userId": withdrawal.user_id,
            "amount": format_amount(withdrawal.amount),
            "destination": withdrawal.destination,
            "memoType": withdrawal.memo_type,
            "memo": withdrawal.memo,
        },
        amount=withdrawal.amount,
        actor=actor,
        rule=approvals.Rule(threshold=most, hours=settings.APPROVAL_HOURS),
    )
