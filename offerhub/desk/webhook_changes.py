"""Making a webhook endpoint, changing it, giving it a new secret and ending it.

A secret is on one page alone, the answer to the POST that made it. Every form says which version
it was drawn from, so that a second press, or the browser's reload of that answer, changes nothing.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from offerhub.api.events.serializers import EndpointChangesBody, NewEndpointBody
from offerhub.core import clock
from offerhub.core.errors import DuplicateReference, InvalidRequest, Refusal
from offerhub.core.ids import new_id
from offerhub.desk.acting import Acting, staff_action
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.desk.webhook_forms import (
    CHOSEN,
    EVERY,
    TOLD,
    ChangedEndpointForm,
    NewEndpointForm,
    SecretForm,
    VersionForm,
)
from offerhub.events import endpoints
from offerhub.events.models import WebhookDelivery, WebhookEndpoint, WebhookSecret
from offerhub.marketplaces.roles import Right


# --- making -----------------------------------------------------------------------------------
@page("webhooks/new/", "webhook_new", look=Right.OPERATE, act=Right.OPERATE)
def new(request: HttpRequest) -> HttpResponse:
    """`?of=` proposes a marketplace. POST makes the endpoint and shows its secret, once."""
    if request.method != "POST":
        filled = {"id": new_id("whk"), "hears": EVERY, "marketplace": request.GET.get("of", "")}
        return _draw_new(request, NewEndpointForm(initial=filled))
    form = NewEndpointForm(request.POST)
    if not form.is_valid():
        return _draw_new(request, form, status=422)
    name, marketplace = form.cleaned_data["id"], form.cleaned_data["marketplace"].pk

    def make(acting: Acting) -> WebhookSecret:
        body = NewEndpointBody.check(form.told())
        made = endpoints.create_endpoint(
            marketplace_id=marketplace, endpoint_id=name, **body, actor=acting.actor
        )
        acting.after = _told(made.endpoint)
        return made

    def again(refusal: Refusal) -> HttpResponse:
        if isinstance(refusal, DuplicateReference):
            messages.warning(request, f"{refusal}. Its secret was shown then; a new one is below.")
            return HttpResponseRedirect(_to("webhook", name))
        return _draw_new(request, form, refusal=refusal)

    return _act_once(
        request, "webhook.created", make, again=again, subject=name, marketplace=marketplace
    )


def _draw_new(request: HttpRequest, form: NewEndpointForm, **more: Any) -> HttpResponse:
    return _draw(
        request,
        "desk/webhook_form.html",
        form,
        title="New webhook endpoint",
        crumbs=[_webhooks()],
        done="Make the endpoint",
        **more,
    )


# --- changing ---------------------------------------------------------------------------------
@page("webhook/<str:endpoint_id>/edit/", "webhook_edit", look=Right.OPERATE, act=Right.OPERATE)
def edit(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """Its URL, types and description."""
    endpoint = _get(endpoint_id)
    if request.method != "POST":
        hears = CHOSEN if endpoint.types else EVERY
        filled = {**_told(endpoint), "hears": hears, "version": endpoint.version}
        return _draw_edit(request, endpoint, ChangedEndpointForm(initial=filled))
    form = ChangedEndpointForm(request.POST)
    if not form.is_valid():
        return _draw_edit(request, endpoint, form, status=422)

    def change(acting: Acting) -> str:
        acting.before = _told(endpoint)
        changed = endpoints.update_endpoint(
            **_of(endpoint),
            changes=EndpointChangesBody.check(form.told()),
            expected_version=form.cleaned_data["version"],
            actor=acting.actor,
        )
        acting.after = _told(changed)
        return "What is sent from now on goes by this."

    return act(
        request,
        "webhook.updated",
        change,
        to=_to("webhook", endpoint.pk),
        again=lambda refusal: _draw_edit(request, endpoint, form, refusal=refusal),
        subject=endpoint.pk,
        marketplace=endpoint.marketplace_id,
    )


def _draw_edit(
    request: HttpRequest, endpoint: WebhookEndpoint, form: ChangedEndpointForm, **more: Any
) -> HttpResponse:
    return _draw(
        request,
        "desk/webhook_form.html",
        form,
        title="Change the endpoint",
        crumbs=_way(endpoint),
        endpoint=endpoint,
        done="Save",
        **more,
    )


# --- a new secret -----------------------------------------------------------------------------
@page("webhook/<str:endpoint_id>/secret/", "webhook_secret", look=Right.OPERATE, act=Right.OPERATE)
def secret(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """What a new one means. POST makes it and shows it, once."""
    endpoint = _get(endpoint_id)
    if request.method != "POST":
        return _draw_secret(request, endpoint, SecretForm(initial={"version": endpoint.version}))
    form = SecretForm(request.POST)
    if not form.is_valid():
        return _draw_secret(request, endpoint, form, status=422)

    def rotate(acting: Acting) -> WebhookSecret:
        made = endpoints.rotate_secret(
            **_of(endpoint),
            overlap=timedelta(hours=form.cleaned_data["overlap"]),
            expected_version=form.cleaned_data["version"],
            actor=acting.actor,
        )
        acting.after = {"overlapUntil": _overlap_until(endpoint)}
        return made

    return _act_once(
        request,
        "webhook.secret_rotated",
        rotate,
        again=lambda refusal: _draw_secret(request, endpoint, form, refusal=refusal),
        subject=endpoint.pk,
        marketplace=endpoint.marketplace_id,
    )


def _draw_secret(
    request: HttpRequest, endpoint: WebhookEndpoint, form: SecretForm, **more: Any
) -> HttpResponse:
    return _draw(
        request,
        "desk/webhook_rotate.html",
        form,
        title="New secret",
        crumbs=_way(endpoint),
        endpoint=endpoint,
        overlap_until=_overlap_until(endpoint),
        **more,
    )


def _overlap_until(endpoint: WebhookEndpoint) -> Any:
    """Until when a secret before signs as well; None when none does any more."""
    ends = endpoint.secrets.filter(expires_at__gt=clock.now()).order_by("-expires_at")
    return ends.values_list("expires_at", flat=True).first()


# --- ending -----------------------------------------------------------------------------------
@page("webhook/<str:endpoint_id>/delete/", "webhook_delete", look=Right.OPERATE, act=Right.OPERATE)
def delete(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """What is lost by it. POST deletes the endpoint, for ever."""
    endpoint = _get(endpoint_id)
    if request.method != "POST":
        return _draw_delete(request, endpoint, VersionForm(initial={"version": endpoint.version}))
    form = VersionForm(request.POST)
    if not form.is_valid():
        return _draw_delete(request, endpoint, form, status=422)

    def end(acting: Acting) -> str:
        acting.before = _told(endpoint)
        endpoints.delete_endpoint(
            **_of(endpoint),
            expected_version=form.cleaned_data["version"],
            actor=acting.actor,
        )
        acting.after = {"status": WebhookEndpoint.Status.DELETED.value}
        return f"{endpoint.url} is deleted. Nothing more is sent there."

    return act(
        request,
        "webhook.deleted",
        end,
        to=reverse("admin:webhooks"),
        again=lambda refusal: _draw_delete(request, endpoint, form, refusal=refusal),
        subject=endpoint.pk,
        marketplace=endpoint.marketplace_id,
    )


def _draw_delete(
    request: HttpRequest, endpoint: WebhookEndpoint, form: VersionForm, **more: Any
) -> HttpResponse:
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, status="PENDING")
    return _draw(
        request,
        "desk/webhook_delete.html",
        form,
        title="Delete",
        crumbs=_way(endpoint),
        endpoint=endpoint,
        waiting=waiting.count(),
        **more,
    )


# --- what they share --------------------------------------------------------------------------
def _act_once(
    request: HttpRequest,
    action: str,
    change: Callable[[Acting], WebhookSecret],
    *,
    again: Callable[[Refusal], HttpResponse],
    subject: str,
    marketplace: str,
) -> HttpResponse:
    """Make a secret with its audit row, and answer the one page that it is ever on."""
    try:
        with staff_action(request, action, subject=subject, marketplace=marketplace) as acting:
            made = change(acting)
            text = endpoints.reveal(made)
    except Refusal as refusal:
        return again(refusal)
    return show(
        request,
        "desk/webhook_secret.html",
        title="Secret",
        crumbs=_way(made.endpoint),
        endpoint=made.endpoint,
        secret=text,
        overlap_until=_overlap_until(made.endpoint),
    )


def _draw(
    request: HttpRequest,
    template: str,
    form: forms.Form,
    refusal: Refusal | str = "",
    **more: Any,
) -> HttpResponse:
    """The form; after a refusal with each complaint at its field. What has changed since it was
    looked at is shown, and a second press means that."""
    if isinstance(refusal, endpoints.EndpointChanged):
        endpoint = _get(more["endpoint"].pk)
        form.data = request.POST.copy()
        form.data["version"] = str(endpoint.version)
        more |= {"endpoint": endpoint, "changed": True}
    if isinstance(refusal, InvalidRequest):
        for error in refusal.errors:
            name = error.field.partition(".")[0]
            form.add_error(name if name in form.fields else None, error.message)
    return show(request, template, form=form, refusal=refusal, **more)


def _get(endpoint_id: str) -> WebhookEndpoint:
    rows = WebhookEndpoint.objects.exclude(status=WebhookEndpoint.Status.DELETED)
    endpoint = rows.select_related("marketplace").filter(pk=endpoint_id).first()
    if endpoint is None:
        raise Http404
    return endpoint


def _of(endpoint: WebhookEndpoint) -> dict[str, str]:
    return {"marketplace_id": endpoint.marketplace_id, "endpoint_id": endpoint.pk}


def _told(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in TOLD}


def _to(name: str, endpoint_id: str) -> str:
    return reverse(f"admin:{name}", args=[endpoint_id])


def _webhooks() -> Crumb:
    return Crumb("Webhooks", reverse("admin:webhooks"))


def _way(endpoint: WebhookEndpoint) -> list[Crumb]:
    return [_webhooks(), Crumb(endpoint.url, _to("webhook", endpoint.pk))]
