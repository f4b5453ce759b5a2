"""Webhook endpoints and their deliveries."""

from typing import Any

import orjson

from offerhub.api.docs import describe
from offerhub.api.events.bodies import attempt_body, delivery_body, endpoint_body
from offerhub.api.events.serializers import (
    DeliveryQuery,
    EndpointChangesBody,
    NewEndpointBody,
    ReplayBody,
    RotateSecretBody,
    WebhookDeliveryDetailShape,
    WebhookDeliveryShape,
    WebhookEndpointShape,
    WebhookReplayShape,
    WebhookSecretShape,
)
from offerhub.api.pagination import page
from offerhub.api.requests import ApiRequest
from offerhub.api.serializers import NoBody
from offerhub.api.views import Answer, ApiView, Response, respond
from offerhub.core.actor import Actor
from offerhub.core.errors import NotFound, Unprocessable, WrongState
from offerhub.events import deliveries, endpoints, replaying
from offerhub.events.endpoints import TooManyEndpoints
from offerhub.events.models import WebhookDelivery, WebhookEndpoint, WebhookSecret


def _rows(marketplace_id: str) -> Any:
    rows = WebhookEndpoint.objects.filter(marketplace_id=marketplace_id)
    return rows.exclude(status=WebhookEndpoint.Status.DELETED).prefetch_related("secrets")


def _endpoint(marketplace_id: str, endpoint_id: str) -> WebhookEndpoint:
    found: WebhookEndpoint | None = _rows(marketplace_id).filter(pk=endpoint_id).first()
    if found is None:
        raise NotFound(f"There is no webhook endpoint {endpoint_id!r} in this marketplace")
    return found


class _SecretView(ApiView):
    """Answers with a secret. It is put into the answer after that was kept for repeats of the call,
    so it is at rest nowhere but under its seal; a repeat opens the same secret again."""

    def answer_with_secret(self, request: ApiRequest, change: Any, *, created: bool) -> Response:
        """`change(actor)` makes the secret and answers its row.

        Until the end the secret's place holds the id of that row.
        """
        tenant = request.marketplace_id

        def run(actor: Actor) -> str:
            return str(change(actor).pk)

        def show(secret_id: str) -> Answer:
            secret = _secret(tenant, secret_id)
            body = endpoint_body(_endpoint(tenant, secret.endpoint_id))
            return Answer(body | {"secret": secret_id})

        response = self.perform(request, run, show, created=created)
        body = orjson.loads(response.content)
        body["secret"] = endpoints.reveal(_secret(tenant, body["secret"]))
        response.content = orjson.dumps(body)
        return response


def _secret(marketplace_id: str, secret_id: str) -> WebhookSecret:
    found = WebhookSecret.objects.filter(marketplace_id=marketplace_id, pk=secret_id).first()
    if found is None:
        raise NotFound("The secret that this call made was replaced since")
    return found


