"""Answers about users' money."""

from offerhub.api.fields import AmountField, IdField, TextField, TimestampField
from offerhub.api.serializers import Shape


class BalanceShape(Shape):
    """`total` is the sum of the four."""

    available = AmountField()
    reserved = AmountField()
    in_escrow = AmountField()
    pending_withdrawal = AmountField()
    total = AmountField()
    asset = TextField(max_length=12)
    as_of = TimestampField()


class StatementLineShape(Shape):
    """One movement of the user's available money, and what they had after it."""

    id = IdField()
    kind = TextField(max_length=32)
    source = TextField(max_length=200)  # type: ignore[assignment]
    description = TextField(max_length=500)
    amount = TextField(max_length=24)
    balance = AmountField()
    asset = TextField(max_length=12)
    effective_at = TimestampField()
    recorded_at = TimestampField()
    hash = TextField(max_length=64, allow_null=True)
    operation_id = IdField(allow_null=True)
