"""The API of release windows: the goods are sent, and the buyer wants more time."""

from functools import partial

from offerhub.api.docs import describe
from offerhub.api.views import ApiRequest, ApiView, Response
from offerhub.core.errors import InvalidReference, Unprocessable, WrongState
from orders import windows
from orders.serializers import ExtendBody, OrderShape, ShipBody
from orders.views import show_order


class ShipOrder(ApiView):
    """On its way to the buyer."""

    scopes = {"POST": "orders:write"}

    @describe(
        "Mark an order as shipped",
        tag="Orders",
        body=ShipBody,
        answer=OrderShape,
        refusals=[WrongState, InvalidReference],
    )
    def post(self, request: ApiRequest, order_id: str) -> Response:
        """Release windows that wait for SHIPPED begin. Marking it again corrects the tracking
        data and begins nothing anew."""
        body, tenant = ShipBody.read(request), request.marketplace_id
        names = {
            "carrier": "carrier",
            "tracking_number": "trackingNumber",
            "tracking_url": "trackingUrl",
        }
        shipment = {outside: body[name] for name, outside in names.items() if body.get(name)}
        return self.perform(
            request,
            lambda actor: (
                windows.ship(
                    marketplace_id=tenant,
                    order_id=order_id,
                    milestone_ref=body.get("milestone_id"),
                    shipment=shipment,
                    actor=actor,
                ).id
            ),
            partial(show_order, tenant),
        )


class ExtendOrder(ApiView):
    """Later than it was going to be."""

    scopes = {"POST": "orders:write"}

    @describe(
        "Extend a release window",
        tag="Orders",
        body=ExtendBody,
        answer=OrderShape,
        refusals=[WrongState, InvalidReference, Unprocessable],
    )
    def post(self, request: ApiRequest, order_id: str) -> Response:
        """The money of the order, or of one milestone, is released by itself so much later."""
        body, tenant = ExtendBody.read(request), request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                windows.extend(
                    marketplace_id=tenant,
                    order_id=order_id,
                    milestone_ref=body.get("milestone_id"),
                    by=body["by"],
                    actor=actor,
                ).id
            ),
            partial(show_order, tenant),
        )
