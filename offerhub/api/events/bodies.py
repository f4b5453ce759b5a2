"""How endpoints and deliveries are shown. What an endpoint answered is for staff alone."""

from typing import Any

from offerhub.events.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint


def endpoint_body(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint that was read with its secrets (`prefetch_related("secrets")`)."""
    ends = [row.expires_at for row in endpoint.secrets.all() if row.expires_at is not None]
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": endpoint.types,
        "description": endpoint.description,
        "status": endpoint.status,
        "reason": endpoint.reason or None,
        "failures": endpoint.failures,
        "failingSince": endpoint.failing_since,
        "pausedUntil": endpoint.paused_until,
        "overlapUntil": max(ends, default=None),
        "createdAt": endpoint.created_at,
    }


def delivery_body(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery that was read with its event."""
    waits = delivery.status == WebhookDelivery.Status.PENDING
    return {
        "id": delivery.id,
        "endpointId": delivery.endpoint_id,
        "eventId": delivery.event.id,
        "eventType": delivery.event.type,
        "subject": delivery.subject,
        "sequence": delivery.event.sequence,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "answered": delivery.answered,
        "problem": delivery.problem or None,
        "nextAttemptAt": delivery.next_attempt_at if waits else None,
        "createdAt": delivery.created_at,
        "finishedAt": delivery.finished_at,
    }


def attempt_body(attempt: WebhookAttempt) -> dict[str, Any]:
    """One try."""
    return {
        "number": attempt.number,
        "at": attempt.at,
        "answered": attempt.answered,
        "problem": attempt.problem or None,
        "detail": attempt.detail or None,
        "milliseconds": attempt.milliseconds,
    }
