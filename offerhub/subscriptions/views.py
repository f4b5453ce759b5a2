"""The API of subscriptions: parse, one service, show."""

from collections.abc import Callable
from functools import partial
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.pagination import page
from offerhub.api.serializers import NoBody
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.errors import (
    DuplicateReference,
    InsufficientFunds,
    InvalidReference,
    NotFound,
    Unprocessable,
    WalletNotActive,
    WrongState,
)
from offerhub.subscriptions import services
from offerhub.subscriptions.bodies import cycle_body, is_pending, subscription_body
from offerhub.subscriptions.calendar import Interval
from offerhub.subscriptions.cancellation import When
from offerhub.subscriptions.models import Cycle, Stop, Subscription
from offerhub.subscriptions.serializers import (
    CancelBody,
    CancellationQuery,
    CancellationShape,
    ChangesBody,
    CycleShape,
    NewSubscriptionBody,
    ResumeBody,
    SubscriptionQuery,
    SubscriptionShape,
)
from offerhub.subscriptions.showing import cancellation_body
from offerhub.subscriptions.states import OVER
from offerhub.users.services import get_user

SCOPES = {"GET": "subscriptions:read", "POST": "subscriptions:write"}
described = partial(describe, tag="Subscriptions", answer=SubscriptionShape)


def _find(marketplace_id: str, subscription_id: str) -> Subscription:
    rows = Subscription.objects.filter(marketplace_id=marketplace_id).for_display()
    row = rows.filter(pk=subscription_id).first()
    if row is None:
        raise NotFound(f"There is no subscription {subscription_id!r} in this marketplace")
    return row


def _show(marketplace_id: str, subscription_id: str) -> Answer:
    row = _find(marketplace_id, subscription_id)
    pending, disputed = is_pending(row)
    return Answer(subscription_body(row), pending=pending, for_people=disputed)


class _Writing(ApiView):
    """A view whose POST asks one service for a change."""

    def ask(
        self, request: ApiRequest, change: Callable[..., Subscription], **values: Any
    ) -> Response:
        tenant = request.marketplace_id

        def run(actor: Actor) -> str:
            return change(marketplace_id=tenant, actor=actor, **values).pk

        created = change is services.create_subscription
        return self.perform(request, run, partial(_show, tenant), created=created)


