"""The event log: what happened, in the order in which consumers read it, and one event whole."""

import json
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from offerhub.desk.pages import Crumb, page, show
from offerhub.desk.webhooks import problem_of
from offerhub.events import bodies, catalog
from offerhub.events.models import Event, WebhookDelivery, WebhookEndpoint
from offerhub.marketplaces.models import Marketplace
from offerhub.marketplaces.roles import Right

PER_PAGE = 50
MOST_MARKETPLACES = 200  # in the filter


@page("event-log/", "event_log", look=Right.VIEW)
def event_log(request: HttpRequest) -> HttpResponse:
    """Newest first: `?of=` a marketplace, `?about=` an area or `?type=`, `?subject=`, `?before=` a
    place. Two statements."""
    asked = request.GET
    query = {
        "of": asked.get("of", "")[:32],
        "about": asked.get("about", "") if asked.get("about") in catalog.areas() else "",
        "subject": asked.get("subject", "").replace("\0", "").strip()[:32],
    }
    before = asked.get("before", "")
    rows = Event.objects.select_related("marketplace")
    if query["of"]:
        rows = rows.filter(marketplace_id=query["of"])
    if query["about"]:
        names = [n for n in catalog.catalogue() if n.startswith(f"{query['about']}.")]
        rows = rows.filter(type__in=names)
    if query["subject"]:
        rows = rows.filter(subject=query["subject"])
    if before.isascii() and before.isdecimal() and len(before) < 19:
        rows = rows.filter(position__lt=int(before))
    found = list(rows.order_by("-position")[: PER_PAGE + 1])
    shown, more = found[:PER_PAGE], len(found) > PER_PAGE
    return show(
        request,
        "desk/event_log.html",
        title="Event log",
        rows=[(row, *by(row.actor)) for row in shown],
        query=query,
        areas=catalog.areas(),
        marketplaces=list(Marketplace.objects.order_by("name")[:MOST_MARKETPLACES]),
        newer=_address(query) if before else "",
        older=_address(query, before=shown[-1].position) if more else "",
    )


def by(actor: str) -> tuple[str, str]:
    """Who did it: in a word, and the key, the person or the part."""
    kind, _, name = actor.partition(":")
    return {"api_key": "Key", "staff": "Staff", "system": "System"}.get(kind, kind), name


def _address(query: dict[str, str], **more: Any) -> str:
    kept = {key: value for key, value in {**query, **more}.items() if value}
    return f"{reverse('admin:event_log')}?{urlencode(kept)}"


@page("event/<str:event_id>/", "event", look=Right.VIEW)
def event(request: HttpRequest, event_id: str) -> HttpResponse:
    """One event: as it was written, as consumers see it, and where it was sent."""
    row = Event.objects.select_related("marketplace").filter(id=event_id).first()
    if row is None:
        raise Http404
    endpoints = WebhookEndpoint.objects.filter(marketplace=row.marketplace_id)
    sent = WebhookDelivery.objects.filter(endpoint__in=endpoints, event=row)
    known = catalog.catalogue().get(row.type)
    private = set(row.payload) - set(catalog.shown(row.type, row.payload))
    return show(
        request,
        "desk/event.html",
        title=row.type,
        crumbs=[Crumb("Event log", reverse("admin:event_log"))],
        event=row,
        who=by(row.actor)[0],
        actor=by(row.actor)[1],
        summary=known.summary if known else "",
        seen=_json(json.loads(bodies.encoded(row))) if row.number else "",
        inside=_json({name: row.payload[name] for name in sorted(private)}) if private else "",
        deliveries=[
            (each, problem_of(each.problem, each.answered))
            for each in sent.select_related("endpoint").order_by("pk")
        ],
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
