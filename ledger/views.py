"""The API of balances and statements."""

from typing import Any

from ledger.balances import balance_of
from ledger.models import Posting
from ledger.serializers import BalanceShape, StatementLineShape
from offerhub.api.docs import describe
from offerhub.api.pagination import page
from offerhub.api.views import ApiRequest, ApiView, Response, respond
from offerhub.core.money import format_amount
from offerhub.users.services import get_user

ASSET = "USDC"


class UserBalanceView(ApiView):
    """What a user has."""

    scopes = {"GET": "users:read"}

    @describe("Read a user's balance", tag="Users", answer=BalanceShape)
    def get(self, request: ApiRequest, user_id: str) -> Response:
        """By what the money waits for."""
        balance = balance_of(request.marketplace_id, user_id, ASSET)
        return respond(
            {
                "available": format_amount(balance.available),
                "reserved": format_amount(balance.reserved),
                "inEscrow": format_amount(balance.in_escrow),
                "pendingWithdrawal": format_amount(balance.pending_withdrawal),
                "total": format_amount(balance.total),
                "asset": ASSET,
                "asOf": balance.as_of,
            }
        )


class UserStatementView(ApiView):
    """How a user's available balance came about."""

    scopes = {"GET": "users:read"}

    @describe("Read a user's statement", tag="Users", answer=StatementLineShape, listed=True)
    def get(self, request: ApiRequest, user_id: str) -> Response:
        """Newest first, each line with the balance after it."""
        user = get_user(request.marketplace_id, user_id)
        rows = Posting.objects.statement(user.id, ASSET)
        return respond(page(rows, request.query_params, _line, key="account_version", parse=int))


def _line(posting: Posting) -> dict[str, Any]:
    """Amounts from the user's side: what they got is positive."""
    entry = posting.entry
    assert posting.balance_after is not None
    return {
        "id": entry.id,
        "kind": entry.kind,
        "source": entry.source,
        "description": entry.description,
        "amount": format_amount(-posting.amount),
        "balance": format_amount(posting.balance_after),
        "asset": posting.asset,
        "effectiveAt": entry.effective_at,
        "recordedAt": entry.recorded_at,
        "hash": entry.chain_hash or None,
        "operationId": entry.operation or None,
    }
