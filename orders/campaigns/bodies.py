"""How campaigns and pledges are shown by the API."""

from typing import Any

from offerhub.core.money import format_amount
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.progress import Progress, progress

Body = dict[str, Any]


def campaign_body(campaign: Campaign) -> Body:
    """A campaign with its creator at hand."""
    return {
        "id": campaign.pk,
        "status": campaign.status,
        "outcome": campaign.outcome or None,
        "creatorId": campaign.creator_id,
        "creatorExternalId": campaign.creator.external_id,
        "title": campaign.title,
        "description": campaign.description,
        "goal": format_amount(campaign.goal),
        "deadline": campaign.deadline,
        "minimumPledge": _optional(campaign.least),
        "maximumPledge": _optional(campaign.most),
        "pledgesPerBacker": campaign.per_backer,
        "holds": campaign.holds,
        "overGoal": campaign.over_goal,
        "settleOn": campaign.settle_on,
        "pledged": format_amount(campaign.pledged),
        "pledges": campaign.pledges,
        "released": campaign.released,
        "refunded": campaign.refunded,
        "disputed": campaign.disputed,
        "failed": campaign.failed,
        "paidOut": format_amount(campaign.paid_out),
        "givenBack": format_amount(campaign.given_back),
        "progress": _progress(progress(campaign)),
        "metadata": campaign.metadata,
        "goalReachedAt": campaign.goal_reached_at,
        "settlingAt": campaign.settling_at,
        "endedAt": campaign.ended_at,
        "createdAt": campaign.created_at,
    }


def _optional(amount: int) -> str | None:
    return format_amount(amount) if amount else None


def _progress(now: Progress) -> Body:
    return {
        "total": now.total,
        "done": now.done,
        "failed": now.failed,
        "onItsWay": now.on_its_way,
        "waiting": now.waiting,
        "percent": now.percent,
        "etaSeconds": int(now.eta.total_seconds()) if now.eta is not None else None,
        "estimatedEnd": now.ends_at,
    }


def pledge_body(pledge: Pledge) -> Body:
    """A pledge with its order and backer at hand."""
    order = pledge.order
    problem = pledge.problem or {}
    return {
        "orderId": pledge.order_id,
        "state": pledge.state,
        "amount": format_amount(pledge.amount),
        "backerId": order.buyer_id,
        "backerExternalId": order.buyer.external_id,
        "orderStatus": order.status,
        "problem": {"code": problem.get("code", ""), "detail": problem.get("detail", "")}
        if pledge.problem
        else None,
        "settledAt": pledge.settled_at,
        "createdAt": order.created_at,
    }
