"""The API of users and wallets."""

from functools import partial
from typing import Any

from stellar_sdk.strkey import StrKey

from offerhub.api.docs import describe
from offerhub.api.pagination import page
from offerhub.api.serializers import complain
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core.actor import Actor
from offerhub.core.errors import DuplicateReference
from offerhub.users import services
from offerhub.users.bodies import user_body, wallet_body
from offerhub.users.models import User, Wallet
from offerhub.users.serializers import (
    NewUserBody,
    UserChangesBody,
    UserQuery,
    UserShape,
    WalletShape,
)


def _show(marketplace_id: str, user_id: str) -> Answer:
    user = services.get_user(marketplace_id, user_id)
    return Answer(user_body(user), pending=user.wallet.status == Wallet.Status.PENDING)


def _new_user(body: dict[str, Any]) -> services.NewUser:
    if body["external_id"].startswith("usr_"):
        raise complain("externalId", "reserved_prefix", "must not begin with usr_, which is ours")
    public_key = body.get("wallet", {}).get("address", "")
    if public_key and not StrKey.is_valid_ed25519_public_key(public_key):
        raise complain("wallet.address", "invalid_address", "must be a Stellar public key (G…)")
    return services.NewUser(
        external_id=body["external_id"],
        name=body.get("name", ""),
        email=body.get("email", ""),
        metadata=body.get("metadata"),
        public_key=public_key,
    )


class Users(ApiView):
    """All users of the marketplace."""

    scopes = {"GET": "users:read", "POST": "users:write"}

    @describe("List users", tag="Users", query=UserQuery, answer=UserShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Newest first."""
        filters = UserQuery.read(request)
        rows = User.objects.filter(marketplace_id=request.marketplace_id, **filters)
        return respond(page(rows.select_related("wallet"), request.query_params, user_body))

    @describe(
        "Create a user",
        tag="Users",
        body=NewUserBody,
        answer=UserShape,
        status=201,
        finds=True,
        waits=True,
        refusals=[DuplicateReference],
    )
    def post(self, request: ApiRequest) -> Response:
        """Makes a managed wallet and brings it to life on the network; asking again for the same
        `externalId` answers the user that is there (200)."""
        new = _new_user(NewUserBody.read(request))
        tenant = request.marketplace_id

        def change(actor: Actor) -> tuple[str, bool]:
            user, made = services.create_user(marketplace_id=tenant, new=new, actor=actor)
            return user.id, made

        return self.perform(request, change, partial(_show, tenant), created=True)


class OneUser(ApiView):
    """One user, by our id or the marketplace's own."""

    scopes = {"GET": "users:read", "PATCH": "users:write"}

    @describe("Read a user", tag="Users", answer=UserShape)
    def get(self, request: ApiRequest, user_id: str) -> Response:
        """With their wallet."""
        return respond(user_body(services.get_user(request.marketplace_id, user_id)))

    @describe("Change a user", tag="Users", body=UserChangesBody, answer=UserShape)
    def patch(self, request: ApiRequest, user_id: str) -> Response:
        """Name, e-mail and metadata; only what is sent changes."""
        changes = UserChangesBody.read(request, partial=True)
        tenant = request.marketplace_id
        user = services.get_user(tenant, user_id)
        services.update_user(
            marketplace_id=tenant, user_id=user.id, changes=changes, actor=request.actor
        )
        return respond(user_body(services.get_user(tenant, user.id)))


class UserWallet(ApiView):
    """Where a user's deposits go."""

    scopes = {"GET": "users:read"}

    @describe("Read a user's wallet", tag="Users", answer=WalletShape)
    def get(self, request: ApiRequest, user_id: str) -> Response:
        """Address, asset, network, and whether it is active."""
        user = services.get_user(request.marketplace_id, user_id)
        return respond(wallet_body(user.wallet))
