"""Campaigns: how far their settlements are, which pledges failed, and trying those again."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from offerhub.core.errors import Refusal
from offerhub.core.shown import span
from offerhub.desk import timeline
from offerhub.desk.acting import Acting
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.roles import Right, may
from orders.campaigns import services
from orders.campaigns.models import Campaign, Pledge
from orders.campaigns.progress import progress
from orders.campaigns.states import FINAL_CAMPAIGN, CampaignStatus, PledgeState

PER_PAGE = 50
_C = CampaignStatus
VIEWS: dict[str, tuple[str, tuple[CampaignStatus, ...]]] = {
    "attention": ("Need attention", (_C.NEEDS_ATTENTION,)),
    "settling": ("Being settled", (_C.SETTLING,)),
    "open": ("Open", (_C.OPEN,)),
    "over": ("Over", FINAL_CAMPAIGN),
}


@page("campaigns/", "campaigns", look=Right.VIEW)
def campaigns(request: HttpRequest) -> HttpResponse:
    """`?view=attention|settling|open|over`, `?before=` an id, newest first. Two statements."""
    asked = request.GET
    view = asked.get("view", "") if asked.get("view") in VIEWS else "attention"
    rows = Campaign.objects.select_related("creator", "marketplace")
    rows = rows.filter(status__in=VIEWS[view][1])
    if before := asked.get("before", "")[:32]:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    return show(
        request,
        "desk/campaigns.html",
        title="Campaigns",
        tabs=[(key, label) for key, (label, _) in VIEWS.items()],
        view=view,
        failing=Campaign.objects.needing_attention().count(),
        rows=shown,
        newer=_address("campaigns", view=view) if before else "",
        older=_older(found, shown, "campaigns", view=view),
    )


@page("campaign/<str:campaign_id>/", "campaign", look=Right.VIEW, act=Right.OPERATE)
def campaign(request: HttpRequest, campaign_id: str) -> HttpResponse:
    """One campaign with its pledges of one state. POST tries the failed ones again."""
    if request.method == "POST":
        return _retry(request, campaign_id)
    return _show(request, campaign_id)


def _show(request: HttpRequest, campaign_id: str, refusal: Refusal | str = "") -> HttpResponse:
    """Nine statements at most, whatever its size."""
    row = _get(campaign_id)
    asked = request.GET
    state = asked.get("state", "") if asked.get("state") in PledgeState else ""
    pledges = Pledge.objects.filter(campaign=row).select_related("order__buyer")
    if not state and row.failed:
        state = PledgeState.FAILED.value  # what somebody came for
    if state:
        pledges = pledges.filter(state=state)
    before = asked.get("before", "")[:32]
    if before:
        pledges = pledges.filter(pk__lt=before)
    found = list(pledges.order_by("-pk")[: PER_PAGE + 1])
    shown, now = found[:PER_PAGE], progress(row)
    here = ("campaign", row.pk)
    return show(
        request,
        "desk/campaign.html",
        title=row.title,
        crumbs=[Crumb("Campaigns", reverse("admin:campaigns"))],
        refusal=refusal,
        campaign=row,
        progress=now,
        remaining=span(now.eta) if now.eta is not None else "",
        pledges=shown,
        state=state,
        states=[each.value for each in PledgeState],
        newer=_address(*here, state=state) if before else "",
        older=_older(found, shown, *here, state=state),
        moments=timeline.of_order(row.pk),
        kinds=timeline.KINDS,
        may_retry=may(request, Right.OPERATE),
    )


def _get(campaign_id: str) -> Campaign:
    rows = Campaign.objects.select_related("creator", "marketplace")
    found = rows.filter(pk=campaign_id).first()
    if found is None:
        raise Http404
    return found


def _older(
    found: Sequence[Model], shown: Sequence[Model], name: str, *ids: str, **query: str
) -> str:
    """Where the list goes on, when it does."""
    more = len(found) > len(shown)
    return _address(name, *ids, **query, before=str(shown[-1].pk)) if more else ""


def _address(name: str, *ids: str, **query: str) -> str:
    kept = {key: value for key, value in query.items() if value}
    return f"{reverse(f'admin:{name}', args=ids)}?{urlencode(kept)}"


def _retry(request: HttpRequest, campaign_id: str) -> HttpResponse:
    row = _get(campaign_id)

    def change(acting: Acting) -> str:
        acting.before = {"status": row.status, "failed": row.failed}
        after = services.retry(marketplace_id=None, campaign_id=row.pk, actor=acting.actor)
        acting.after = {"status": after.status, "failed": after.failed}
        return f"{row.failed} pledges are settled once more."

    return act(
        request,
        "campaign.retried",
        change,
        subject=row.pk,
        marketplace=row.marketplace_id,
        to=reverse("admin:campaign", args=[campaign_id]),
        again=lambda refusal: _show(request, campaign_id, refusal),
    )
