"""Bodies and answers of the sandbox's routes."""

from datetime import timedelta

from offerhub.api.fields import (
    AmountField,
    BooleanField,
    ChoiceField,
    DurationField,
    IntegerField,
    ReferenceField,
    TextField,
    TimestampField,
)
from offerhub.api.serializers import Body, Shape

# What a fault meets: a name → method and path of the network's own interface.
TARGETS = {
    "WITHDRAWAL_SEND": ("POST", "/transactions"),
    "ESCROW_BUILD": ("POST", "/escrow/"),
    "ESCROW_SEND": ("POST", "/helper/send-transaction"),
    "LOOK_UP": ("GET", "*/transactions/*/operations"),
}
SLOW = "slow"  # what it would have answered, but after the delay
ANSWERS = (
    SLOW,
    "504-before",
    "504-after",
    "429",
    "503",
    "drop",
    "drop-after",
    "bad-seq",
    "failed-200",
    "tampered",
    "entry-archived",
)
MOST_TIMES, MOST_SECONDS = 100, 30
SLOW_SECONDS = 10  # of a slow answer without a delay of its own
FURTHEST = timedelta(days=366)


class PretendDepositBody(Body):
    """Test USDC for a user of yours."""

    user_id = ReferenceField()
    amount = AmountField()


class PretendDepositShape(Shape):
    """The payment on the sandbox network. The deposit is credited as soon as it is seen."""

    user_id = TextField(max_length=32)
    address = TextField(max_length=56)
    amount = AmountField()
    hash = TextField(max_length=64)
    ledger = IntegerField(min_value=1, max_value=2**32)


class FaultBody(Body):
    """What the network answers the next times, on requests about your own users' wallets alone."""

    on = ChoiceField(choices=tuple(TARGETS))
    answer = ChoiceField(choices=ANSWERS)
    times = IntegerField(min_value=1, max_value=MOST_TIMES, required=False)
    delay = IntegerField(min_value=0, max_value=MOST_SECONDS, required=False)
    user_id = ReferenceField(required=False)


class FaultShape(Shape):
    """A fault that is still to come, so often."""

    id = IntegerField(min_value=1, max_value=2**31)
    on = ChoiceField(choices=tuple(TARGETS))
    answer = ChoiceField(choices=ANSWERS)
    times = IntegerField(min_value=0, max_value=MOST_TIMES)
    delay = IntegerField(min_value=0, max_value=MOST_SECONDS)


class FaultsShape(Shape):
    """Your faults, oldest first."""

    data = FaultShape(many=True)  # type: ignore[assignment]


class ClearedShape(Shape):
    """How many there were."""

    cleared = IntegerField(min_value=0, max_value=2**31)


class ClockBody(Body):
    """How far the time of the whole installation goes on, at once."""

    advance = DurationField(least=timedelta(minutes=1), most=FURTHEST)


class ClockShape(Shape):
    """The time of network and product after it."""

    now = TimestampField()
    latest_ledger = IntegerField(min_value=1, max_value=2**32)


class MagicAmountShape(Shape):
    """An amount that goes wrong on purpose: of a withdrawal, or of a whole order."""

    what = ChoiceField(choices=("withdrawal", "order"))
    amount = AmountField()
    happens = TextField(max_length=200)
    ends = TextField(max_length=200)


class MagicDestinationShape(Shape):
    """A destination that a withdrawal is refused for, before anything is debited."""

    name = TextField(max_length=40)
    address = TextField(max_length=56)
    happens = TextField(max_length=200)


class ScenariosShape(Shape):
    """`enabled` is false on a sandbox that was started without them."""

    enabled = BooleanField()
    amounts = MagicAmountShape(many=True)
    destinations = MagicDestinationShape(many=True)
