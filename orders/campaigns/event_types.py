"""The events of campaigns. A pledge is an order, and has an order's events besides."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    AMOUNT,
    DETAIL,
    TIME,
    WHOLE,
    Field,
    identifier,
    one_of,
    optional,
)
from orders.campaigns.states import FINAL_CAMPAIGN, Holds

ORDER = identifier("ord")
_COUNTS = dict.fromkeys(("pledges", "released", "refunded", "disputed", "failed"), WHOLE)
_AMOUNTS = dict.fromkeys(("paidOut", "givenBack"), AMOUNT)


def _campaign(name: str, summary: str, /, **fields: Field) -> None:
    declare(f"campaign.{name}", summary, "cmp", **fields)


_campaign("created", "A campaign exists", goal=AMOUNT, deadline=TIME, holds=one_of(Holds))
_campaign(
    "goal_reached",
    "The pledge of `orderId` brought the campaign to its goal",
    orderId=ORDER,
    pledged=AMOUNT,
    pledges=WHOLE,
)
_campaign(
    "pledge_withdrawn",
    "A backer took a pledge back; `pledged` is what is left",
    orderId=ORDER,
    amount=AMOUNT,
    pledged=AMOUNT,
)
_campaign(
    "settling",
    "The campaign is over: every pledge goes to the creator, or every pledge goes back",
    because=one_of(("DEADLINE", "GOAL", "CALL", "CANCELLED")),
    outcome=one_of(FINAL_CAMPAIGN),
    pledges=WHOLE,
    pledged=AMOUNT,
    goal=AMOUNT,
    reason=optional(DETAIL),
)
_campaign("progress", "So many pledges are settled", done=WHOLE, total=WHOLE, failed=WHOLE)
_campaign("retried", "So many pledges that had failed are settled once more", pledges=WHOLE)
for _name, _summary in {
    "succeeded": "Every pledge went to the creator",
    "failed": "Every pledge went back to its backer: the goal was not met",
    "cancelled": "Every pledge went back to its backer: the campaign was called off",
    "needs_attention": "Everything was tried, and some pledges could not be settled",
}.items():
    _campaign(_name, _summary, **_COUNTS, **_AMOUNTS)
