"""Bodies, filters and answers of batches."""

from offerhub.api.fields import (
    AmountField,
    ChoiceField,
    IdField,
    IntegerField,
    ListField,
    TextField,
    TimestampField,
)
from offerhub.api.serializers import Body, Query, Shape
from payouts.batches import MOST
from payouts.models import MemoType
from payouts.serializers import ADDRESS, MEMO, ApprovalShape, NewWithdrawalBody
from payouts.states import BatchStatus, ItemState, WithdrawalStatus

COUNT = {"min_value": 0, "max_value": MOST}


class NewBatchBody(Body):
    """What `POST /withdrawals/batch` takes."""

    items = ListField(child=NewWithdrawalBody(), min_length=1, max_length=MOST)
    external_ref = IdField(max_length=128, required=False, allow_null=True)


class BatchQuery(Query):
    """Filters of `GET /withdrawals/batches`."""

    status = ChoiceField(choices=BatchStatus.choices, required=False)
    external_ref = IdField(max_length=128, required=False)


class ComplaintShape(Shape):
    """One complaint about one field."""

    field = TextField(max_length=64)
    code = TextField(max_length=64)
    message = TextField(max_length=500)


class ItemProblemShape(Shape):
    """Why there is no withdrawal, as a request of its own would have said; or what its payment
    waits for."""

    code = TextField(max_length=64)
    detail = TextField(max_length=1000)
    errors = ListField(  # type: ignore[assignment]  # a serializer's own errors, too
        child=ComplaintShape(), required=False
    )


class ItemWithdrawalShape(Shape):
    """The withdrawal of an item, in short: `GET /withdrawals/{id}` has all of it."""

    id = IdField()
    status = ChoiceField(choices=WithdrawalStatus.choices)
    hash = TextField(max_length=64, allow_null=True)
    fee = AmountField()
    problem = ItemProblemShape(allow_null=True)


class BatchItemShape(Shape):
    """One item, at its place: either `withdrawal`, or the `problem` for which there is none."""

    index = IntegerField(**COUNT)
    state = ChoiceField(choices=ItemState.choices)
    user_id = IdField(max_length=128)
    amount = AmountField()
    destination = TextField(max_length=ADDRESS, allow_null=True)
    destination_id = IdField(allow_null=True)
    memo = TextField(max_length=MEMO, allow_null=True)
    memo_type = ChoiceField(choices=MemoType.choices, allow_null=True)
    external_ref = IdField(max_length=128, allow_null=True)
    withdrawal = ItemWithdrawalShape(allow_null=True)
    problem = ItemProblemShape(allow_null=True)


class BatchCountsShape(Shape):
    """How many items are where; they add up to the batch."""

    checking = IntegerField(**COUNT)
    refused = IntegerField(**COUNT)
    held = IntegerField(**COUNT)
    waiting = IntegerField(**COUNT)
    on_the_way = IntegerField(**COUNT)
    completed = IntegerField(**COUNT)
    failed = IntegerField(**COUNT)
    cancelled = IntegerField(**COUNT)


class BatchShape(Shape):
    """A batch with its progress. `amount` is what all items ask for, `paid` what has arrived."""

    id = IdField()
    external_ref = IdField(max_length=128, allow_null=True)
    status = ChoiceField(choices=BatchStatus.choices)
    items_total = IntegerField(min_value=1, max_value=MOST)
    counts = BatchCountsShape()
    amount = AmountField()
    paid = AmountField()
    approval = ApprovalShape(allow_null=True)
    created_at = TimestampField()
    finished_at = TimestampField(allow_null=True)


class BatchWithItemsShape(BatchShape):
    """The same with every item."""

    items = ListField(child=BatchItemShape())
