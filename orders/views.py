"""The API of orders, escrows and resolutions: parse, one service, show."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.pagination import page_of
from offerhub.api.permissions import demand
from offerhub.api.serializers import NoBody
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core.actor import Actor
from offerhub.core.errors import (
    DuplicateReference,
    InsufficientFunds,
    InvalidReference,
    MilestoneMismatch,
    NotFound,
    OperationFailed,
    OperationInFlight,
    WalletNotActive,
    WrongState,
)
from offerhub.events.models import Event
from offerhub.marketplaces.scopes import Scope
from offerhub.users.services import get_user
from orders import escrow_services, services
from orders.bodies import awaits_signature, escrow_body, is_pending, order_bodies
from orders.campaigns import pledging
from orders.campaigns.refusals import (
    CampaignClosed,
    CampaignDecides,
    CampaignEnded,
    PledgeRefused,
)
from orders.models import EscrowOperation, Order
from orders.release_policy import policy_of
from orders.serializers import (
    CancelBody,
    EscrowShape,
    MilestonesShape,
    NewEscrowBody,
    NewOrderBody,
    OrderQuery,
    OrderShape,
    TimelineShape,
)


def _order(marketplace_id: str, order_id: str) -> dict[str, Any]:
    found = order_bodies(marketplace_id, [order_id])
    if not found:
        raise NotFound(f"There is no order {order_id!r} in this marketplace")
    return found[0]


def show_order(marketplace_id: str, order_id: str) -> Answer:
    """The order as it is now, for an answer."""
    body = _order(marketplace_id, order_id)
    return Answer(body, pending=is_pending(body), for_people=awaits_signature(body))


def _show_escrow(marketplace_id: str, escrow_id: str) -> Answer:
    body = escrow_body(marketplace_id, escrow_id)
    if body is None:
        raise NotFound(f"There is no escrow {escrow_id!r} in this marketplace")
    return Answer(body, pending=is_pending(body), for_people=awaits_signature(body))


def _refusal(body: dict[str, Any]) -> OperationFailed | None:
    """The failure of the call that was just asked for, when it has failed."""
    operation = body["operation"]
    if operation is None or operation["status"] != EscrowOperation.Status.FAILED:
        return None
    problem = operation["problem"] or {}
    return OperationFailed(
        problem.get("detail") or "The call to the contract was refused",
        operationId=operation["id"],
        reason=problem.get("code", ""),
    )


def after_call(show: Callable[[str, str], Answer], marketplace_id: str, subject: str) -> Answer:
    """The state after a call to the contract was asked for; a call that failed is a refusal."""
    answer = show(marketplace_id, subject)
    return replace(answer, refusal=_refusal(answer.body))


def _new_order(body: dict[str, Any]) -> services.NewOrder:
    milestones = [
        services.NewMilestone(
            m["id"], m["description"], m["amount"], policy_of(m.get("release_policy"))
        )
        for m in body.get("milestones", [])
    ]
    return services.NewOrder(
        buyer=body["buyer_id"],
        seller=body["seller_id"],
        amount=body["amount"],
        title=body.get("title", ""),
        description=body.get("description", ""),
        milestones=milestones,
        external_ref=body.get("external_ref"),
        metadata=body.get("metadata", {}),
        policy=policy_of(body["release_policy"]) if "release_policy" in body else "",
        platform_fee_percent=body.get("platform_fee_percent"),
    )


class Orders(ApiView):
    """All orders of the marketplace."""

    scopes = {"GET": "orders:read", "POST": "orders:write"}

    @describe(
        "List orders",
        tag="Orders",
        query=OrderQuery,
        answer=OrderShape,
        listed=True,
        refusals=[NotFound],
    )
    def get(self, request: ApiRequest) -> Response:
        """Newest first, by status, party, reference or campaign."""
        filters = OrderQuery.read(request)
        for party in ("buyer_id", "seller_id"):
            if party in filters:
                filters[party] = get_user(request.marketplace_id, filters[party]).pk
        rows = Order.objects.filter(marketplace_id=request.marketplace_id, **filters).only("pk")
        shown = partial(order_bodies, request.marketplace_id)
        return respond(page_of(rows, request.query_params, shown))

    @describe(
        "Create an order",
        tag="Orders",
        body=NewOrderBody,
        answer=OrderShape,
        status=201,
        waits=True,
        refusals=[
            InvalidReference,
            MilestoneMismatch,
            DuplicateReference,
            InsufficientFunds,
            WalletNotActive,
            OperationFailed,
            CampaignEnded,
            CampaignClosed,
            PledgeRefused,
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        """Nothing is reserved yet; without milestones the order has one, `m1`.

        With `campaignId` it is a pledge: the money is set aside, or goes into its contract, as the
        campaign says, and the campaign decides what becomes of it.
        With `autoFund` the buyer's money is reserved, the contract deployed and funded, one after
        the other; without the money there is no order either."""
        body = NewOrderBody.read(request)
        new, tenant = _new_order(body), request.marketplace_id
        campaign = body.get("campaign_id")
        if body.get("auto_fund") or campaign:
            demand(request.principal, Scope.ESCROW_WRITE)

        def create(actor: Actor) -> str:
            if campaign:
                return pledging.pledge(
                    marketplace_id=tenant,
                    campaign_id=campaign,
                    new=new,
                    auto_fund=body.get("auto_fund"),
                    actor=actor,
                ).id
            order = services.create_order(marketplace_id=tenant, new=new, actor=actor)
            if body.get("auto_fund"):
                escrow_services.request_prepaid(
                    marketplace_id=tenant, order_id=order.id, actor=actor
                )
            return order.id

        return self.perform(request, create, partial(after_call, show_order, tenant), created=True)


class OneOrder(ApiView):
    """One order."""

    scopes = {"GET": "orders:read"}

    @describe("Read an order", tag="Orders", answer=OrderShape)
    def get(self, request: ApiRequest, order_id: str) -> Response:
        """With its milestones, escrow and operation."""
        return respond(_order(request.marketplace_id, order_id))


class ReserveOrder(ApiView):
    """available → reserved."""

    scopes = {"POST": "orders:write"}

    @describe(
        "Reserve the buyer's money",
        tag="Orders",
        body=NoBody,
        answer=OrderShape,
        refusals=[WrongState, InsufficientFunds],
    )
    def post(self, request: ApiRequest, order_id: str) -> Response:
        """The order's amount moves from the buyer's available to their reserved balance."""
        NoBody.read(request)
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                services.reserve(marketplace_id=tenant, order_id=order_id, actor=actor).id
            ),
            partial(show_order, tenant),
        )


class CancelOrder(ApiView):
    """Back, before any money is in a contract."""

    scopes = {"POST": "orders:write"}

    @describe(
        "Cancel an order",
        tag="Orders",
        body=CancelBody,
        answer=OrderShape,
        refusals=[WrongState, OperationInFlight, CampaignDecides, CampaignEnded],
    )
    def post(self, request: ApiRequest, order_id: str) -> Response:
        """Possible until the contract is funded; a reservation goes back to the buyer."""
        reason = CancelBody.read(request).get("reason", "")
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                services.cancel(
                    marketplace_id=tenant, order_id=order_id, reason=reason, actor=actor
                ).id
            ),
            partial(show_order, tenant),
        )


class OrderMilestones(ApiView):
    """The milestones of one order."""

    scopes = {"GET": "orders:read"}

    @describe("List an order's milestones", tag="Orders", answer=MilestonesShape)
    def get(self, request: ApiRequest, order_id: str) -> Response:
        """In the order in which they were given."""
        return respond({"data": _order(request.marketplace_id, order_id)["milestones"]})


class OrderTimeline(ApiView):
    """What happened to one order."""

    scopes = {"GET": "orders:read"}

    @describe("Read an order's timeline", tag="Orders", answer=TimelineShape)
    def get(self, request: ApiRequest, order_id: str) -> Response:
        """Oldest first, without gaps in `sequence`."""
        order = _order(request.marketplace_id, order_id)
        events = Event.objects.filter(subject=order["id"]).order_by("sequence")
        return respond({"data": [_moment(event) for event in events]})


def _moment(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "sequence": event.sequence,
        "actor": event.actor,
        "payload": event.payload,
        "createdAt": event.created_at,
    }


class Escrows(ApiView):
    """Creating contracts."""

    scopes = {"POST": "escrow:write"}

    @describe(
        "Create an order's escrow contract",
        tag="Escrow",
        body=NewEscrowBody,
        answer=EscrowShape,
        status=201,
        waits=True,
        refusals=[NotFound, WrongState, OperationInFlight, OperationFailed, WalletNotActive],
    )
    def post(self, request: ApiRequest) -> Response:
        """Deploys the contract; the order becomes ESCROW_CREATED when the chain has it."""
        order_id = NewEscrowBody.read(request)["order_id"]
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                escrow_services.request_deploy(
                    marketplace_id=tenant, order_id=order_id, actor=actor
                ).id
            ),
            partial(after_call, _show_escrow, tenant),
            created=True,
        )


class OneEscrow(ApiView):
    """One contract."""

    scopes = {"GET": "escrow:read"}

    @describe("Read an escrow", tag="Escrow", answer=EscrowShape)
    def get(self, request: ApiRequest, escrow_id: str) -> Response:
        """Its state, its address on the chain, and what went in and out."""
        return respond(_show_escrow(request.marketplace_id, escrow_id).body)


class FundEscrow(ApiView):
    """reserved → in escrow."""

    scopes = {"POST": "escrow:write"}

    @describe(
        "Fund an escrow",
        tag="Escrow",
        body=NoBody,
        answer=EscrowShape,
        waits=True,
        refusals=[WrongState, OperationInFlight, OperationFailed],
    )
    def post(self, request: ApiRequest, escrow_id: str) -> Response:
        """The order's money goes from the buyer's wallet into the contract."""
        NoBody.read(request)
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                escrow_services.request_fund(
                    marketplace_id=tenant, escrow_id=escrow_id, actor=actor
                ).id
            ),
            partial(after_call, _show_escrow, tenant),
        )
