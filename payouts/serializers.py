"""Bodies, filters and answers of withdrawals."""

from offerhub.api.fields import (
    AmountField,
    ChoiceField,
    IdField,
    ReferenceField,
    TextField,
    TimestampField,
)
from offerhub.api.operations import OperationProblemShape, OperationShape
from offerhub.api.serializers import Body, Query, Shape
from offerhub.approvals.states import ProposalStatus
from payouts.models import MemoType
from payouts.states import WithdrawalStatus

ADDRESS = 69  # characters of a muxed address; a plain one has 56
MEMO = 64  # characters of the longest memo, a hash


class NewWithdrawalBody(Body):
    """What `POST /withdrawals` takes, and each item of a batch. Amounts to seven decimals.

    Either `destination`, or `destinationId` of the user's address book, which brings its memo.
    """

    user_id = ReferenceField()
    amount = AmountField()
    destination = TextField(max_length=ADDRESS, required=False, allow_null=True)
    destination_id = IdField(required=False, allow_null=True)
    memo = TextField(max_length=MEMO, required=False, allow_null=True, allow_blank=True)
    memo_type = ChoiceField(choices=MemoType.choices, required=False, allow_null=True)
    external_ref = IdField(max_length=128, required=False, allow_null=True)


class WithdrawalQuery(Query):
    """Filters of `GET /withdrawals`."""

    user_id = ReferenceField(required=False)
    status = ChoiceField(choices=WithdrawalStatus.choices, required=False)
    external_ref = IdField(max_length=128, required=False)
    batch_id = IdField(required=False)


class CancelBody(Body):
    """An optional word on why."""

    reason = TextField(max_length=500, lines=True, required=False, allow_blank=True)


class ApprovalShape(Shape):
    """Over the marketplace's limit a person of the desk must agree before anything is paid."""

    id = IdField()
    status = ChoiceField(choices=ProposalStatus.choices)
    why = TextField(max_length=200)
    expires_at = TimestampField()
    decided_at = TimestampField(allow_null=True)


class WithdrawalShape(Shape):
    """A withdrawal. `fee` is what the network charged, in XLM, which the marketplace bears.

    `operation` is its payment on the chain; while that is UNKNOWN the money stays pending.
    """

    id = IdField()
    external_ref = IdField(max_length=128, allow_null=True)
    status = ChoiceField(choices=WithdrawalStatus.choices)
    user_id = IdField()
    user_external_id = IdField(max_length=128)
    amount = AmountField()
    destination = TextField(max_length=ADDRESS)
    destination_id = IdField(allow_null=True)
    memo = TextField(max_length=MEMO, allow_null=True)
    memo_type = ChoiceField(choices=MemoType.choices, allow_null=True)
    batch_id = IdField(allow_null=True)
    hash = TextField(max_length=64, allow_null=True)
    fee = AmountField()
    problem = OperationProblemShape(allow_null=True)
    approval = ApprovalShape(allow_null=True)
    operation = OperationShape(allow_null=True)
    created_at = TimestampField()
    updated_at = TimestampField()
