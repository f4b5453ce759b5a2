"""Accepting a pledge: an order of a campaign, within its limits and before its deadline.

The campaign's lock is taken first and kept to the end, so the deadline, the goal and the limits
are judged against totals that nobody else changes, and a pledge that was accepted is part of the
settlement whenever that begins.
"""

from dataclasses import replace

from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, InvalidReference, InvalidRequest, NotFound
from offerhub.core.money import format_amount
from offerhub.events import services as events
from orders import escrow_services, services
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.refusals import CampaignClosed, PledgeRefused
from orders.campaigns.rules import lock_campaign, refuse_when_over
from orders.campaigns.settling import begin
from orders.campaigns.states import Holds, OverGoal, PledgeState, SettleOn
from orders.models import Order


@in_transaction
def pledge(
    *,
    marketplace_id: str,
    campaign_id: str,
    new: services.NewOrder,
    auto_fund: bool | None = None,
    actor: Actor,
) -> Order:
    """A new order of the campaign, its money set aside; or on its way into its contract when the
    campaign holds ESCROW.

    Raises CampaignEnded, CampaignClosed, PledgeRefused, InvalidRequest, InvalidReference and what
    making and reserving an order raise.
    """
    campaign = _locked(marketplace_id, campaign_id)
    now = clock.this_moment()
    refuse_when_over(campaign, now)
    if campaign.over_goal == OverGoal.CLOSE_AT_GOAL and campaign.goal_is_met:
        raise CampaignClosed("The goal is met and the campaign closed with it")
    _refuse_form(campaign, new, auto_fund)
    # Nothing releases a pledge by itself but its campaign, whatever the marketplace's default is.
    order = services.create_order(
        marketplace_id=marketplace_id, new=replace(new, policy=None), campaign=campaign, actor=actor
    )
    _refuse_parties(campaign, order)
    Pledge.objects.create(order=order, campaign=campaign, amount=order.amount)
    _count(campaign, order, actor)
    if campaign.holds == Holds.ESCROW:
        return escrow_services.request_prepaid(
            marketplace_id=marketplace_id, order_id=order.pk, actor=actor
        )
    return services.reserve(marketplace_id=marketplace_id, order_id=order.pk, actor=actor)


def _locked(marketplace_id: str, campaign_id: str) -> Campaign:
    try:
        return lock_campaign(marketplace_id, campaign_id)
    except NotFound as error:
        raise InvalidReference(
            errors=[FieldError("campaignId", "unknown_campaign", "names no campaign")]
        ) from error


def _refuse_form(campaign: Campaign, new: services.NewOrder, auto_fund: bool | None) -> None:
    """What a pledge leaves to its campaign, and the limits of its amount."""
    complaints = []
    if new.milestones:
        complaints.append(FieldError("milestones", "not_in_a_pledge", "are not for a pledge"))
    if new.policy:
        text = "is not for a pledge: the campaign releases it"
        complaints.append(FieldError("releasePolicy", "not_in_a_pledge", text))
    if auto_fund is not None and auto_fund != (campaign.holds == Holds.ESCROW):
        text = f"does not fit: the campaign holds {campaign.holds}"
        complaints.append(FieldError("autoFund", "not_in_a_pledge", text))
    if complaints:
        raise InvalidRequest(errors=complaints)
    if new.amount < campaign.least:
        text = f"is under the minimum of {format_amount(campaign.least)}"
        raise PledgeRefused(errors=[FieldError("amount", "under_minimum", text)])
    if campaign.most and new.amount > campaign.most:
        text = f"is over the maximum of {format_amount(campaign.most)}"
        raise PledgeRefused(errors=[FieldError("amount", "over_maximum", text)])


def _refuse_parties(campaign: Campaign, order: Order) -> None:
    if order.seller_id != campaign.creator_id:
        text = "must be the campaign's creator"
        raise PledgeRefused(errors=[FieldError("sellerId", "not_the_creator", text)])
    if campaign.per_backer is None:
        return
    earlier = Pledge.objects.filter(campaign=campaign, order__buyer=order.buyer_id)
    if earlier.exclude(state=PledgeState.WITHDRAWN).count() >= campaign.per_backer:
        text = f"has {campaign.per_backer} already, the most that one backer may have"
        raise PledgeRefused(errors=[FieldError("buyerId", "too_many_pledges", text)])


def _count(campaign: Campaign, order: Order, actor: Actor) -> None:
    """The pledge is part of the campaign; the one that reaches the goal may be the last."""
    campaign.pledges += 1
    campaign.pledged += order.amount
    changed = ["pledges", "pledged"]
    if campaign.goal_is_met and campaign.goal_reached_at is None:
        campaign.goal_reached_at = clock.this_moment()
        payload = {
            "orderId": order.pk,
            "pledged": format_amount(campaign.pledged),
            "pledges": campaign.pledges,
        }
        events.record(campaign, "campaign.goal_reached", actor=actor, payload=payload)
        changed += ["goal_reached_at", "version"]
    campaign.save(update_fields=changed)
    if campaign.goal_is_met and campaign.settle_on == SettleOn.GOAL:
        begin(campaign, because="GOAL", actor=actor)
