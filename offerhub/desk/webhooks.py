"""Webhook endpoints, what was sent to them and what they answered; sending one again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from offerhub.core import clock
from offerhub.core.actor import Actor
from offerhub.core.errors import Refusal
from offerhub.desk.acting import Acting
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.events import deliveries, endpoints, replaying
from offerhub.events.models import WebhookDelivery, WebhookEndpoint
from offerhub.marketplaces.models import Marketplace
from offerhub.marketplaces.roles import Right, may

PER_PAGE = 50
VIEWS = {
    "": "All",
    "PENDING": "On their way",
    "FAILED": "Failed",
    "DELIVERED": "Delivered",
    "CANCELLED": "Cancelled",
}
REASONS = {
    "REQUESTED": "The marketplace switched it off.",
    "GONE": "It answered 410: it is gone for good.",
    "FAILING": "It answered nothing well for days.",
}
# What went wrong, in words; statuses speak for themselves.
PROBLEMS = {
    "timeout": "No answer in time",
    "connection_failed": "No connection",
    "tls_failed": "Its certificate was not accepted",
    "not_http": "It does not speak HTTP",
    "redirect": "It sent elsewhere; redirects are not followed",
    "gone": "It says that it is gone",
    "not_accepted": "It did not accept",
    "address_refused": "Its name leads to an address inside",
    "internal": "A failure on our side",
}


@page("webhooks/", "webhooks", look=Right.VIEW)
def webhooks(request: HttpRequest) -> HttpResponse:
    """Every endpoint, newest first, `?of=` one marketplace. Three statements."""
    marketplace = request.GET.get("of", "")[:32]
    rows = WebhookEndpoint.objects.exclude(status=WebhookEndpoint.Status.DELETED)
    if marketplace:
        rows = rows.filter(marketplace_id=marketplace)
    if before := request.GET.get("before", "")[:32]:
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("marketplace").order_by("-pk")[: PER_PAGE + 1])
    shown, more = found[:PER_PAGE], len(found) > PER_PAGE
    waiting = _waiting([row.pk for row in shown])
    return show(
        request,
        "desk/webhooks.html",
        title="Webhooks",
        rows=[(row, _health(row), waiting.get(row.pk, 0)) for row in shown],
        may_make=may(request, Right.OPERATE),
        marketplace=Marketplace.objects.filter(pk=marketplace).first() if marketplace else None,
        newer=_address("webhooks", of=marketplace) if before else "",
        older=_address("webhooks", of=marketplace, before=shown[-1].pk) if more else "",
    )


def _waiting(endpoints: list[str]) -> dict[str, int]:
    rows = WebhookDelivery.objects.filter(endpoint__in=endpoints, status="PENDING")
    return dict(rows.values_list("endpoint").annotate(Count("pk")))


def _health(endpoint: WebhookEndpoint) -> str:
    """How it has been answering, in words."""
    if endpoint.status == WebhookEndpoint.Status.DISABLED:
        return REASONS.get(endpoint.reason, "")
    if not endpoint.failures:
        return "Answers"
    many = "failures" if endpoint.failures > 1 else "failure"
    text = f"{endpoint.failures} {many} in a row"
    return f"{text}; left alone for a while" if _is_paused(endpoint) else text


def _is_paused(endpoint: WebhookEndpoint) -> bool:
    return endpoint.paused_until is not None and endpoint.paused_until > clock.now()


def _address(name: str, *of: str, **query: Any) -> str:
    kept = {key: value for key, value in query.items() if value}
    return f"{reverse(f'admin:{name}', args=of)}?{urlencode(kept)}"


@page("webhook/<str:endpoint_id>/", "webhook", look=Right.VIEW, act=Right.OPERATE)
def webhook(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """One endpoint and its deliveries: `?status=`, `?subject=`, `?before=` an id. POST `do` one of
    `ACTS`."""
    rows = WebhookEndpoint.objects.select_related("marketplace").filter(pk=endpoint_id)
    endpoint = rows.first()
    if endpoint is None:
        raise Http404
    if request.method == "POST":
        return _act(request, endpoint)
    return _show_endpoint(request, endpoint)


def _show_endpoint(
    request: HttpRequest, endpoint: WebhookEndpoint, refusal: Refusal | str = ""
) -> HttpResponse:
    asked = request.GET
    status = asked.get("status", "") if asked.get("status") in VIEWS else ""
    subject, before = asked.get("subject", "").strip()[:32], asked.get("before", "")[:32]
    sent = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("event")
    if status:
        sent = sent.filter(status=status)
    if subject:
        sent = sent.filter(subject=subject)
    if before:
        sent = sent.filter(pk__lt=before)
    found = list(sent.order_by("-pk")[: PER_PAGE + 1])
    shown, more = found[:PER_PAGE], len(found) > PER_PAGE
    query = {"status": status, "subject": subject}
    return show(
        request,
        "desk/webhook.html",
        title=endpoint.url,
        crumbs=[Crumb("Webhooks", reverse("admin:webhooks"))],
        refusal=refusal,
        endpoint=endpoint,
        **_acts(request, endpoint),
        health=_health(endpoint),
        paused=_is_paused(endpoint),
        views=VIEWS,
        wanted=status,
        subject=subject,
        rows=[(row, problem_of(row.problem, row.answered)) for row in shown],
        newer=_address("webhook", endpoint.pk, **query) if before else "",
        older=_address("webhook", endpoint.pk, **query, before=shown[-1].pk) if more else "",
    )


def _acts(request: HttpRequest, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """What whoever looks may do, and how much there is to send again."""
    enabled = endpoint.status == WebhookEndpoint.Status.ENABLED
    if not may(request, Right.OPERATE) or endpoint.status == WebhookEndpoint.Status.DELETED:
        return {"may_act": False}
    most = replaying.MOST_AT_ONCE
    missed = replaying.missed(endpoint)[: most + 1].count() if enabled else 0
    return {
        "may_act": True,
        "enabled": enabled,
        "missed": min(missed, most),
        "more_missed": missed > most,
    }


def _act(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    wanted = ACTS.get(request.POST.get("do", ""))
    if wanted is None:
        return _show_endpoint(request, endpoint, "Choose what to do.")

    def change(acting: Acting) -> str:
        acting.before = {"status": endpoint.status}
        done = wanted.run(endpoint.pk, acting.actor)
        endpoint.refresh_from_db(fields=["status"])
        acting.after = {"status": endpoint.status}
        return done

    return act(
        request,
        wanted.action,
        change,
        subject=endpoint.pk,
        marketplace=endpoint.marketplace_id,
        to=reverse("admin:webhook", args=[endpoint.pk]),
        again=lambda refusal: _show_endpoint(request, endpoint, refusal),
    )


def _test(endpoint_id: str, actor: Actor) -> str:
    endpoints.send_test(marketplace_id=None, endpoint_id=endpoint_id, actor=actor)
    return "A test is on its way."


def _send_missed(endpoint_id: str, actor: Actor) -> str:
    done = replaying.replay(marketplace_id=None, endpoint_id=endpoint_id, actor=actor)
    more = " It missed more than that: press again for the next ones." if done.has_more else ""
    return f"Sent again: {done.count:,}.{more}"


def _switch(endpoint_id: str, actor: Actor, status: str, done: str) -> str:
    changes = {"status": status}
    endpoints.update_endpoint(
        marketplace_id=None, endpoint_id=endpoint_id, changes=changes, actor=actor
    )
    return done


@dataclass(frozen=True)
class _Act:
    """One thing to do to an endpoint: what the audit calls it, and the service."""

    action: str
    run: Callable[[str, Actor], str]


ACTS = {
    "test": _Act("webhook.tested", _test),
    "missed": _Act("webhook.missed_redelivered", _send_missed),
    "off": _Act("webhook.disabled", partial(_switch, status="DISABLED", done="It is off.")),
    "on": _Act("webhook.enabled", partial(_switch, status="ENABLED", done="It is on.")),
}


def problem_of(problem: str, answered: int | None) -> str:
    """What came of the last try, in words."""
    if not problem:
        return f"Answered {answered}" if answered else "Not tried yet"
    words = PROBLEMS.get(problem, problem.replace("_", " ").capitalize())
    return f"{words} ({answered})" if answered else words


@page("webhook-delivery/<str:delivery_id>/", "webhook_delivery", look=Right.VIEW, act=Right.OPERATE)
def delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """One delivery with its tries. POST sends it again, now."""
    if request.method == "POST":
        return _redeliver(request, delivery_id)
    return _show(request, delivery_id)


def _get(delivery_id: str) -> WebhookDelivery:
    rows = WebhookDelivery.objects.select_related("event", "endpoint__marketplace")
    row = rows.filter(pk=delivery_id).first()
    if row is None:
        raise Http404
    return row


def _show(request: HttpRequest, delivery_id: str, refusal: Refusal | str = "") -> HttpResponse:
    row = _get(delivery_id)
    tried = row.tried.order_by("-number")[:100]
    return show(
        request,
        "desk/webhook_delivery.html",
        title=row.pk,
        crumbs=[
            Crumb("Webhooks", reverse("admin:webhooks")),
            Crumb(row.endpoint.url, reverse("admin:webhook", args=[row.endpoint_id])),
        ],
        refusal=refusal,
        delivery=row,
        event=row.event,
        endpoint=row.endpoint,
        tries=deliveries.TRIES,
        waits=row.status == WebhookDelivery.Status.PENDING,
        tried=[(each, problem_of(each.problem, each.answered)) for each in tried],
        may_redeliver=may(request, Right.OPERATE),
        enabled=row.endpoint.status == WebhookEndpoint.Status.ENABLED,
    )


def _redeliver(request: HttpRequest, delivery_id: str) -> HttpResponse:
    row = _get(delivery_id)

    def change(acting: Acting) -> str:
        acting.before = {"status": row.status, "attempts": row.attempts}
        deliveries.redeliver(
            marketplace_id=None,
            endpoint_id=row.endpoint_id,
            delivery_id=row.pk,
            actor=acting.actor,
        )
        acting.after = {"status": WebhookDelivery.Status.PENDING.value}
        return "It is being sent again."

    return act(
        request,
        "webhook.redelivered",
        change,
        subject=row.pk,
        marketplace=row.endpoint.marketplace_id,
        to=reverse("admin:webhook_delivery", args=[delivery_id]),
        again=lambda refusal: _show(request, delivery_id, refusal),
    )
