"""Bodies, filters and answers of reconciliation and proofs."""

from offerhub.api.fields import (
    AmountField,
    ChoiceField,
    IdField,
    IntegerField,
    TextField,
    TimestampField,
)
from offerhub.api.serializers import Body, Query, Shape
from offerhub.core.money import MAX_AMOUNT
from offerhub.reconciliation.models import Run
from offerhub.reconciliation.states import DifferenceStatus, DifferenceType


def _count() -> IntegerField:
    return IntegerField(min_value=0, max_value=MAX_AMOUNT)


class NewRunBody(Body):
    """What to compare: one wallet or contract, or everything of the marketplace."""

    address = TextField(max_length=56, required=False)


class RunShape(Shape):
    """A comparison of books and chain. `undecided` balances have something on their way and are
    looked at again until that has ended."""

    id = IdField()
    status = ChoiceField(choices=Run.Status.choices)
    address = TextField(max_length=56, allow_null=True)
    checked = _count()
    equal = _count()
    undecided = _count()
    different = _count()
    ledger = _count()
    problem = TextField(max_length=300, allow_null=True)
    created_at = TimestampField()
    finished_at = TimestampField(allow_null=True)


class DifferenceQuery(Query):
    """Filters of `GET /reconciliation/differences`."""

    status = ChoiceField(choices=DifferenceStatus.choices, required=False)
    type = ChoiceField(choices=DifferenceType.choices, required=False)
    address = TextField(max_length=56, required=False)


class DifferenceLineShape(Shape):
    """A transaction by which one side changed otherwise than the other."""

    hash = TextField(max_length=64, allow_null=True)
    ledger = _count()
    books = AmountField()
    chain = AmountField()
    entry_id = IdField(allow_null=True)
    operation_id = IdField(allow_null=True)
    what = TextField(max_length=200)


class DifferenceShape(Shape):
    """Books and chain differ at a ledger; `amount` is what the chain holds more (or less)."""

    id = IdField()
    status = ChoiceField(choices=DifferenceStatus.choices)
    type = ChoiceField(choices=DifferenceType.choices)
    account = TextField(max_length=70)
    address = TextField(max_length=56)
    asset = TextField(max_length=72)
    books = AmountField()
    chain = AmountField()
    amount = AmountField()
    ledger = _count()
    note = TextField(max_length=500, allow_null=True)
    lines = DifferenceLineShape(many=True)
    created_at = TimestampField()
    seen_at = TimestampField()
    ended_at = TimestampField(allow_null=True)


class HeadShape(Shape):
    """The last seal of a day: keep it where nobody here can write."""

    id = TextField(max_length=32)
    day = TextField(max_length=10)
    marketplace_id = IdField()
    entry = _count()
    digest = TextField(max_length=64)


class KeyShape(Shape):
    """The public key of this installation's proofs."""

    algorithm = TextField(max_length=16)
    key = TextField(max_length=64)


class ProofQuery(Query):
    """Which proof: the newest, or the one named."""

    proof_id = IdField(required=False)


class TreeShape(Shape):
    """The Merkle-sum tree over users; sums in stroops."""

    root = TextField(max_length=64)  # type: ignore[assignment]
    sum = TextField(max_length=20)
    leaves = _count()


class LedgersShape(Shape):
    """At which ledgers the chain was read."""

    from_ = _count()
    to = _count()


class ProofShape(Shape):
    """What is owed and what is held."""

    id = IdField()
    asset = TextField(max_length=72)
    owed = AmountField()
    held = AmountField()
    ledger = LedgersShape()
    tree = TreeShape()
    key = TextField(max_length=64)
    created_at = TimestampField()
