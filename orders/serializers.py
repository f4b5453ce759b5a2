"""Bodies, filters and answers of orders, escrows and resolutions."""

from offerhub.api.fields import (
    AmountField,
    BooleanField,
    ChoiceField,
    DurationField,
    IdField,
    IntegerField,
    LinkField,
    MetadataField,
    ReferenceField,
    TextField,
    TimestampField,
)
from offerhub.api.operations import OperationShape
from offerhub.api.serializers import Body, Query, Shape
from offerhub.marketplaces.models import RefundFees
from orders.models import Escrow
from orders.release_policy import LONGEST, SHORTEST, Starts
from orders.states import EscrowStatus, MilestoneStatus, OrderStatus

CENTS = 2  # the contract's arithmetic is exact at two decimals
ACTIONS = ("complete", "approve", "release")


class PolicyBody(Body):
    """Released by itself: how long after what. `from` is FUNDED, SHIPPED or COMPLETED."""

    after = DurationField(least=SHORTEST, most=LONGEST)
    from_ = ChoiceField(choices=Starts.choices)


class NewMilestoneShape(Body):
    """A part of an order, with the marketplace's own id for it."""

    id = IdField()
    description = TextField(max_length=500)
    amount = AmountField(places=CENTS)
    release_policy = PolicyBody(required=False)


class NewOrderBody(Body):
    """What `POST /orders` takes."""

    buyer_id = ReferenceField()
    seller_id = ReferenceField()
    amount = AmountField(places=CENTS)
    title = TextField(max_length=100, required=False, allow_blank=True)
    description = TextField(max_length=500, lines=True, required=False, allow_blank=True)
    milestones = NewMilestoneShape(many=True, required=False, allow_empty=False)
    external_ref = IdField(max_length=128, required=False, allow_null=True)
    metadata = MetadataField(required=False)
    auto_fund = BooleanField(required=False)
    release_policy = PolicyBody(required=False, allow_null=True)
    campaign_id = IdField(required=False, allow_null=True)
    platform_fee_percent = IntegerField(min_value=0, max_value=90, required=False)


class OrderQuery(Query):
    """Filters of `GET /orders`."""

    status = ChoiceField(choices=OrderStatus.choices, required=False)
    buyer_id = ReferenceField(required=False)
    seller_id = ReferenceField(required=False)
    external_ref = IdField(max_length=128, required=False)
    campaign_id = IdField(required=False)


class CancelBody(Body):
    """An optional word on why."""

    reason = TextField(max_length=500, lines=True, required=False, allow_blank=True)


class SignatureBody(Body):
    """The envelope that was handed out, signed by the party: base64 XDR."""

    signed_xdr = TextField(max_length=200_000)


class NewEscrowBody(Body):
    """Which order's contract to create."""

    order_id = IdField()


class ReleaseBody(Body):
    """One endpoint for the three steps; `release` does the ones that are still missing."""

    order_id = IdField()
    milestone_id = IdField(required=False, allow_null=True)
    action = ChoiceField(choices=ACTIONS, required=False)
    evidence = TextField(max_length=500, lines=True, required=False, allow_blank=True)


class ShipBody(Body):
    """The goods are on their way; tracking data as the carrier gives it."""

    milestone_id = IdField(required=False, allow_null=True)
    carrier = TextField(max_length=100, required=False, allow_blank=True)
    tracking_number = TextField(max_length=100, required=False, allow_blank=True)
    tracking_url = LinkField(required=False, allow_blank=True)


class ExtendBody(Body):
    """How much longer the buyer wants before the money is released by itself."""

    milestone_id = IdField(required=False, allow_null=True)
    by = DurationField(least=SHORTEST, most=LONGEST)


class RefundBody(Body):
    """Back to the buyer: what is still in escrow, or one milestone of it."""

    order_id = IdField()
    milestone_id = IdField(required=False, allow_null=True)
    reason = TextField(max_length=500, lines=True, required=False, allow_blank=True)


class FeesShape(Shape):
    """What was taken on the way out of the contract."""

    platform = AmountField()
    protocol = AmountField()


