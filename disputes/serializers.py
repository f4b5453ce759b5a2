"""Bodies, filters and answers of disputes."""

from disputes.states import Decision, DisputeStatus
from offerhub.api.fields import (
    AmountField,
    BooleanField,
    ChoiceField,
    IdField,
    ReferenceField,
    TextField,
    TimestampField,
)
from offerhub.api.operations import OperationProblemShape, OperationShape
from offerhub.api.serializers import Body, Query, Shape
from orders.serializers import CENTS, SettlementShape
from orders.states import MilestoneStatus, OrderStatus

PROPOSAL_STATES = ("OPEN", "APPROVED", "REJECTED", "WITHDRAWN", "EXPIRED")
SIDES = ("buyer", "seller", "staff")


class NewDisputeBody(Body):
    """A complaint about an order, or about one milestone of it."""

    order_id = IdField()
    milestone_id = IdField(required=False, allow_null=True)
    opened_by = ReferenceField(required=False)
    reason = TextField(max_length=500)
    description = TextField(max_length=4000, lines=True, required=False, allow_blank=True)


class DisputeQuery(Query):
    """Filters of `GET /disputes`."""

    status = ChoiceField(choices=DisputeStatus.choices, required=False)
    order_id = IdField(required=False)


class StatementBody(Body):
    """A party's account. A draft is replaced by the party's next call; submitted stays for ever."""

    by = ReferenceField()
    text = TextField(max_length=8000, lines=True)
    draft = BooleanField(required=False)


class MessageBody(Body):
    """A line to the desk; both parties read it."""

    by = ReferenceField()
    text = TextField(max_length=4000, lines=True)


class WithdrawBody(Body):
    """Who gives up: the party that opened it."""

    by = ReferenceField(required=False)


class SplitBody(Body):
    """The shares before fees; together the whole amount. A share may be nothing."""

    seller = AmountField(places=CENTS, zero=True)
    buyer = AmountField(places=CENTS, zero=True)


class MilestoneDecisionBody(Body):
    """What becomes of one milestone."""

    id = IdField()
    decision = ChoiceField(choices=Decision.choices)
    split = SplitBody(required=False)


class ResolveBody(Body):
    """The decision for everything in dispute, or milestone by milestone. `note` is shown to both
    parties."""

    decision = ChoiceField(choices=Decision.choices, required=False)
    split = SplitBody(required=False)
    milestones = MilestoneDecisionBody(many=True, required=False, allow_empty=False)
    note = TextField(max_length=2000, lines=True, required=False, allow_blank=True)
    reason_code = IdField(max_length=40, required=False)


class SplitShape(Shape):
    """Shares before fees."""

    seller = AmountField()
    buyer = AmountField()


class DisputedMilestoneShape(Shape):
    """A milestone in dispute: the shares that were decided, and what the contract paid."""

    id = IdField()
    description = TextField(max_length=500)
    amount = AmountField(places=CENTS)
    status = ChoiceField(choices=MilestoneStatus.choices)
    split = SplitShape(allow_null=True)
    settlement = SettlementShape(allow_null=True)


class DecisionShape(Shape):
    """What was decided."""

    decision = ChoiceField(choices=Decision.choices)
    reason_code = IdField(allow_null=True)
    note = TextField(max_length=2000)
    split = SplitShape(allow_null=True)


class ProposalShape(Shape):
    """A resolution on the table; `why` says what asks for a second person."""

    id = IdField()
    status = ChoiceField(choices=PROPOSAL_STATES)
    decision = ChoiceField(choices=Decision.choices)
    amount = AmountField()
    needs_approval = BooleanField()
    why = TextField(max_length=200)
    expires_at = TimestampField()


class DisputeShape(Shape):
    """A dispute. `frozen`: the chain has confirmed that nobody can take the money any more."""

    id = IdField()
    order_id = IdField()
    order_status = ChoiceField(choices=OrderStatus.choices)
    status = ChoiceField(choices=DisputeStatus.choices)
    opened_by = ChoiceField(choices=SIDES[:2])
    buyer_id = IdField()
    buyer_external_id = IdField(max_length=128)
    seller_id = IdField()
    seller_external_id = IdField(max_length=128)
    reason = TextField(max_length=500)
    description = TextField(max_length=4000)
    amount = AmountField(places=CENTS)
    milestones = DisputedMilestoneShape(many=True)
    frozen = BooleanField()
    waiting_for = ChoiceField(choices=SIDES[:2], allow_null=True)
    answer_until = TimestampField(allow_null=True)
    first_answer_due_at = TimestampField()
    first_answered_at = TimestampField(allow_null=True)
    decision_due_at = TimestampField()
    decision = DecisionShape(allow_null=True)
    proposal = ProposalShape(allow_null=True)
    operation = OperationShape(allow_null=True)
    problem = OperationProblemShape(allow_null=True)
    created_at = TimestampField()
    closed_at = TimestampField(allow_null=True)


class StatementShape(Shape):
    """A party's account of the matter."""

    id = IdField()
    by = ChoiceField(choices=SIDES[:2])
    status = ChoiceField(choices=("DRAFT", "SUBMITTED"))
    text = TextField(max_length=8000)
    created_at = TimestampField()
    submitted_at = TimestampField(allow_null=True)


class StatementsShape(Shape):
    """All statements of a dispute, oldest first."""

    data = StatementShape(many=True)  # type: ignore[assignment]


class MessageShape(Shape):
    """A line between a party and the desk."""

    id = IdField()
    by = ChoiceField(choices=SIDES)
    text = TextField(max_length=4000)
    created_at = TimestampField()