class Subscriptions(_Writing):
    """All subscriptions of the marketplace."""

    scopes = SCOPES

    @described("List subscriptions", query=SubscriptionQuery, listed=True, refusals=[NotFound])
    def get(self, request: ApiRequest) -> Response:
        """Newest first, by status, party or reference."""
        filters = SubscriptionQuery.read(request)
        for party in ("buyer_id", "seller_id"):
            if party in filters:
                filters[party] = get_user(request.marketplace_id, filters[party]).pk
        rows = Subscription.objects.filter(marketplace_id=request.marketplace_id, **filters)
        return respond(page(rows.for_display(), request.query_params, subscription_body))

    @described(
        "Create a subscription",
        body=NewSubscriptionBody,
        status=201,
        waits=True,
        refusals=[
            InvalidReference,
            Unprocessable,
            DuplicateReference,
            InsufficientFunds,
            WalletNotActive,
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        """Each cycle is an order, paid into a contract ahead of time and released at its end. When
        the first one begins now it is paid for now; without the money there is no subscription."""
        body = NewSubscriptionBody.read(request)
        new = services.NewSubscription(
            buyer=body.pop("buyer_id"),
            seller=body.pop("seller_id"),
            interval=Interval(body.pop("interval")),
            on_unpaid=Stop(body.pop("on_unpaid", Stop.PAUSE)),
            **body,
        )
        return self.ask(request, services.create_subscription, new=new)


class OneSubscription(ApiView):
    """One subscription."""

    scopes = {"GET": "subscriptions:read", "PATCH": "subscriptions:write"}

    @described("Read a subscription", refusals=[NotFound])
    def get(self, request: ApiRequest, subscription_id: str) -> Response:
        """With its cycles that are open, and what happens next."""
        return respond(_show(request.marketplace_id, subscription_id).body)

    @described("Change a subscription", body=ChangesBody, refusals=[NotFound, WrongState])
    def patch(self, request: ApiRequest, subscription_id: str) -> Response:
        """Only what is sent changes. A new price is that of the next cycle that has no order."""
        changes, tenant = ChangesBody.read(request, partial=True), request.marketplace_id
        services.update_subscription(
            marketplace_id=tenant,
            subscription_id=subscription_id,
            changes=changes,
            actor=request.actor,
        )
        return respond(_show(tenant, subscription_id).body)


class CancelSubscription(_Writing):
    """The end of it."""

    scopes = {"POST": "subscriptions:write"}

    @described("Cancel a subscription", body=CancelBody, waits=True, refusals=[WrongState])
    def post(self, request: ApiRequest, subscription_id: str) -> Response:
        """`NOW` divides the running cycle by the time that has passed: the seller's share rounded
        down to the cent, the rest to the buyer. `PERIOD_END` lets it run to its end."""
        body = CancelBody.read(request)
        return self.ask(
            request,
            services.cancel,
            subscription_id=subscription_id,
            when=When(body["when"]),
            reason=body.get("reason", ""),
        )


class SubscriptionCancellation(ApiView):
    """What cancelling would do."""

    scopes = {"GET": "subscriptions:read"}

    @describe(
        "Preview a cancellation",
        tag="Subscriptions",
        query=CancellationQuery,
        answer=CancellationShape,
        refusals=[NotFound, WrongState],
    )
    def get(self, request: ApiRequest, subscription_id: str) -> Response:
        """What each would get if it were cancelled at this instant, drawn by what cancels."""
        when = When(CancellationQuery.read(request).get("when", When.NOW))
        row = _find(request.marketplace_id, subscription_id)
        if row.status in OVER:
            raise WrongState(f"The subscription is {row.status} already", currentStatus=row.status)
        return respond(cancellation_body(row, when))


class PauseSubscription(_Writing):
    """No cycle after the running one."""

    scopes = {"POST": "subscriptions:write"}

    @described("Pause a subscription", body=NoBody, waits=True, refusals=[WrongState])
    def post(self, request: ApiRequest, subscription_id: str) -> Response:
        """The running cycle goes on to its end; one that is paid and has not begun is given
        back."""
        NoBody.read(request)
        return self.ask(request, services.pause, subscription_id=subscription_id)


class ResumeSubscription(_Writing):
    """Going on."""

    scopes = {"POST": "subscriptions:write"}

    @described(
        "Resume a subscription",
        body=ResumeBody,
        waits=True,
        refusals=[WrongState, Unprocessable, InsufficientFunds, WalletNotActive],
    )
    def post(self, request: ApiRequest, subscription_id: str) -> Response:
        """Paused: a new cycle begins now or at `startsAt`, and the calendar with it. About to
        stop: it does not. Past due: the unpaid cycle is tried at once."""
        starts_at = ResumeBody.read(request).get("starts_at")
        return self.ask(
            request, services.resume, subscription_id=subscription_id, starts_at=starts_at
        )


class SubscriptionCycles(ApiView):
    """All cycles of one subscription."""

    scopes = {"GET": "subscriptions:read"}

    @describe(
        "List a subscription's cycles",
        tag="Subscriptions",
        answer=CycleShape,
        listed=True,
        refusals=[NotFound],
    )
    def get(self, request: ApiRequest, subscription_id: str) -> Response:
        """Newest first, each with its order."""
        row, now = _find(request.marketplace_id, subscription_id), clock.now()
        cycles = Cycle.objects.filter(subscription=row).select_related("order")
        shown = partial(cycle_body, now=now)
        return respond(page(cycles, request.query_params, shown, key="index", parse=int))
