"""How deposits are shown by the API. Amounts as decimal text."""

from typing import Any

from offerhub.core.money import format_amount
from offerhub.deposits.models import Deposit


def deposit_body(deposit: Deposit) -> dict[str, Any]:
    """A deposit that was read with `for_display()`."""
    user = deposit.user
    return {
        "id": deposit.id,
        "status": deposit.status,
        "reason": deposit.reason or None,
        "userId": user.id if user else None,
        "userExternalId": user.external_id if user else None,
        "amount": format_amount(deposit.amount),
        "asset": {"code": deposit.asset_code, "issuer": deposit.asset_issuer},
        "address": deposit.address,
        "holder": deposit.holder,
        "sender": deposit.sender or None,
        "memo": deposit.muxed_id or None,
        "hash": deposit.tx_hash,
        "operation": deposit.operation,
        "ledger": deposit.ledger,
        "closedAt": deposit.closed_at,
        "recordedAt": deposit.recorded_at,
    }
