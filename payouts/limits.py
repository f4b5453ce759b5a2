"""Withdrawals over the limit: a person of the desk must agree before anything is signed."""

from django.conf import settings

from offerhub.approvals import services as approvals
from offerhub.approvals.models import Proposal
from offerhub.core.actor import Actor
from offerhub.core.money import format_amount, parse_amount
from payouts.models import Withdrawal

KIND = "withdrawal"


def limit() -> int | None:
    """Stroops that leave without anybody's leave; None when there is no limit."""
    text = str(settings.WITHDRAWAL_APPROVAL_THRESHOLD)
    if text in ("", "0"):
        return None
    return parse_amount(text, field="WITHDRAWAL_APPROVAL_THRESHOLD")


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
