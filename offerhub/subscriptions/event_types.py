"""The events of subscriptions. A cycle's money is an order, and has an order's events besides."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    AMOUNT,
    CODE,
    DETAIL,
    TIME,
    WHOLE,
    Field,
    identifier,
    listed,
    nullable,
    one_of,
    text,
)
from offerhub.subscriptions.cancellation import When
from offerhub.subscriptions.models import Because, Stop
from orders.states import OrderStatus

ORDER = identifier("ord")
STOP, BECAUSE = one_of(Stop), one_of(Because)
_TERMS = {"amount": AMOUNT, "startsAt": TIME, "endsAt": TIME}


def _subscription(name: str, summary: str, /, **fields: Field) -> None:
    declare(f"subscription.{name}", summary, "sub", **fields)


def _cycle(name: str, summary: str, /, **fields: Field) -> None:
    _subscription(name, f"{summary}; `index` is the cycle's", index=WHOLE, **fields)


_subscription("created", "A subscription exists", amount=AMOUNT, startsAt=TIME)
_subscription(
    "price_changed",
    "The price of the cycle `fromIndex` and those after it",
    amount=AMOUNT,
    before=AMOUNT,
    fromIndex=WHOLE,
)
_subscription(
    "updated",
    "Something else of a subscription changed; `changed` names it",
    changed=listed(text("title")),
)
_subscription("cancel_requested", "Somebody ends it", when=one_of(When), reason=DETAIL)
_subscription("stop_planned", "It goes on to the end of what is paid for", at=TIME, how=STOP)
_subscription("paused", "No cycle follows until somebody resumes it", because=BECAUSE)
_subscription("resumed", "It goes on, reckoned from `startsAt`", startsAt=TIME)
_subscription("ending", "It is over; the last contracts are being settled", because=BECAUSE)
_subscription("cancelled", "It is over and everything is settled", because=BECAUSE)
_subscription(
    "cycles_skipped",
    "Cycles that were over before they could begin are left out: nobody pays for them",
    count=WHOLE,
    until=TIME,
)

_cycle("cycle_prepared", "Its order exists and is on its way", orderId=ORDER, **_TERMS)
_cycle("payment_recovered", "What could not be paid before is paid", orderId=ORDER)
_cycle(
    "payment_failed",
    "It could not be paid; it is tried again at `nextTryAt`, or not any more",
    code=CODE,
    available=nullable(AMOUNT),
    nextTryAt=nullable(TIME),
    **_TERMS,
)
_cycle("grace_began", "It is tried once more at `until`; then it stops", until=TIME, then=STOP)
_cycle("cycle_dropped", "Nobody asks for its money any more", because=BECAUSE)
_cycle("cycle_ended", "What each party gets of it", orderId=ORDER, seller=AMOUNT, buyer=AMOUNT)
_cycle("cycle_settled", "Its money is paid out", orderId=ORDER, orderStatus=one_of(OrderStatus))
