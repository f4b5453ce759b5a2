"""Webhook endpoints: making, changing and ending them, and their secrets."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from offerhub.chain import keys
from offerhub.core import clock, outbound
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import (
    Conflict,
    DuplicateReference,
    FieldError,
    InvalidRequest,
    NotFound,
    Unprocessable,
    WrongState,
)
from offerhub.events import catalog, log
from offerhub.events import services as events
from offerhub.events.models import Event, WebhookDelivery, WebhookEndpoint, WebhookSecret
from offerhub.events.planning import TEST
from offerhub.events.signing import new_secret
from offerhub.events.webhook_models import endpoint_id as new_endpoint_id
from offerhub.events.webhook_models import secret_id
from offerhub.marketplaces.models import Marketplace

MOST_ENDPOINTS = 20  # of one marketplace
OVERLAP, LONGEST_OVERLAP = timedelta(hours=24), timedelta(days=7)

Status, Reason = WebhookEndpoint.Status, WebhookEndpoint.Reason


class TooManyEndpoints(Unprocessable):
    code, title = "too_many_endpoints", f"A marketplace has at most {MOST_ENDPOINTS} endpoints"


class EndpointChanged(Conflict):
    code, title = "endpoint_changed", "The endpoint has changed since you looked at it"


@in_transaction
def create_endpoint(
    *,
    marketplace_id: str,
    url: str,
    types: Sequence[str] = (),
    description: str = "",
    endpoint_id: str = "",
    actor: Actor,
) -> WebhookSecret:
    """An endpoint that hears of events from now on; answers its secret's row (and with it the
    endpoint). `endpoint_id` is that of a form, which may be sent twice.

    Raises InvalidRequest for an address that nothing is sent to, TooManyEndpoints, and
    DuplicateReference when the form was sent before.
    """
    check_url(url)
    Marketplace.objects.select_for_update(no_key=True).get(pk=marketplace_id)  # one at a time
    there = WebhookEndpoint.objects.filter(marketplace_id=marketplace_id)
    if endpoint_id and WebhookEndpoint.objects.filter(pk=endpoint_id).exists():
        raise DuplicateReference("This endpoint was made already")
    if there.exclude(status=Status.DELETED).count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints
    endpoint = WebhookEndpoint(
        id=endpoint_id or new_endpoint_id(),
        marketplace_id=marketplace_id,
        url=url,
        types=known_types(types),
        description=description,
    )
    _record(endpoint, "created", actor, types=endpoint.types)
    endpoint.save(force_insert=True)
    return _make_secret(endpoint)


@in_transaction
def update_endpoint(
    *,
    marketplace_id: str | None,
    endpoint_id: str,
    changes: dict[str, Any],
    expected_version: int | None = None,
    actor: Actor,
) -> WebhookEndpoint:
    """Change `url`, `types`, `description` or `status`. What is due goes to the new address; one
    that is switched off loses what is due (the log has it), and begins anew when switched on."""
    endpoint = lock(marketplace_id, endpoint_id, expected_version)
    if "url" in changes:
        check_url(changes["url"])
    if "types" in changes:
        changes = {**changes, "types": known_types(changes["types"])}
    fields = ("url", "types", "description")
    changed = sorted(n for n in fields if n in changes and changes[n] != getattr(endpoint, n))
    for name in changed:
        setattr(endpoint, name, changes[name])
    if "url" in changed:
        _forgive(endpoint)
    if changed:
        _record(endpoint, "updated", actor, types=endpoint.types, changed=changed)
    wanted = changes.get("status", endpoint.status)
    if wanted == Status.ENABLED and endpoint.status == Status.DISABLED:
        endpoint.status, endpoint.reason = Status.ENABLED, Reason.NONE
        _forgive(endpoint)
        _record(endpoint, "enabled", actor)
    elif wanted == Status.DISABLED and endpoint.status == Status.ENABLED:
        _disable(endpoint, Reason.REQUESTED, actor)
    endpoint.save()
    return endpoint


@in_transaction
def delete_endpoint(
    *, marketplace_id: str, endpoint_id: str, expected_version: int | None = None, actor: Actor
) -> None:
    """End it for ever; its secrets go with it, its deliveries stay to be looked at."""
    endpoint = lock(marketplace_id, endpoint_id, expected_version)
    endpoint.status, endpoint.reason = Status.DELETED, Reason.REQUESTED
    _cancel_deliveries(endpoint)
    _record(endpoint, "deleted", actor)
    endpoint.save()
    endpoint.secrets.all().delete()


@in_transaction
def disable(endpoint: WebhookEndpoint, reason: str, actor: Actor) -> None:
    """The product's own word: it said that it is gone, or it failed for days. The caller holds the
    row's lock and has changed nothing of it that is not saved."""
    _disable(endpoint, reason, actor)
    endpoint.save()


