"""What is asked of a campaign: make it, settle it, call it off, try again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from offerhub.core import clock, jobs
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import FieldError, Unprocessable, WrongState
from offerhub.core.money import format_amount
from offerhub.events import services as events
from offerhub.users.services import find_users
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.refusals import GoalNotMet
from orders.campaigns.rules import JOB, lock_campaign
from orders.campaigns.settling import begin, due_now
from orders.campaigns.states import CampaignStatus, Holds, OverGoal, PledgeState, SettleOn

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=365)


@dataclass(frozen=True)
class NewCampaign:
    """What a marketplace asks for. The creator by our id or its own; amounts in stroops."""

    creator: str
    title: str
    goal: int
    deadline: datetime
    holds: str = Holds.ESCROW
    description: str = ""
    least: int = 0  # of one pledge; 0 is no limit
    most: int = 0
    per_backer: int | None = None
    over_goal: str = OverGoal.ALLOW
    settle_on: str = SettleOn.DEADLINE
    metadata: dict[str, Any] = field(default_factory=dict)


@in_transaction
def create_campaign(*, marketplace_id: str, new: NewCampaign, actor: Actor) -> Campaign:
    """A new campaign, OPEN until its deadline."""
    creator = find_users(marketplace_id, {"creatorId": new.creator})["creatorId"]
    now = clock.now()
    if not now + SHORTEST <= new.deadline <= now + LONGEST:
        text = f"must be between one minute and {LONGEST.days} days from now"
        raise Unprocessable(errors=[FieldError("deadline", "out_of_range", text)])
    if new.most and new.least > new.most:
        raise Unprocessable(
            errors=[FieldError("maximumPledge", "below_minimum", "is below the minimum")]
        )
    campaign = Campaign(
        marketplace_id=marketplace_id,
        creator=creator,
        title=new.title,
        description=new.description,
        metadata=new.metadata,
        goal=new.goal,
        deadline=new.deadline,
        least=new.least,
        most=new.most,
        per_backer=new.per_backer,
        holds=new.holds,
        over_goal=new.over_goal,
        settle_on=new.settle_on,
        next_at=new.deadline,
    )
    payload = {
        "goal": format_amount(new.goal),
        "deadline": new.deadline.isoformat(timespec="milliseconds"),
        "holds": str(new.holds),
    }
    events.record(campaign, "campaign.created", actor=actor, payload=payload)
    campaign.save(force_insert=True)
    return campaign


@in_transaction
def settle(*, marketplace_id: str | None, campaign_id: str, actor: Actor) -> Campaign:
    """Begin the settlement: everything to the creator when the goal is met; everything back when
    it is not and the deadline has passed. Once it has begun this changes nothing.

    Raises GoalNotMet while there is time left to meet the goal.
    """
    campaign = lock_campaign(marketplace_id, campaign_id)
    if campaign.status != CampaignStatus.OPEN:
        return campaign
    due_now(campaign)
    if not campaign.goal_is_met and clock.this_moment() < campaign.deadline:
        pledged, goal = format_amount(campaign.pledged), format_amount(campaign.goal)
        raise GoalNotMet(
            f"{pledged} of {goal} are pledged and the deadline has not come; cancelling gives "
            "everything back now",
            pledged=pledged,
            goal=goal,
        )
    begin(campaign, because="CALL", actor=actor)
    return campaign


@in_transaction
def cancel(
    *, marketplace_id: str | None, campaign_id: str, reason: str = "", actor: Actor
) -> Campaign:
    """Call it off before its settlement: everything goes back to the backers."""
    campaign = lock_campaign(marketplace_id, campaign_id)
    if campaign.outcome == CampaignStatus.CANCELLED:
        return campaign
    if campaign.status != CampaignStatus.OPEN:
        raise WrongState(
            f"The campaign is {campaign.status}; only an open one is called off",
            currentStatus=str(campaign.status),
        )
    due_now(campaign)
    begin(campaign, because="CANCELLED", reason=reason, actor=actor)
    return campaign


@in_transaction
def retry(*, marketplace_id: str | None, campaign_id: str, actor: Actor) -> Campaign:
    """Settle once more the pledges that failed. The outcome stays what it was."""
    campaign = lock_campaign(marketplace_id, campaign_id)
    failed = Pledge.objects.filter(campaign=campaign, state=PledgeState.FAILED)
    if not campaign.failed:
        raise WrongState(
            f"The campaign is {campaign.status} and none of its pledges failed",
            currentStatus=str(campaign.status),
        )
    number = failed.update(state=PledgeState.HELD, problem=None)
    now = clock.this_moment()
    if campaign.status == CampaignStatus.NEEDS_ATTENTION:
        campaign.settle()
        campaign.settling_at, campaign.settled_before = now, campaign.done
    campaign.failed -= number
    campaign.moved_at = campaign.next_at = now
    events.record(campaign, "campaign.retried", actor=actor, payload={"pledges": number})
    campaign.save()
    jobs.ring(JOB, campaign.pk)
    return campaign