class SettlementShape(Shape):
    """What the contract paid for a milestone: gross = net + fees, net = seller + buyer."""

    gross = AmountField()
    fees = FeesShape()
    net = AmountField()
    seller = AmountField()
    buyer = AmountField()


class ExpectedShape(Shape):
    """What a contract will pay when this is released: gross = net + fees. What it did pay, once it
    did, is the `settlement`."""

    gross = AmountField()
    fees = FeesShape()
    net = AmountField()


class OrderFeesShape(Shape):
    """The fees of an order: the marketplace's in percent, the escrow provider's in hundredths of a
    percent, who bears both on refunds, and what is expected of everything that is not settled."""

    platform_percent = IntegerField(min_value=0, max_value=90)
    protocol_bps = IntegerField(min_value=0, max_value=10_000)
    refund_fees_borne_by = ChoiceField(choices=RefundFees.choices)
    expected = ExpectedShape()


class ReimbursementShape(Shape):
    """What the marketplace pays the buyer of the fees that a refund took: its amount, and the
    payment on the chain."""

    milestone_id = IdField()
    amount = AmountField()
    fees = FeesShape()
    operation = OperationShape()


class MilestoneShape(Shape):
    """One milestone of an order. `expected` until it is settled, `settlement` from then on."""

    id = IdField()
    description = TextField(max_length=500)
    amount = AmountField(places=CENTS)
    status = ChoiceField(choices=MilestoneStatus.choices)
    evidence = TextField(max_length=500)
    expected = ExpectedShape(allow_null=True)
    settlement = SettlementShape(allow_null=True)
    release_policy = PolicyBody(allow_null=True)
    release_at = TimestampField(allow_null=True)


class ShipmentShape(Shape):
    """What the seller said when they sent the goods."""

    shipped_at = TimestampField()
    carrier = TextField(max_length=100, required=False)
    tracking_number = TextField(max_length=100, required=False)
    tracking_url = LinkField(required=False)


class OrderShape(Shape):
    """An order. `operation` is the call to its contract that is on its way or that failed last."""

    id = IdField()
    external_ref = IdField(max_length=128, allow_null=True)
    status = ChoiceField(choices=OrderStatus.choices)
    buyer_id = IdField()
    buyer_external_id = IdField(max_length=128)
    seller_id = IdField()
    seller_external_id = IdField(max_length=128)
    amount = AmountField(places=CENTS)
    title = TextField(max_length=100)
    description = TextField(max_length=500)
    milestones = MilestoneShape(many=True)
    fees = OrderFeesShape()
    settlement = SettlementShape(allow_null=True)
    reimbursements = ReimbursementShape(many=True)
    escrow_id = IdField(allow_null=True)
    campaign_id = IdField(allow_null=True)
    operation = OperationShape(allow_null=True)
    shipment = ShipmentShape(allow_null=True)
    metadata = MetadataField()
    created_at = TimestampField()
    updated_at = TimestampField()


class MilestonesShape(Shape):
    """All milestones of an order, in their order."""

    data = MilestoneShape(many=True)  # type: ignore[assignment]


class EscrowShape(Shape):
    """The contract of an order; `balance` is what it still holds of the order's money."""

    id = IdField()
    order_id = IdField()
    status = ChoiceField(choices=EscrowStatus.choices)
    contract_id = IdField(allow_null=True)
    kind = ChoiceField(choices=Escrow.Kind.choices)
    amount = AmountField()
    funded = AmountField()
    released = AmountField()
    refunded = AmountField()
    balance = AmountField()
    settlement = SettlementShape(allow_null=True)
    operation = OperationShape(allow_null=True)
    created_at = TimestampField()


class MomentShape(Shape):
    """One line of a timeline."""

    id = IdField()
    type = TextField(max_length=60)
    sequence = IntegerField(min_value=1, max_value=2**31)
    actor = TextField(max_length=80)
    payload = MetadataField()
    created_at = TimestampField()


class TimelineShape(Shape):
    """What happened to an order, oldest first."""

    data = MomentShape(many=True)  # type: ignore[assignment]
