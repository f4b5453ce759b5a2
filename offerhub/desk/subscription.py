"""The page of a subscription: its terms, its cycles with their orders, and what happens next."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from offerhub.core import clock
from offerhub.desk import timeline
from offerhub.desk.pages import Crumb, page, show
from offerhub.marketplaces.roles import Right
from offerhub.subscriptions.bodies import next_step, state_of
from offerhub.subscriptions.models import Cycle, Subscription

MOST = 100  # cycles that are listed; the record has them all

# What the product does next by itself, in words.
STEPS = {
    "PREPARE": "The order of the next cycle is made and paid",
    "RETRY_PAYMENT": "The unpaid cycle is tried again",
    "RELEASE": "The running cycle ends and is released to the seller",
    "SETTLE": "The contract is being settled",
    "PAUSE": "The subscription pauses",
    "CANCEL": "The subscription ends",
}


@page("subscription/<str:subscription_id>/", "subscription", look=Right.VIEW)
def subscription(request: HttpRequest, subscription_id: str) -> HttpResponse:
    """Six statements, however many cycles there were."""
    rows = Subscription.objects.for_display().select_related("buyer", "seller", "marketplace")
    found = rows.filter(pk=subscription_id).first()
    if found is None:
        raise Http404
    now = clock.now()
    cycles = Cycle.objects.filter(subscription=found).select_related("order").order_by("-index")
    step = next_step(found, now)
    return show(
        request,
        "desk/subscription.html",
        title=found.pk,
        crumbs=[
            Crumb("Subscriptions", reverse("admin:subscriptions_subscription_changelist")),
        ],
        subscription=found,
        cycles=[(cycle, state_of(cycle, now)) for cycle in cycles[:MOST]],
        step=step,
        next_words=STEPS[step["action"]] if step else "",
        moments=timeline.of_order(found.pk),
        kinds=timeline.KINDS,
    )
