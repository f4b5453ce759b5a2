"""How withdrawals are shown by the API. Amounts as decimal text: USDC, and XLM for the fee."""

from typing import Any

from offerhub.api.operations import operation_body
from offerhub.approvals.models import Proposal
from offerhub.chain.submission import Submission
from offerhub.core.money import format_amount
from payouts.models import Withdrawal


def newest_attempt(withdrawal: Withdrawal) -> Submission | None:
    """The payment that the answer shows, its own or its batch's; needs `for_display()`."""
    if withdrawal.batch_id:
        return withdrawal.item.payment
    return next(iter(withdrawal.attempts.all()), None)


def withdrawal_body(withdrawal: Withdrawal) -> dict[str, Any]:
    """A withdrawal that was read with `for_display()`.

    `hash` is the transaction's: of the one that may get into a ledger, or the one that is there.
    """
    attempt = newest_attempt(withdrawal)
    on_its_way = attempt.hash if attempt is not None and attempt.is_live else ""
    return {
        "id": withdrawal.id,
        "externalRef": withdrawal.external_ref,
        "status": withdrawal.status,
        "userId": withdrawal.user_id,
        "userExternalId": withdrawal.user.external_id,
        "amount": format_amount(withdrawal.amount),
        "destination": withdrawal.destination,
        "destinationId": withdrawal.saved_id,
        "memo": withdrawal.memo or None,
        "memoType": withdrawal.memo_type or None,
        "batchId": withdrawal.batch_id,
        "hash": on_its_way or withdrawal.hash or None,
        "fee": format_amount(withdrawal.fee),
        "problem": withdrawal.problem,
        "approval": approval_body(withdrawal.proposal) if withdrawal.proposal else None,
        "operation": operation_body(attempt) if attempt else None,
        "createdAt": withdrawal.created_at,
        "updatedAt": withdrawal.updated_at,
    }


def approval_body(proposal: Proposal) -> dict[str, Any]:
    """That a person of the desk must agree, or had to, and what became of it."""
    return {
        "id": proposal.id,
        "status": proposal.status,
        "why": proposal.why_required,
        "expiresAt": proposal.expires_at,
        "decidedAt": proposal.decided_at,
    }