class WebhookEndpoints(_SecretView):
    """All endpoints of the marketplace."""

    scopes = {"GET": "webhooks:read", "POST": "webhooks:write"}

    @describe("List webhook endpoints", tag="Webhooks", answer=WebhookEndpointShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Newest first, without their secrets."""
        return respond(page(_rows(request.marketplace_id), request.query_params, endpoint_body))

    @describe(
        "Create a webhook endpoint",
        tag="Webhooks",
        body=NewEndpointBody,
        answer=WebhookSecretShape,
        status=201,
        refusals=[TooManyEndpoints, NotFound],
        examples={"orders": {"url": "https://example.com/hooks", "types": ["order.*"]}},
    )
    def post(self, request: ApiRequest) -> Response:
        """It hears of events from now on. The `secret` is shown once; deliveries are signed with it
        as Standard Webhooks says."""
        body = NewEndpointBody.read(request)
        tenant = request.marketplace_id
        return self.answer_with_secret(
            request,
            lambda actor: endpoints.create_endpoint(marketplace_id=tenant, **body, actor=actor),
            created=True,
        )


class OneWebhookEndpoint(ApiView):
    """One endpoint."""

    scopes = {"GET": "webhooks:read", "PATCH": "webhooks:write", "DELETE": "webhooks:write"}

    @describe("Read a webhook endpoint", tag="Webhooks", answer=WebhookEndpointShape)
    def get(self, request: ApiRequest, endpoint_id: str) -> Response:
        """With how it has been answering."""
        return respond(endpoint_body(_endpoint(request.marketplace_id, endpoint_id)))

    @describe(
        "Change a webhook endpoint",
        tag="Webhooks",
        body=EndpointChangesBody,
        answer=WebhookEndpointShape,
    )
    def patch(self, request: ApiRequest, endpoint_id: str) -> Response:
        """Only what is sent changes. One that is disabled gets nothing and loses what is due (the
        log has it); enabled again it begins anew."""
        changes = EndpointChangesBody.read(request, partial=True)
        tenant = request.marketplace_id
        endpoints.update_endpoint(
            marketplace_id=tenant, endpoint_id=endpoint_id, changes=changes, actor=request.actor
        )
        return respond(endpoint_body(_endpoint(tenant, endpoint_id)))

    @describe("Delete a webhook endpoint", tag="Webhooks", status=204)
    def delete(self, request: ApiRequest, endpoint_id: str) -> Response:
        """For ever; nothing more is sent."""
        endpoints.delete_endpoint(
            marketplace_id=request.marketplace_id, endpoint_id=endpoint_id, actor=request.actor
        )
        return respond(b"", 204)


class RotateWebhookSecret(_SecretView):
    """A new secret."""

    scopes = {"POST": "webhooks:write"}

    @describe(
        "Rotate a webhook endpoint's secret",
        tag="Webhooks",
        body=RotateSecretBody,
        answer=WebhookSecretShape,
    )
    def post(self, request: ApiRequest, endpoint_id: str) -> Response:
        """The secret before signs as well for 24 hours, or for as long as `overlap` says: every
        delivery then carries two signatures."""
        body = RotateSecretBody.read(request)
        tenant = request.marketplace_id
        return self.answer_with_secret(
            request,
            lambda actor: endpoints.rotate_secret(
                marketplace_id=tenant, endpoint_id=endpoint_id, **body, actor=actor
            ),
            created=False,
        )


def _deliveries(marketplace_id: str, endpoint_id: str) -> Any:
    endpoint = _endpoint(marketplace_id, endpoint_id)
    return WebhookDelivery.objects.filter(endpoint=endpoint).select_related("event")


def _delivery(marketplace_id: str, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
    rows = _deliveries(marketplace_id, endpoint_id)
    found: WebhookDelivery | None = rows.filter(pk=delivery_id).first()
    if found is None:
        raise NotFound(f"There is no delivery {delivery_id!r} to this endpoint")
    return found


def _show_delivery(marketplace_id: str, endpoint_id: str, delivery_id: str) -> Answer:
    """Pending until it was tried once since somebody asked."""
    row = _delivery(marketplace_id, endpoint_id, delivery_id)
    body = delivery_body(row) | {"tried": _tried(row)}
    return Answer(body, pending=row.status == WebhookDelivery.Status.PENDING and not row.tries)


def _tried(row: WebhookDelivery) -> list[dict[str, Any]]:
    return [attempt_body(attempt) for attempt in row.tried.order_by("-number")[:100]]


class TestWebhookEndpoint(ApiView):
    """Does it work?"""

    scopes = {"POST": "webhooks:write"}

    @describe(
        "Test a webhook endpoint",
        tag="Webhooks",
        body=NoBody,
        answer=WebhookDeliveryDetailShape,
        waits=True,
        refusals=[WrongState],
    )
    def post(self, request: ApiRequest, endpoint_id: str) -> Response:
        """Posts an event `webhook_endpoint.tested` to this endpoint alone, and waits for what it
        answers."""
        NoBody.read(request)
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                endpoints.send_test(marketplace_id=tenant, endpoint_id=endpoint_id, actor=actor).pk
            ),
            lambda delivery_id: _show_delivery(tenant, endpoint_id, delivery_id),
        )


class ReplayWebhooks(ApiView):
    """After an outage."""

    scopes = {"POST": "webhooks:write"}

    @describe(
        "Replay what an endpoint missed",
        tag="Webhooks",
        body=ReplayBody,
        answer=WebhookReplayShape,
        refusals=[WrongState, Unprocessable],
        examples={"since an outage": {"since": "2026-03-01T12:00:00Z", "types": ["order.*"]}},
    )
    def post(self, request: ApiRequest, endpoint_id: str) -> Response:
        """Sends again what was given up, or lost when the endpoint was switched off, under the same
        `webhook-id`s and with the whole schedule of tries; those of one subject keep their order.
        A call takes the oldest 1,000: while `hasMore` is true, call again with another
        `Idempotency-Key`. What it took already, and what happened while it was off, can be read
        from `GET /events`."""
        wanted = replaying.Wanted(**ReplayBody.read(request))
        tenant = request.marketplace_id

        def run(actor: Actor) -> str:
            done = replaying.replay(
                marketplace_id=tenant, endpoint_id=endpoint_id, wanted=wanted, actor=actor
            )
            return f"{done.count}{'+' if done.has_more else ''}"

        def show(done: str) -> Answer:
            return Answer({"count": int(done.rstrip("+")), "hasMore": done.endswith("+")})

        return self.perform(request, run, show)


class WebhookDeliveries(ApiView):
    """What was sent to an endpoint."""

    scopes = {"GET": "webhooks:read"}

    @describe(
        "List an endpoint's deliveries",
        tag="Webhooks",
        query=DeliveryQuery,
        answer=WebhookDeliveryShape,
        listed=True,
    )
    def get(self, request: ApiRequest, endpoint_id: str) -> Response:
        """Newest first, by status or subject. Kept for 30 days after they ended."""
        filters = DeliveryQuery.read(request)
        rows = _deliveries(request.marketplace_id, endpoint_id).filter(**filters)
        return respond(page(rows, request.query_params, delivery_body))


class OneWebhookDelivery(ApiView):
    """One of them."""

    scopes = {"GET": "webhooks:read"}

    @describe("Read a delivery", tag="Webhooks", answer=WebhookDeliveryDetailShape)
    def get(self, request: ApiRequest, endpoint_id: str, delivery_id: str) -> Response:
        """With every try, newest first."""
        body = _show_delivery(request.marketplace_id, endpoint_id, delivery_id).body
        return respond(body)


class RedeliverWebhook(ApiView):
    """Once more."""

    scopes = {"POST": "webhooks:write"}

    @describe(
        "Redeliver",
        tag="Webhooks",
        body=NoBody,
        answer=WebhookDeliveryDetailShape,
        waits=True,
        refusals=[WrongState],
    )
    def post(self, request: ApiRequest, endpoint_id: str, delivery_id: str) -> Response:
        """Sends it now, under the same `webhook-id`, whatever became of it before, and waits for
        what the endpoint answers; should that fail, the whole schedule follows."""
        NoBody.read(request)
        tenant = request.marketplace_id
        return self.perform(
            request,
            lambda actor: (
                deliveries.redeliver(
                    marketplace_id=tenant,
                    endpoint_id=endpoint_id,
                    delivery_id=delivery_id,
                    actor=actor,
                ).pk
            ),
            lambda row: _show_delivery(tenant, endpoint_id, row),
        )
