"""What a campaign allows with its pledges while they are orders like any other.

Locks are taken in this order everywhere: order, campaign, pledge, ledger. The settlement never
waits for an order while it holds its campaign.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from offerhub.core import clock
from offerhub.core.actor import Actor, system
from offerhub.core.errors import NotFound
from offerhub.core.money import format_amount
from offerhub.events import services as events
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.refusals import CampaignClosed, CampaignDecides, CampaignEnded
from orders.campaigns.states import CampaignStatus, Holds, PledgeState

if TYPE_CHECKING:
    from orders.models import Order

JOB = "orders.campaign"  # one step of what is due for a campaign
ACTOR = system("campaign")  # who settles


def lock_campaign(marketplace_id: str | None, campaign_id: str) -> Campaign:
    """The campaign under its row lock; None for the desk, which sees every marketplace."""
    rows = Campaign.objects.select_for_update().filter(pk=campaign_id)
    if marketplace_id is not None:
        rows = rows.filter(marketplace_id=marketplace_id)
    campaign = rows.first()
    if campaign is None:
        raise NotFound(f"There is no campaign {campaign_id!r} in this marketplace")
    return campaign


def refuse_when_over(campaign: Campaign, now: datetime) -> None:
    """Raise CampaignClosed or CampaignEnded. At the instant of the deadline it has ended."""
    if campaign.status != CampaignStatus.OPEN:
        raise CampaignClosed(
            f"The campaign is {campaign.status}", currentStatus=str(campaign.status)
        )
    if now >= campaign.deadline:
        ended = campaign.deadline.isoformat(timespec="milliseconds")
        raise CampaignEnded(f"The campaign ended at {ended}", deadline=ended)


def refuse_release(order: "Order") -> None:
    """Raise CampaignDecides unless the campaign has reached its goal and is being settled."""
    if order.campaign_id and not _pays(order.campaign_id, order.pk):
        raise CampaignDecides(
            "A pledge goes to the creator when its campaign has succeeded, not before",
            campaignId=order.campaign_id,
        )


def refuse_funding(order: "Order") -> None:
    """Raise CampaignDecides for a pledge that stays a reservation until the goal is met."""
    if not order.campaign_id:
        return
    holds = Campaign.objects.values_list("holds", flat=True).get(pk=order.campaign_id)
    if holds == Holds.RESERVATION and not _pays(order.campaign_id, order.pk):
        raise CampaignDecides(
            "A pledge of this campaign stays reserved until the goal is met",
            campaignId=order.campaign_id,
        )


def _pays(campaign_id: str, order_id: str) -> bool:
    outcome = Campaign.objects.values_list("outcome", flat=True).get(pk=campaign_id)
    if outcome != CampaignStatus.SUCCEEDED:
        return False
    return not Pledge.objects.filter(pk=order_id, state=PledgeState.WITHDRAWN).exists()


def take_back(order: "Order", actor: Actor) -> None:
    """A backer wants the money back: allowed while the campaign is open, and where it goes back
    anyway. Takes the pledge out of the totals. The order's row is locked.

    Raises CampaignEnded between the deadline and the settlement, CampaignDecides when it goes to
    the creator.
    """
    if not order.campaign_id:
        return
    campaign = lock_campaign(None, order.campaign_id)
    pledge = Pledge.objects.select_for_update().get(pk=order.pk)
    if pledge.state == PledgeState.WITHDRAWN:
        return  # asked for once more, after a call that failed
    if campaign.status == CampaignStatus.OPEN:
        refuse_when_over(campaign, clock.this_moment())
        _withdraw(campaign, pledge, actor)
    elif campaign.outcome == CampaignStatus.SUCCEEDED:
        raise CampaignDecides(
            "The campaign has succeeded; the creator may agree to a dispute's decision",
            campaignId=campaign.pk,
        )


def _withdraw(campaign: Campaign, pledge: Pledge, actor: Actor) -> None:
    Pledge.objects.filter(pk=pledge.pk).update(state=PledgeState.WITHDRAWN)
    campaign.pledges -= 1
    campaign.pledged -= pledge.amount
    if not campaign.goal_is_met:
        campaign.goal_reached_at = None
    payload = {
        "orderId": pledge.order_id,
        "amount": format_amount(pledge.amount),
        "pledged": format_amount(campaign.pledged),
    }
    events.record(campaign, "campaign.pledge_withdrawn", actor=actor, payload=payload)
    campaign.save(update_fields=["pledges", "pledged", "goal_reached_at", "version"])
