"""Filters and answers of deposits."""

from offerhub.api.fields import (
    AmountField,
    ChoiceField,
    IdField,
    IntegerField,
    ReferenceField,
    TextField,
    TimestampField,
)
from offerhub.api.serializers import Query, Shape
from offerhub.core.money import MAX_AMOUNT
from offerhub.deposits.models import Deposit


class DepositQuery(Query):
    """Filters of `GET /deposits`."""

    user_id = ReferenceField(required=False)
    status = ChoiceField(choices=Deposit.Status.choices, required=False)


class DepositedAssetShape(Shape):
    """What arrived; the issuer of the native asset is empty."""

    code = TextField(max_length=12)
    issuer = TextField(max_length=56, allow_blank=True)


class DepositShape(Shape):
    """Something that arrived on the chain. `reason` says why it is in suspense."""

    id = IdField()
    status = ChoiceField(choices=Deposit.Status.choices)
    reason = ChoiceField(choices=Deposit.Reason.choices, allow_null=True)
    user_id = IdField(allow_null=True)
    user_external_id = IdField(max_length=128, allow_null=True)
    amount = AmountField()
    asset = DepositedAssetShape()
    address = TextField(max_length=56)
    holder = ChoiceField(choices=Deposit.Holder.choices)
    sender = TextField(max_length=69, allow_null=True)
    memo = TextField(max_length=64, allow_null=True)
    hash = TextField(max_length=64)
    operation = TextField(max_length=20)
    ledger = IntegerField(min_value=1, max_value=MAX_AMOUNT)
    closed_at = TimestampField()
    recorded_at = TimestampField()
