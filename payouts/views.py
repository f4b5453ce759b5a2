"""The API of withdrawals: parse, one service, show."""

from functools import partial
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.pagination import page
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.approvals.states import ProposalStatus
from offerhub.core.actor import Actor
from offerhub.core.errors import (
    DestinationRefused,
    DuplicateReference,
    InsufficientFunds,
    InvalidReference,
    NotFound,
    Refusal,
    RequestInProgress,
    Unavailable,
    WalletNotActive,
    WrongState,
)
from offerhub.users.services import get_user
from payouts import destinations, services
from payouts.bodies import withdrawal_body
from payouts.errors import LimitExceeded, WalletNotManaged, WithdrawalsPaused
from payouts.memos import parse_memo
from payouts.models import Withdrawal
from payouts.serializers import CancelBody, NewWithdrawalBody, WithdrawalQuery, WithdrawalShape
from payouts.states import OPEN
from payouts.wishes import wish_of


def _withdrawal(marketplace_id: str, withdrawal_id: str) -> Withdrawal:
    rows = Withdrawal.objects.of(marketplace_id).for_display()
    withdrawal: Withdrawal | None = rows.filter(pk=withdrawal_id).first()
    if withdrawal is None:
        raise NotFound(f"There is no withdrawal {withdrawal_id!r} in this marketplace")
    return withdrawal


def _show(marketplace_id: str, withdrawal_id: str) -> Answer:
    withdrawal = _withdrawal(marketplace_id, withdrawal_id)
    waits = withdrawal.proposal is not None and withdrawal.proposal.status == ProposalStatus.OPEN
    body = withdrawal_body(withdrawal)
    return Answer(body, pending=withdrawal.status in OPEN, for_people=waits)


class _NewWithdrawal:
    """One request in two steps: the network is asked first, with no transaction open."""

    def __init__(self, marketplace_id: str, body: dict[str, Any]) -> None:
        self.marketplace_id, self.body = marketplace_id, body
        self.wish = wish_of(body)
        parse_memo(self.wish.memo, self.wish.memo_type or None)
        self.checked: destinations.Checked | None = None

    def check(self) -> None:
        """Whether the destination can receive this. Skipped when the request is a repeat."""
        (found,) = destinations.check_many(self.marketplace_id, [self.wish])
        if isinstance(found, Refusal):
            raise found
        self.checked = found

    def request(self, actor: Actor) -> str:
        """The one transaction."""
        if self.checked is None:  # the key that made it a repeat was forgotten in between
            raise RequestInProgress(retry_after=1)
        return services.request_withdrawal(
            checked=self.checked,
            external_ref=self.body.get("external_ref"),
            actor=actor,
        ).id


class Withdrawals(ApiView):
    """All withdrawals of the marketplace."""

    scopes = {"GET": "withdrawals:read", "POST": "withdrawals:write"}

    @describe(
        "List withdrawals",
        tag="Withdrawals",
        query=WithdrawalQuery,
        answer=WithdrawalShape,
        listed=True,
        refusals=[NotFound],
    )
    def get(self, request: ApiRequest) -> Response:
        """Newest first, by user, status or reference."""
        filters = WithdrawalQuery.read(request)
        if "user_id" in filters:
            filters["user_id"] = get_user(request.marketplace_id, filters["user_id"]).pk
        rows = Withdrawal.objects.of(request.marketplace_id).for_display().filter(**filters)
        return respond(page(rows, request.query_params, withdrawal_body))

    @describe(
        "Request a withdrawal",
        tag="Withdrawals",
        body=NewWithdrawalBody,
        answer=WithdrawalShape,
        status=201,
        waits=True,
        refusals=[
            DestinationRefused,
            InsufficientFunds,
            InvalidReference,
            DuplicateReference,
            WalletNotActive,
            WalletNotManaged,
            LimitExceeded,
            WithdrawalsPaused,
            Unavailable,
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        """USDC to an address outside, given or of the user's address book. It is looked at on the
        network before anything is debited; then the money is set aside and paid from the user's
        own wallet."""
        new = _NewWithdrawal(request.marketplace_id, NewWithdrawalBody.read(request))
        return self.perform(
            request,
            new.request,
            partial(_show, request.marketplace_id),
            created=True,
            prepare=new.check,
        )


class OneWithdrawal(ApiView):
    """One withdrawal."""

    scopes = {"GET": "withdrawals:read"}

    @describe("Read a withdrawal", tag="Withdrawals", answer=WithdrawalShape, refusals=[NotFound])
    def get(self, request: ApiRequest, withdrawal_id: str) -> Response:
        """With its payment on the chain."""
        return respond(_show(request.marketplace_id, withdrawal_id).body)


class CancelWithdrawal(ApiView):
    """Called back."""

    scopes = {"POST": "withdrawals:write"}

    @describe(
        "Cancel a withdrawal",
        tag="Withdrawals",
        body=CancelBody,
        answer=WithdrawalShape,
        refusals=[NotFound, WrongState],
    )
    def post(self, request: ApiRequest, withdrawal_id: str) -> Response:
        """Possible until its payment is signed; the money is available again at once."""
        reason = CancelBody.read(request).get("reason", "")
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                services.cancel(
                    marketplace_id=tenant, withdrawal_id=withdrawal_id, reason=reason, actor=actor
                ).id
            ),
            partial(_show, tenant),
        )
