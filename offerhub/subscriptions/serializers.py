"""Bodies, filters and answers of subscriptions."""

from offerhub.api.fields import (
    AmountField,
    ChoiceField,
    IdField,
    IntegerField,
    MetadataField,
    ReferenceField,
    TextField,
    TimestampField,
)
from offerhub.api.operations import OperationProblemShape
from offerhub.api.serializers import Body, Query, Shape
from offerhub.subscriptions.calendar import MOST, Interval
from offerhub.subscriptions.cancellation import Fate, When
from offerhub.subscriptions.models import Because, Stop
from offerhub.subscriptions.states import SubscriptionStatus
from orders.serializers import CENTS, FeesShape
from orders.states import OrderStatus

MANY = 2**31 - 1


# What is done next by itself.
NEXT = ("PREPARE", "RETRY_PAYMENT", "RELEASE", "SETTLE", "PAUSE", "CANCEL")
CYCLE_STATES = ("UNPAID", "UPCOMING", "RUNNING", "ENDING", "SETTLED", "DROPPED")


class NewSubscriptionBody(Body):
    """What `POST /subscriptions` takes. Without `startsAt` the first cycle begins now."""

    buyer_id = ReferenceField()
    seller_id = ReferenceField()
    amount = AmountField(places=CENTS)
    interval = ChoiceField(choices=Interval.choices)
    interval_count = IntegerField(min_value=1, max_value=max(MOST.values()), required=False)
    starts_at = TimestampField(required=False, allow_null=True)
    time_zone = TextField(max_length=64, required=False)
    on_unpaid = ChoiceField(choices=Stop.choices, required=False)
    title = TextField(max_length=100, required=False, allow_blank=True)
    description = TextField(max_length=400, lines=True, required=False, allow_blank=True)
    external_ref = IdField(max_length=128, required=False, allow_null=True)
    metadata = MetadataField(required=False)


class ChangesBody(Body):
    """What of a subscription can change; only what is sent does."""

    amount = AmountField(places=CENTS, required=False)
    on_unpaid = ChoiceField(choices=Stop.choices, required=False)
    title = TextField(max_length=100, required=False, allow_blank=True)
    description = TextField(max_length=400, lines=True, required=False, allow_blank=True)
    metadata = MetadataField(required=False)


class CancelBody(Body):
    """At once, with the running cycle divided; or at the end of what is paid."""

    when = ChoiceField(choices=When.choices)
    reason = TextField(max_length=500, lines=True, required=False, allow_blank=True)


class ResumeBody(Body):
    """When a paused subscription begins anew; without it now."""

    starts_at = TimestampField(required=False, allow_null=True)


class SubscriptionQuery(Query):
    """Filters of `GET /subscriptions`."""

    status = ChoiceField(choices=SubscriptionStatus.choices, required=False)
    buyer_id = ReferenceField(required=False)
    seller_id = ReferenceField(required=False)
    external_ref = IdField(max_length=128, required=False)


class CancellationQuery(Query):
    """What to show: cancelling at once unless it says otherwise."""

    when = ChoiceField(choices=When.choices, required=False)


class SharesShape(Shape):
    """Who gets what of a cycle, before fees."""

    seller = AmountField()
    buyer = AmountField()


class CycleShape(Shape):
    """One billing cycle. `shares` is how its order is divided, once that is decided."""

    index = IntegerField(min_value=0, max_value=MANY)
    status = ChoiceField(choices=CYCLE_STATES)
    starts_at = TimestampField()
    ends_at = TimestampField()
    amount = AmountField()
    order_id = IdField(allow_null=True)
    order_status = ChoiceField(choices=OrderStatus.choices, allow_null=True)
    shares = SharesShape(allow_null=True)
    problem = OperationProblemShape(allow_null=True)
    next_attempt_at = TimestampField(allow_null=True)


class NextCycleShape(Shape):
    """The cycle that follows; without an order until it is prepared."""

    index = IntegerField(min_value=0, max_value=MANY)
    starts_at = TimestampField()
    ends_at = TimestampField()
    amount = AmountField()
    prepares_at = TimestampField(allow_null=True)
    order_id = IdField(allow_null=True)


class EndingShape(Shape):
    """That it stops by itself: when, for how long, and why."""

    action = ChoiceField(choices=Stop.choices)
    at = TimestampField()
    because = ChoiceField(choices=Because.choices)


class NextStepShape(Shape):
    """What the product does next by itself, and of which cycle."""

    action = ChoiceField(choices=NEXT)
    at = TimestampField(allow_null=True)
    cycle = IntegerField(min_value=0, max_value=MANY, allow_null=True)


class SubscriptionShape(Shape):
    """A subscription. `amount` is the price of the next cycle that has no order yet.

    `openCycles` are all whose money is not settled: the running one, the next when it is prepared,
    earlier ones in dispute."""

    id = IdField()
    external_ref = IdField(max_length=128, allow_null=True)
    status = ChoiceField(choices=SubscriptionStatus.choices)
    buyer_id = IdField()
    buyer_external_id = IdField(max_length=128)
    seller_id = IdField()
    seller_external_id = IdField(max_length=128)
    amount = AmountField(places=CENTS)
    interval = ChoiceField(choices=Interval.choices)
    interval_count = IntegerField(min_value=1, max_value=max(MOST.values()))
    time_zone = TextField(max_length=64)
    starts_at = TimestampField()
    on_unpaid = ChoiceField(choices=Stop.choices)
    title = TextField(max_length=100)
    description = TextField(max_length=400)
    metadata = MetadataField()
    current_cycle = CycleShape(allow_null=True)
    next_cycle = NextCycleShape(allow_null=True)
    open_cycles = CycleShape(many=True)
    ending = EndingShape(allow_null=True)
    next_step = NextStepShape(allow_null=True)
    paused_at = TimestampField(allow_null=True)
    ended_at = TimestampField(allow_null=True)
    created_at = TimestampField()
    updated_at = TimestampField()


class CycleEndingShape(Shape):
    """What cancelling means for one cycle: the shares before fees, what the contract takes of them
    and what then arrives; and the day count they rest on."""

    index = IntegerField(min_value=0, max_value=MANY)
    order_id = IdField(allow_null=True)
    fate = ChoiceField(choices=Fate.choices)
    amount = AmountField()
    shares = SharesShape()
    fees = FeesShape()
    net = SharesShape()
    elapsed_seconds = IntegerField(min_value=0, max_value=MANY)
    length_seconds = IntegerField(min_value=0, max_value=MANY)


class CancellationShape(Shape):
    """What cancelling would do, if it were asked for at `asOf`. Without `endsAt` the subscription
    would end at once."""

    subscription_id = IdField()
    when = ChoiceField(choices=When.choices)
    as_of = TimestampField()
    ends_at = TimestampField(allow_null=True)
    cycles = CycleEndingShape(many=True)
