"""Settling a campaign: every pledge is released, or every pledge is refunded, once each.

A settlement goes in steps. Under the campaign's lock a step takes note of the pledges that ended
and chooses the next ones; then it asks for each of those in a transaction of its own, by the
order's own calls. At most `CAMPAIGN_WINDOW` pledges are on their way at a time, so nothing here
grows with the campaign, and whoever else wants the network waits behind a window and not behind
ten thousand. A worker that dies leaves a row that says when to look next.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from offerhub.core import clock, jobs
from offerhub.core.actor import Actor
from offerhub.core.crash import crash_point
from offerhub.core.db import in_transaction
from offerhub.core.money import format_amount
from offerhub.events import services as events
from orders.campaigns import counting, payments
from orders.campaigns.models import Campaign
from orders.campaigns.rules import ACTOR, JOB
from orders.campaigns.states import CampaignStatus, PledgeState

_C, _P = CampaignStatus, PledgeState
# A step that was broken off is taken up after so long.
LEASE = timedelta(seconds=3)
# Between two steps: short while pledges end, longer and longer while nothing moves.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 15.0
DISPUTES = timedelta(minutes=1)  # between two looks for disputes and failures that ended elsewhere
TOLD_AT_LEAST, TOLD_TIMES = 50, 20  # pledges between two events of progress; events in all


def due_now(campaign: Campaign) -> None:
    """Bring the totals up to date with orders that ended by themselves. The row is locked."""
    if counting.take_note(campaign, (_P.HELD, _P.DISPUTED)):
        campaign.save()


def begin(campaign: Campaign, *, because: str, reason: str = "", actor: Actor) -> None:
    """Decide the outcome, once. The campaign is open and its row is locked."""
    now = clock.this_moment()
    if because == "CANCELLED":
        campaign.outcome = _C.CANCELLED.value
    else:
        campaign.outcome = (_C.SUCCEEDED if campaign.goal_is_met else _C.FAILED).value
    campaign.settle()
    campaign.settling_at = campaign.moved_at = campaign.next_at = now
    campaign.settled_before = campaign.done
    payload = {
        "because": because,
        "outcome": campaign.outcome,
        "pledges": campaign.pledges,
        "pledged": format_amount(campaign.pledged),
        "goal": format_amount(campaign.goal),
        **({"reason": reason} if reason else {}),
    }
    events.record(campaign, "campaign.settling", actor=actor, payload=payload)
    campaign.save()
    jobs.ring(JOB, campaign.pk)


def attend(campaign_id: str) -> None:
    """One step of whatever is due. Raises Later when there is more."""
    campaign, chosen = _look(campaign_id=campaign_id)
    if campaign is None:
        return
    crash_point("campaign_chosen")
    for order_id in chosen:
        payments.ask(campaign=campaign, order_id=order_id, actor=ACTOR)
        crash_point("campaign_pledge_asked")
    if campaign.status == _C.SETTLING:
        pause = _pause(campaign, bool(chosen))
        Campaign.objects.filter(pk=campaign.pk, status=_C.SETTLING).update(
            next_at=clock.this_moment() + timedelta(seconds=pause)
        )
        raise jobs.Later(pause)


@in_transaction
def _look(*, campaign_id: str) -> tuple[Campaign | None, Sequence[str]]:
    """Under the lock: what ended, what is next. Nobody waits for the lock: whoever has it looks."""
    rows = Campaign.objects.select_for_update(skip_locked=True).filter(pk=campaign_id)
    campaign = rows.first()
    if campaign is None:
        return None, ()
    now = clock.this_moment()
    if campaign.status == _C.OPEN:
        due_now(campaign)
        if now >= campaign.deadline:
            begin(campaign, because="DEADLINE", actor=ACTOR)
        return None, ()
    if campaign.status == _C.SETTLING and (campaign.next_at is None or campaign.next_at > now):
        return None, ()  # somebody is at it
    return _step(campaign, now)


def _step(campaign: Campaign, now: datetime) -> tuple[Campaign, Sequence[str]]:
    settling = campaign.status == _C.SETTLING
    if counting.take_note(campaign, (_P.SETTLING,) if settling else (_P.FAILED, _P.DISPUTED)):
        campaign.moved_at = now
        _tell_progress(campaign)
    chosen: Sequence[str] = ()
    if settling:
        on_its_way = counting.on_its_way(campaign)
        room = min(settings.CAMPAIGN_WINDOW - on_its_way, campaign.left - on_its_way)
        chosen = counting.next_pledges(campaign, room)
    if chosen:
        campaign.moved_at = now
    campaign.next_at = now + LEASE
    if campaign.left == 0:
        _end(campaign, now)
    campaign.save()
    return campaign, chosen


def _tell_progress(campaign: Campaign) -> None:
    """An event for every so many pledges, not for each."""
    each = max(TOLD_AT_LEAST, campaign.pledges // TOLD_TIMES)
    if campaign.left and campaign.done - campaign.told >= each:
        campaign.told = campaign.done
        payload = {"done": campaign.done, "total": campaign.pledges, "failed": campaign.failed}
        events.record(campaign, "campaign.progress", actor=ACTOR, payload=payload)


def _end(campaign: Campaign, now: datetime) -> None:
    """Nothing is left to ask for: over, or in need of somebody."""
    watched = campaign.failed or campaign.disputed
    campaign.next_at = now + DISPUTES if watched else None
    if campaign.is_final or (campaign.status == _C.NEEDS_ATTENTION and campaign.failed):
        return
    if campaign.failed:
        campaign.give_up()
        event = "campaign.needs_attention"
    else:
        _FINISH[_C(campaign.outcome)](campaign)
        campaign.ended_at = now
        event = _ENDED[_C(campaign.outcome)]
    payload = {
        "pledges": campaign.pledges,
        "released": campaign.released,
        "refunded": campaign.refunded,
        "disputed": campaign.disputed,
        "failed": campaign.failed,
        "paidOut": format_amount(campaign.paid_out),
        "givenBack": format_amount(campaign.given_back),
    }
    events.record(campaign, event, actor=ACTOR, payload=payload)


_FINISH = {
    _C.SUCCEEDED: Campaign.succeed,
    _C.FAILED: Campaign.fail,
    _C.CANCELLED: Campaign.cancel,
}
_ENDED = {
    _C.SUCCEEDED: "campaign.succeeded",
    _C.FAILED: "campaign.failed",
    _C.CANCELLED: "campaign.cancelled",
}


def _pause(campaign: Campaign, busy: bool) -> float:
    """Seconds until the next step."""
    if busy or campaign.moved_at is None:
        return SHORTEST_PAUSE
    still = (clock.this_moment() - campaign.moved_at).total_seconds()
    return min(max(SHORTEST_PAUSE, still / 4), LONGEST_PAUSE)