@in_transaction
def rotate_secret(
    *,
    marketplace_id: str | None,
    endpoint_id: str,
    overlap: timedelta = OVERLAP,
    expected_version: int | None = None,
    actor: Actor,
) -> WebhookSecret:
    """A new secret; the one before signs as well for `overlap`, one before that no more. Raises
    InvalidRequest for an overlap of more than a week."""
    if overlap > LONGEST_OVERLAP:
        raise InvalidRequest(errors=[FieldError("overlap", "too_long", "must be at most P7D")])
    endpoint = lock(marketplace_id, endpoint_id, expected_version)
    until = clock.now() + overlap
    endpoint.secrets.filter(expires_at=None).update(expires_at=until)
    new = _make_secret(endpoint)
    older = endpoint.secrets.exclude(pk=new.pk).order_by("-pk").values_list("pk", flat=True)
    endpoint.secrets.filter(pk__in=list(older[1:])).delete()
    _record(endpoint, "secret_rotated", actor, url=None, overlapUntil=until.isoformat())
    endpoint.save()
    return new


@in_transaction
def send_test(*, marketplace_id: str | None, endpoint_id: str, actor: Actor) -> WebhookDelivery:
    """A test event to this endpoint alone, whatever types it wants; answers its delivery. It goes
    before all that waits, and a pause of the breaker ends."""
    log.take_turn()
    endpoint = lock(marketplace_id, endpoint_id)
    if endpoint.status != Status.ENABLED:
        raise WrongState("The endpoint is disabled", currentStatus=endpoint.status)
    _record(endpoint, "tested", actor)
    endpoint.paused_until = None
    endpoint.save()
    log.number_new()
    event = Event.objects.get(subject=endpoint.pk, sequence=endpoint.version, type=TEST)
    row = WebhookDelivery.objects.get(endpoint=endpoint, event=event)
    row.next_attempt_at = endpoint.created_at
    row.save(update_fields=["next_attempt_at"])
    return row


def lock(
    marketplace_id: str | None, endpoint_id: str, expected_version: int | None = None
) -> WebhookEndpoint:
    """The endpoint's row, locked; of any marketplace with None. Raises NotFound, and
    EndpointChanged when it is not the version any more that somebody looked at."""
    rows = WebhookEndpoint.objects.exclude(status=Status.DELETED)
    if marketplace_id is not None:
        rows = rows.filter(marketplace_id=marketplace_id)
    endpoint = rows.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound("There is no such webhook endpoint")
    if expected_version is not None and endpoint.version != expected_version:
        raise EndpointChanged
    return endpoint


def check_url(url: str) -> None:
    """Raise InvalidRequest for an address that nothing would be sent to. Where its name leads is
    looked at whenever something is sent."""
    try:
        outbound.parse(url)
    except outbound.Refused as refused:
        raise InvalidRequest(errors=[FieldError("url", refused.code, str(refused))]) from None


def reveal(secret: WebhookSecret) -> str:
    """The text of a secret, for the one answer that shows it and for signing."""
    return keys.open_webhook_secret(secret)


def known_types(types: Sequence[str]) -> list[str]:
    """A filter of types in order, each once. Raises InvalidRequest for what no type could meet."""
    wanted = sorted(set(types))
    unknown = catalog.unknown_in(wanted)
    if unknown:
        raise InvalidRequest(
            errors=[
                FieldError("types", "unknown_type", f"{name!r} is no type of event")
                for name in unknown
            ]
        )
    return wanted


def _make_secret(endpoint: WebhookEndpoint) -> WebhookSecret:
    row = secret_id()
    sealed, key_id = keys.seal(
        new_secret(),
        marketplace_id=endpoint.marketplace_id,
        wallet_id=row,
        address=keys.WEBHOOK,
    )
    return WebhookSecret.objects.create(
        id=row,
        marketplace_id=endpoint.marketplace_id,
        endpoint=endpoint,
        sealed_secret=sealed,
        sealed_by=key_id,
    )


def _disable(endpoint: WebhookEndpoint, reason: str, actor: Actor) -> None:
    endpoint.status, endpoint.reason = Status.DISABLED, reason
    _cancel_deliveries(endpoint)
    since = endpoint.failing_since.isoformat() if endpoint.failing_since else None
    _record(endpoint, "disabled", actor, reason=reason, failingSince=since)


def _forgive(endpoint: WebhookEndpoint) -> None:
    endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None


def _cancel_deliveries(endpoint: WebhookEndpoint) -> None:
    WebhookDelivery.objects.filter(endpoint=endpoint, status=WebhookDelivery.Status.PENDING).update(
        status=WebhookDelivery.Status.CANCELLED, finished_at=clock.ProductNow(), lease=""
    )


def _record(endpoint: WebhookEndpoint, what: str, actor: Actor, **more: Any) -> None:
    told = {"url": endpoint.url, **more}
    payload = {name: value for name, value in told.items() if name != "url" or value}
    events.record(endpoint, f"webhook_endpoint.{what}", actor=actor, payload=payload)
