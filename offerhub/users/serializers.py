"""Bodies and answers of users and their wallets."""

from typing import Any

from offerhub.api.fields import (
    BooleanField,
    ChoiceField,
    EmailField,
    IdField,
    MetadataField,
    TextField,
    TimestampField,
)
from offerhub.api.serializers import Body, Query, Shape
from offerhub.users.models import Wallet

USER_WALLETS = [Wallet.Kind.MANAGED.value, Wallet.Kind.EXTERNAL.value]


class WalletKindField(ChoiceField):
    """As answers write it; `external` is taken too."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value("EXTERNAL" if data == "external" else data)


class OwnWalletBody(Body):
    """A wallet whose key the party holds: they sign every step themselves."""

    kind = WalletKindField(choices=["EXTERNAL"])
    address = TextField(max_length=56)


class NewUserBody(Body):
    """What `POST /users` takes. Without `wallet` we make one and keep its key."""

    external_id = IdField(max_length=128)
    name = TextField(max_length=200, required=False, allow_blank=True)
    email = EmailField(required=False, allow_blank=True)
    metadata = MetadataField(required=False)
    wallet = OwnWalletBody(required=False)


class UserChangesBody(Body):
    """What of a user can change."""

    name = TextField(max_length=200, required=False, allow_blank=True)
    email = EmailField(required=False, allow_blank=True)
    metadata = MetadataField(required=False)


class UserQuery(Query):
    """Filters of `GET /users`."""

    external_id = IdField(max_length=128, required=False)


class AssetShape(Shape):
    """An asset of the network."""

    code = TextField(max_length=12)
    issuer = TextField(max_length=56)


class WalletShape(Shape):
    """Where a user's deposits go."""

    address = TextField(max_length=56)
    status = ChoiceField(choices=Wallet.Status.choices)
    kind = ChoiceField(choices=USER_WALLETS)
    network = ChoiceField(choices=["sandbox", "testnet", "mainnet"])
    asset = AssetShape()
    memo_required = BooleanField()


class UserShape(Shape):
    """A buyer or seller."""

    id = IdField()
    external_id = IdField(max_length=128)
    name = TextField(max_length=200)
    email = TextField(max_length=254)
    metadata = MetadataField()
    wallet = WalletShape()
    created_at = TimestampField()
