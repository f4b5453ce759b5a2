"""The API of resolutions: complete, approve, release, refund."""

from functools import partial

from offerhub.api.docs import describe
from offerhub.api.views import ApiRequest, ApiView, Response
from offerhub.core.errors import (
    InvalidReference,
    NotFound,
    OperationFailed,
    OperationInFlight,
    WrongState,
)
from orders import escrow_services
from orders.campaigns.refusals import CampaignDecides
from orders.serializers import OrderShape, RefundBody, ReleaseBody
from orders.views import after_call, show_order


class Release(ApiView):
    """Out of the contract, to the seller."""

    scopes = {"POST": "resolution:write"}

    @describe(
        "Complete, approve or release",
        tag="Resolution",
        body=ReleaseBody,
        answer=OrderShape,
        waits=True,
        refusals=[
            NotFound,
            WrongState,
            OperationInFlight,
            OperationFailed,
            InvalidReference,
            CampaignDecides,
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        """`complete`: the seller's work is done. `approve`: the buyer accepts it. `release`, the
        default: pays the seller, after the steps that are still missing. Without a milestone:
        every one that is not settled yet."""
        body = ReleaseBody.read(request)
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                escrow_services.request_release(
                    marketplace_id=tenant,
                    order_id=body["order_id"],
                    milestone_ref=body.get("milestone_id"),
                    action=body.get("action", "release"),
                    evidence=body.get("evidence", ""),
                    actor=actor,
                ).id
            ),
            partial(after_call, show_order, tenant),
        )


class Refund(ApiView):
    """Out of the contract, back to the buyer."""

    scopes = {"POST": "resolution:write"}

    @describe(
        "Refund",
        tag="Resolution",
        body=RefundBody,
        answer=OrderShape,
        waits=True,
        refusals=[
            NotFound,
            WrongState,
            OperationInFlight,
            OperationFailed,
            InvalidReference,
            CampaignDecides,
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        """What is still in escrow, or the one milestone that is named."""
        body = RefundBody.read(request)
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                escrow_services.request_refund(
                    marketplace_id=tenant,
                    order_id=body["order_id"],
                    milestone_ref=body.get("milestone_id"),
                    reason=body.get("reason", ""),
                    actor=actor,
                ).id
            ),
            partial(after_call, show_order, tenant),
        )
