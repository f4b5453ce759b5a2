"""Refusals of campaigns and pledges."""

from offerhub.core.errors import Conflict, Unprocessable


class CampaignEnded(Conflict):
    """The deadline has passed; `deadline` says when."""

    code, title = "campaign_ended", "The campaign's deadline has passed"


class CampaignClosed(Conflict):
    """It takes no pledges any more, because its goal is met or it is being settled."""

    code, title = "campaign_closed", "The campaign takes no more pledges"


class CampaignDecides(Conflict):
    """What becomes of a pledge is the campaign's outcome, not one order's."""

    code, title = "campaign_decides", "The campaign decides what becomes of its pledges"


class GoalNotMet(Conflict):
    """`pledged` and `goal` say what is missing."""

    code, title = "campaign_goal_not_met", "The goal is not met and there is still time"


class PledgeRefused(Unprocessable):
    """`errors` says which rule of the campaign the pledge breaks."""

    code, title = "pledge_refused", "The campaign's rules do not take this pledge"
