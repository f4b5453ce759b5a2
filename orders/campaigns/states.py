"""The states of campaigns and pledges, and their edges: once, as for orders."""

from django.db import models


class CampaignStatus(models.TextChoices):
    OPEN = "OPEN"
    SETTLING = "SETTLING"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"  # all was tried; some pledges failed and wait for a retry
    SUCCEEDED = "SUCCEEDED"  # everything went to the creator
    FAILED = "FAILED"  # everything went back to the backers
    CANCELLED = "CANCELLED"  # the same, because it was called off


class PledgeState(models.TextChoices):
    HELD = "HELD"  # accepted: the money is set aside or in its contract, or on its way there
    SETTLING = "SETTLING"  # its release or refund was asked for
    RELEASED = "RELEASED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"  # left to the dispute, which ends it
    FAILED = "FAILED"
    WITHDRAWN = "WITHDRAWN"  # taken back while the campaign was open: no part of it any more


class Holds(models.TextChoices):
    ESCROW = "ESCROW"  # each pledge goes into its contract at once
    RESERVATION = "RESERVATION"  # each is set aside; contracts are made when the goal is met


class OverGoal(models.TextChoices):
    ALLOW = "ALLOW"
    CLOSE_AT_GOAL = "CLOSE_AT_GOAL"  # the pledge that reaches or passes the goal is the last one


class SettleOn(models.TextChoices):
    DEADLINE = "DEADLINE"
    GOAL = "GOAL"  # as soon as the goal is met; by the deadline otherwise


_C, _P = CampaignStatus, PledgeState

CAMPAIGN_EDGES: dict[str, list[str]] = {
    _C.OPEN: [_C.SETTLING],
    _C.SETTLING: [_C.SUCCEEDED, _C.FAILED, _C.CANCELLED, _C.NEEDS_ATTENTION],
    _C.NEEDS_ATTENTION: [_C.SETTLING, _C.SUCCEEDED, _C.FAILED, _C.CANCELLED],
}
FINAL_CAMPAIGN = (_C.SUCCEEDED, _C.FAILED, _C.CANCELLED)

# What becomes of a campaign is decided once, when its settlement begins.
OUTCOME_EDGES: dict[str, list[str]] = {"": list(FINAL_CAMPAIGN)}

_ENDS = [_P.RELEASED, _P.REFUNDED, _P.DISPUTED]
PLEDGE_EDGES: dict[str, list[str]] = {
    _P.HELD: [_P.SETTLING, _P.WITHDRAWN, *_ENDS],
    _P.SETTLING: [_P.FAILED, *_ENDS],
    _P.FAILED: [_P.HELD, *_ENDS],
    _P.DISPUTED: [_P.RELEASED, _P.REFUNDED, _P.WITHDRAWN],
}
