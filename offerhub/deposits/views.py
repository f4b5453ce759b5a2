"""The API of deposits: what was seen on the chain."""

from offerhub.api.docs import describe
from offerhub.api.pagination import page
from offerhub.api.views import ApiRequest, ApiView, Response, respond
from offerhub.core.errors import NotFound
from offerhub.deposits.bodies import deposit_body
from offerhub.deposits.models import Deposit
from offerhub.deposits.serializers import DepositQuery, DepositShape
from offerhub.users.services import get_user


class Deposits(ApiView):
    """All deposits of the marketplace."""

    scopes = {"GET": "deposits:read"}

    @describe(
        "List deposits",
        tag="Deposits",
        query=DepositQuery,
        answer=DepositShape,
        listed=True,
        refusals=[NotFound],
    )
    def get(self, request: ApiRequest) -> Response:
        """Newest first, by user or status; what is in suspense says why."""
        filters = DepositQuery.read(request)
        if "user_id" in filters:
            filters["user_id"] = get_user(request.marketplace_id, filters["user_id"]).pk
        rows = Deposit.objects.of(request.marketplace_id).for_display().filter(**filters)
        return respond(page(rows, request.query_params, deposit_body))


class OneDeposit(ApiView):
    """One deposit."""

    scopes = {"GET": "deposits:read"}

    @describe("Read a deposit", tag="Deposits", answer=DepositShape)
    def get(self, request: ApiRequest, deposit_id: str) -> Response:
        """With the operation on the chain that made it."""
        rows = Deposit.objects.of(request.marketplace_id).for_display()
        deposit: Deposit | None = rows.filter(pk=deposit_id).first()
        if deposit is None:
            raise NotFound(f"There is no deposit {deposit_id!r} in this marketplace")
        return respond(deposit_body(deposit))
