"""Bodies, filters and answers of campaigns and pledges."""

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
from offerhub.api.serializers import Body, Query, Shape
from orders.campaigns.states import CampaignStatus, Holds, OverGoal, PledgeState, SettleOn
from orders.serializers import CENTS
from orders.states import OrderStatus

MOST = 2**31 - 1


class NewCampaignBody(Body):
    """What `POST /campaigns` takes."""

    creator_id = ReferenceField()
    title = TextField(max_length=100)
    description = TextField(max_length=500, lines=True, required=False, allow_blank=True)
    goal = AmountField(places=CENTS)
    deadline = TimestampField()
    minimum_pledge = AmountField(places=CENTS, required=False, allow_null=True)
    maximum_pledge = AmountField(places=CENTS, required=False, allow_null=True)
    pledges_per_backer = IntegerField(min_value=1, max_value=MOST, required=False, allow_null=True)
    holds = ChoiceField(choices=Holds.choices)
    over_goal = ChoiceField(choices=OverGoal.choices, required=False)
    settle_on = ChoiceField(choices=SettleOn.choices, required=False)
    metadata = MetadataField(required=False)


class CampaignQuery(Query):
    """Filters of `GET /campaigns`."""

    status = ChoiceField(choices=CampaignStatus.choices, required=False)
    creator_id = ReferenceField(required=False)


class PledgeQuery(Query):
    """Filters of a campaign's pledges."""

    state = ChoiceField(choices=PledgeState.choices, required=False)


class ProgressShape(Shape):
    """Of the settlement, in pledges. `done` are settled or left to a dispute; the estimate is
    null while nothing can be said."""

    total = IntegerField(min_value=0, max_value=MOST)
    done = IntegerField(min_value=0, max_value=MOST)
    failed = IntegerField(min_value=0, max_value=MOST)
    on_its_way = IntegerField(min_value=0, max_value=MOST)
    waiting = IntegerField(min_value=0, max_value=MOST)
    percent = IntegerField(min_value=0, max_value=100)
    eta_seconds = IntegerField(min_value=0, max_value=MOST, allow_null=True)
    estimated_end = TimestampField(allow_null=True)


class CampaignShape(Shape):
    """A campaign. `outcome` is what its settlement leads to, from the beginning of that on;
    `paidOut` and `givenBack` are gross, before the fees of the contracts."""

    id = IdField()
    status = ChoiceField(choices=CampaignStatus.choices)
    outcome = ChoiceField(choices=CampaignStatus.choices, allow_null=True)
    creator_id = IdField()
    creator_external_id = IdField(max_length=128)
    title = TextField(max_length=100)
    description = TextField(max_length=500)
    goal = AmountField(places=CENTS)
    deadline = TimestampField()
    minimum_pledge = AmountField(places=CENTS, allow_null=True)
    maximum_pledge = AmountField(places=CENTS, allow_null=True)
    pledges_per_backer = IntegerField(min_value=1, max_value=MOST, allow_null=True)
    holds = ChoiceField(choices=Holds.choices)
    over_goal = ChoiceField(choices=OverGoal.choices)
    settle_on = ChoiceField(choices=SettleOn.choices)
    pledged = AmountField()
    pledges = IntegerField(min_value=0, max_value=MOST)
    released = IntegerField(min_value=0, max_value=MOST)
    refunded = IntegerField(min_value=0, max_value=MOST)
    disputed = IntegerField(min_value=0, max_value=MOST)
    failed = IntegerField(min_value=0, max_value=MOST)
    paid_out = AmountField()
    given_back = AmountField()
    progress = ProgressShape()
    metadata = MetadataField()
    goal_reached_at = TimestampField(allow_null=True)
    settling_at = TimestampField(allow_null=True)
    ended_at = TimestampField(allow_null=True)
    created_at = TimestampField()


class PledgeProblemShape(Shape):
    """Why a pledge was not settled."""

    code = TextField(max_length=60)
    detail = TextField(max_length=500)


class PledgeShape(Shape):
    """A pledge: the order has the rest."""

    order_id = IdField()
    state = ChoiceField(choices=PledgeState.choices)
    amount = AmountField(places=CENTS)
    backer_id = IdField()
    backer_external_id = IdField(max_length=128)
    order_status = ChoiceField(choices=OrderStatus.choices)
    problem = PledgeProblemShape(allow_null=True)
    settled_at = TimestampField(allow_null=True)
    created_at = TimestampField()
