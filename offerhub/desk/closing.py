"""Closing days: what is closed and signed, what can be closed now, and the proof to take away."""

import json
from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from ledger import closing
from ledger.models import Closing, Period
from offerhub.core import clock
from offerhub.core.errors import FieldError, InvalidRequest, Refusal
from offerhub.desk.acting import Acting
from offerhub.desk.finance import address, chosen, export_address, marketplaces
from offerhub.desk.names import name_of
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.roles import Right, may

PER_PAGE = 50


@page("finance/close/", "closed_days", look=Right.VIEW, act=Right.EXPORT)
def closed_days(request: HttpRequest) -> HttpResponse:
    """`?marketplace=`, `?before=` a day. GET shows what is closed; POST closes days."""
    if request.method == "POST":
        return _close(request)
    return _show(request)


def _show(request: HttpRequest, refusal: Refusal | str = "") -> HttpResponse:
    markets = marketplaces()
    market = chosen(request, markets)
    rows = Period.objects.filter(marketplace=market).select_related("closing").order_by("-day")
    before = _day(request.GET.get("before", ""))
    found = list((rows.filter(day__lt=before) if before else rows)[: PER_PAGE + 1])
    shown, more = found[:PER_PAGE], len(found) > PER_PAGE
    last = None if before else (shown[0].day if shown else None)
    yesterday = clock.now().date() - timedelta(days=1)
    where = {"marketplace": market.pk if market else ""}
    return show(
        request,
        "desk/closing.html",
        title="Closed days",
        refusal=refusal,
        markets=markets,
        market=market,
        rows=[(row, getattr(row, "closing", None)) for row in shown],
        last=last,
        yesterday=yesterday,
        may_close=may(request, Right.EXPORT) and market and (last is None or last < yesterday),
        newer=address("closed_days", **where) if before else "",
        older=address("closed_days", **where, before=shown[-1].day) if more else "",
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _close(request: HttpRequest) -> HttpResponse:
    market = chosen(request, marketplaces())
    if market is None:
        raise Http404

    def change(acting: Acting) -> str:
        through = _day(request.POST.get("through", ""))
        if through is None:
            complaint = FieldError("through", "invalid_time", "must be a day such as 2026-10-31")
            raise InvalidRequest(errors=[complaint])
        first, last = closing.close_days(
            marketplace_id=market.pk, through=through, actor=acting.actor
        )
        acting.after = {"from": first.isoformat(), "through": last.isoformat()}
        days = (last - first).days + 1
        return f"{days} day{'s' * (days != 1)} closed, {first} to {last}. Their totals are signed."

    return act(
        request,
        "books.closed",
        change,
        subject=market.pk,
        marketplace=market.pk,
        to=address("closed_days", marketplace=market.pk),
        again=lambda refusal: _show(request, refusal),
    )


@page("finance/close/<int:period_id>/", "closed_day", look=Right.VIEW)
def closed_day(request: HttpRequest, period_id: int) -> HttpResponse:
    """The totals of one day as they were signed, checked again now. Three statements."""
    found = _signed(period_id)
    period = found.period
    document: dict[str, Any] = json.loads(found.document)
    next_day = period.day + timedelta(days=1)
    asked = {"marketplace": period.marketplace_id, "from": period.day, "to": next_day}
    days = Crumb("Closed days", address("closed_days", marketplace=period.marketplace_id))
    return show(
        request,
        "desk/closed_day.html",
        title=f"{period.day}",
        crumbs=[days],
        closing=found,
        period=period,
        sound=closing.is_sound(found),
        by=name_of(request).of(period.closed_by),
        assets=document["assets"],
        totals=document["totals"],
        previous=document["previous"],
        export=may(request, Right.EXPORT) and export_address("ledger.entries.v1", **asked),
    )


@page("finance/close/<int:period_id>/proof.json", "closed_day_proof", look=Right.VIEW)
def proof(request: HttpRequest, period_id: int) -> HttpResponse:
    """The signed document, its signature and the public key, for saving."""
    found = _signed(period_id)
    answer = JsonResponse(closing.proof(found), json_dumps_params={"indent": 1})
    name = f"closing-{found.period.marketplace_id}-{found.period.day}.json"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _signed(period_id: int) -> Closing:
    rows = Closing.objects.select_related("period__marketplace")
    found = rows.filter(pk=period_id).first()
    if found is None:
        raise Http404
    return found
