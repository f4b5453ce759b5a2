"""The base of every view of the API.

class Orders(ApiView):
    scopes = {"GET": "orders:read", "POST": "orders:write"}

    @describe("Create an order", body=NewOrder, answer=OrderShape, status=201)
    def post(self, request: ApiRequest) -> Response:
        new = NewOrder.read(request)
        return self.perform(
            request,
            lambda actor: services.create_order(..., actor=actor).id,
            lambda order_id: Answer(order_body(Order.objects.for_display().get(pk=order_id))),
            created=True,
        )
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import structlog
from django.http import HttpRequest
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from offerhub.api import idempotency, maintenance, problems, throttling, waiting
from offerhub.api.authentication import Principal
from offerhub.api.docs import description_of
from offerhub.api.permissions import PUBLIC
from offerhub.api.refusals import MethodNotAllowed
from offerhub.api.rendering import JSON, Response, encode, respond
from offerhub.api.requests import ApiRequest
from offerhub.api.waiting import Answer
from offerhub.core import jobs

__all__ = ["Answer", "ApiRequest", "ApiView", "Response", "respond"]

_negotiator = DefaultContentNegotiation()


def _at_once(answer: idempotency.Show) -> idempotency.Show:
    return lambda subject: replace(answer(subject), pending=False)


class ApiView(APIView):
    """`scopes` says for each method which scope it needs, or PUBLIC or ANY_KEY."""

    scopes: ClassVar[Mapping[str, str]] = {}
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    # --- writing ----------------------------------------------------------------------------

    def perform(
        self,
        request: ApiRequest,
        change: idempotency.Change,
        answer: idempotency.Show,
        *,
        created: bool = False,
        prepare: Callable[[], None] | None = None,
    ) -> Response:
        """Do a write once, wait for its outcome if it has one to wait for, and answer the state.

        `change(actor)` runs the service and returns the subject's id (or `(id, made)` when only
        the service knows whether it was made now). It runs in one transaction with the
        idempotency key's row; it may run again after a deadlock, so it must not keep anything.
        `answer(id)` renders the present state; it runs inside that transaction and again outside
        while the outcome is pending, so it reads the database afresh.
        `prepare()` runs before that transaction, with none open: the place to ask the network
        whether the change makes sense. A repeat is answered without it, whatever the network says
        by now.

        Answers 200 (201 for what was made now), or 202 while pending when the caller's patience
        is over. A route that is not described to wait has done all that it does: whatever else is
        on its way with its subject, it answers at once.
        """
        answer = answer if self._waits(request) else _at_once(answer)
        patience = waiting.patience_of(request.META.get("HTTP_PREFER", ""))
        call = idempotency.call_of(request)
        success = 201 if created else 200
        if prepare is not None and not idempotency.is_repeat(call):
            prepare()
        with jobs.held() as rings:
            effect = idempotency.apply(call, change, request.actor, answer, success)
        if effect.body is not None:
            jobs.attend(rings, 0)
            response = respond(effect.body, effect.status)
        else:
            response = self._outcome(effect, rings, patience, answer)
        if patience.applied:
            response.headers["Preference-Applied"] = patience.applied
        if effect.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    def _waits(self, request: ApiRequest) -> bool:
        described = description_of(self, request.method or "")
        return described is None or described.waits

    @staticmethod
    def _outcome(
        effect: idempotency.Effect,
        rings: list[jobs.Ring],
        patience: waiting.Patience,
        answer: idempotency.Show,
    ) -> Response:
        state = waiting.await_outcome(rings, patience, lambda: answer(effect.subject))
        if state.refusal is not None:
            raise state.refusal
        if state.pending:
            return respond(state.body, 202)
        body = encode(state.body)
        idempotency.keep(effect, body)
        return respond(body, effect.status)

    # --- the way of a request ---------------------------------------------------------------

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> ApiRequest:
        method = "GET" if request.method == "HEAD" else request.method
        is_public = self.scopes.get(method or "") == PUBLIC  # no key is asked for, so none is bad
        return ApiRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=[] if is_public else self.get_authenticators(),
            negotiator=_negotiator,
            parser_context=self.get_parser_context(request),
        )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls, how often, may they, is there such a method, and are changes taken now."""
        assert isinstance(request, ApiRequest)
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(
            request
        )
        structlog.contextvars.bind_contextvars(request_id=request.request_id)
        if isinstance(request.auth, Principal):
            structlog.contextvars.bind_contextvars(
                marketplace=request.marketplace_id, api_key=request.principal.key_id
            )
        throttling.admit(request)
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        self.check_permissions(request)
        maintenance.refuse_writes(request.method)

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        """There is one form of answer; `Accept` is not asked."""
        return self.get_renderers()[0], JSON

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        raise MethodNotAllowed(
            f"This route takes {', '.join(self.allowed_methods)}", allowed=self.allowed_methods
        )

    def handle_exception(self, exc: Exception) -> Any:
        assert isinstance(self.request, ApiRequest)
        return problems.answer(problems.refusal_of(exc), self.request.request_id)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answered = super().finalize_response(request, response, *args, **kwargs)
        assert isinstance(request, ApiRequest)
        answered.headers["X-Request-Id"] = request.request_id
        answered.headers.setdefault("Cache-Control", "no-store")
        throttling.tell(request, answered)
        return answered

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}
