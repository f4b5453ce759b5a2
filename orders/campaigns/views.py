"""The API of campaigns: parse, one service, show."""

from collections.abc import Callable
from functools import partial
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.pagination import page
from offerhub.api.serializers import NoBody
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core.errors import InvalidReference, NotFound, Unprocessable, WrongState
from offerhub.users.services import get_user
from orders.campaigns import services
from orders.campaigns.bodies import campaign_body, pledge_body
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.refusals import GoalNotMet
from orders.campaigns.serializers import (
    CampaignQuery,
    CampaignShape,
    NewCampaignBody,
    PledgeQuery,
    PledgeShape,
)
from orders.campaigns.states import CampaignStatus
from orders.serializers import CancelBody

# Names of a body that differ from the service's.
_NAMES = {
    "creator_id": "creator",
    "minimum_pledge": "least",
    "maximum_pledge": "most",
    "pledges_per_backer": "per_backer",
}


def _campaign(marketplace_id: str, campaign_id: str) -> Campaign:
    rows = Campaign.objects.select_related("creator").filter(marketplace_id=marketplace_id)
    found = rows.filter(pk=campaign_id).first()
    if found is None:
        raise NotFound(f"There is no campaign {campaign_id!r} in this marketplace")
    return found


def show_campaign(marketplace_id: str, campaign_id: str) -> Answer:
    """The campaign as it is now, for an answer."""
    campaign = _campaign(marketplace_id, campaign_id)
    return Answer(campaign_body(campaign), pending=campaign.status == CampaignStatus.SETTLING)


class Campaigns(ApiView):
    """All campaigns of the marketplace."""

    scopes = {"GET": "campaigns:read", "POST": "campaigns:write"}

    @describe(
        "List campaigns",
        tag="Campaigns",
        query=CampaignQuery,
        answer=CampaignShape,
        listed=True,
        refusals=[NotFound],
    )
    def get(self, request: ApiRequest) -> Response:
        """Newest first, by status or creator."""
        filters = CampaignQuery.read(request)
        if "creator_id" in filters:
            filters["creator_id"] = get_user(request.marketplace_id, filters["creator_id"]).pk
        rows = Campaign.objects.filter(marketplace_id=request.marketplace_id, **filters)
        return respond(page(rows.select_related("creator"), request.query_params, campaign_body))

    @describe(
        "Create a campaign",
        tag="Campaigns",
        body=NewCampaignBody,
        answer=CampaignShape,
        status=201,
        refusals=[InvalidReference, Unprocessable],
    )
    def post(self, request: ApiRequest) -> Response:
        """Backers pledge with `POST /orders` and `campaignId` until the deadline. `holds` says
        whether a pledge goes into its contract at once (ESCROW) or is set aside until the goal is
        met (RESERVATION)."""
        body, tenant = NewCampaignBody.read(request), request.marketplace_id
        given = {_NAMES.get(k, k): v for k, v in body.items() if v is not None}
        new = services.NewCampaign(**given)
        return self.perform(
            request,
            lambda actor: services.create_campaign(marketplace_id=tenant, new=new, actor=actor).id,
            partial(show_campaign, tenant),
            created=True,
        )


class OneCampaign(ApiView):
    """One campaign."""

    scopes = {"GET": "campaigns:read"}

    @describe("Read a campaign", tag="Campaigns", answer=CampaignShape)
    def get(self, request: ApiRequest, campaign_id: str) -> Response:
        """With its totals, and how far its settlement is."""
        return respond(campaign_body(_campaign(request.marketplace_id, campaign_id)))


class CampaignPledges(ApiView):
    """The pledges of one campaign."""

    scopes = {"GET": "campaigns:read"}

    @describe(
        "List a campaign's pledges",
        tag="Campaigns",
        query=PledgeQuery,
        answer=PledgeShape,
        listed=True,
    )
    def get(self, request: ApiRequest, campaign_id: str) -> Response:
        """Newest first; `state=FAILED` are those that a retry settles once more."""
        filters = PledgeQuery.read(request)
        campaign = _campaign(request.marketplace_id, campaign_id)
        rows = Pledge.objects.filter(campaign=campaign, **filters)
        rows = rows.select_related("order__buyer")
        return respond(page(rows, request.query_params, pledge_body))


class _Act(ApiView):
    """A change of one campaign that may have a settlement to wait for."""

    def _do(self, request: ApiRequest, service: Callable[..., Campaign], **values: Any) -> Response:
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: service(marketplace_id=tenant, actor=actor, **values).id,
            partial(show_campaign, tenant),
        )


class SettleCampaign(_Act):
    """To the creator, or back to the backers."""

    scopes = {"POST": "campaigns:write"}

    @describe(
        "Settle a campaign",
        tag="Campaigns",
        body=NoBody,
        answer=CampaignShape,
        waits=True,
        refusals=[GoalNotMet],
    )
    def post(self, request: ApiRequest, campaign_id: str) -> Response:
        """Releases every pledge when the goal is met, refunds every one when the deadline has
        passed without it. It happens by itself at the deadline too; asking again changes
        nothing."""
        NoBody.read(request)
        return self._do(request, services.settle, campaign_id=campaign_id)


class CancelCampaign(_Act):
    """Called off."""

    scopes = {"POST": "campaigns:write"}

    @describe(
        "Cancel a campaign",
        tag="Campaigns",
        body=CancelBody,
        answer=CampaignShape,
        waits=True,
        refusals=[WrongState],
    )
    def post(self, request: ApiRequest, campaign_id: str) -> Response:
        """Before its settlement: every pledge goes back to its backer."""
        reason = CancelBody.read(request).get("reason", "")
        return self._do(request, services.cancel, campaign_id=campaign_id, reason=reason)


class RetryCampaign(_Act):
    """Once more."""

    scopes = {"POST": "campaigns:write"}

    @describe(
        "Retry the pledges that failed",
        tag="Campaigns",
        body=NoBody,
        answer=CampaignShape,
        waits=True,
        refusals=[WrongState],
    )
    def post(self, request: ApiRequest, campaign_id: str) -> Response:
        """To the same outcome. What was settled already is not touched."""
        NoBody.read(request)
        return self._do(request, services.retry, campaign_id=campaign_id)
