"""Everything on one port: which part answers a path, and which scripted fault meets it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any

from offerhub.sandbox import friendbot, records
from offerhub.sandbox.control import Control
from offerhub.sandbox.envelope import BadEnvelope
from offerhub.sandbox.faults import Fault, Faults
from offerhub.sandbox.fields import failure
from offerhub.sandbox.horizon import Horizon
from offerhub.sandbox.network import Network
from offerhub.sandbox.options import Options
from offerhub.sandbox.parties import envelope_text, mentioned
from offerhub.sandbox.problems import problem, refused, timeout
from offerhub.sandbox.results import TxResult
from offerhub.sandbox.rpc import Rpc
from offerhub.sandbox.scenarios import Scenarios, prepare
from offerhub.sandbox.trustless_work import TrustlessWork, rejected
from offerhub.sandbox.view import View
from offerhub.sandbox.web import Answer, Refused, Request, Response, Stream, reply

WORK_PATHS = ("/deployer/", "/escrow/", "/helper/", "/indexer/")
RETRY_AFTER = "1"


class Sandbox:
    """The whole network behind one request handler."""

    def __init__(self, options: Options) -> None:
        self.network = Network(options)
        self.faults = Faults()
        self.horizon = Horizon(self.network)
        self.rpc = Rpc(self.network)
        self.work = TrustlessWork(self.network)
        self.scenarios = Scenarios(self.network)
        if options.scenarios:
            prepare(self.network)
        self.control = Control(self.network, self.work, self.faults)

    def handle(self, request: Request) -> Answer:
        """Answer a request, or answer it as a scripted fault says."""
        try:
            if request.method == "OPTIONS":
                return _preflight()
            if request.path.startswith("/control/"):
                return self.control.handle(request)
            self.network.tick()
            if request.path.startswith(WORK_PATHS):
                self.work.meter.count()
            fault = self.faults.take(request, partial(mentioned, self.network, request))
            if fault is None and self.network.options.scenarios:
                fault = self.scenarios.take(request)
            if fault is None:
                return self._route(request, None)
            if fault.delay:
                return self._delayed(request, fault)
            return self._faulty(request, fault)
        except Refused as refusal:
            return refusal.response

    async def _delayed(self, request: Request, fault: Fault) -> Response | Stream:
        await asyncio.sleep(fault.delay)
        try:
            answer = self._faulty(request, fault)
            if isinstance(answer, Response | Stream):
                return answer
            return await answer
        except Refused as refusal:
            return refusal.response

    def _view(self, fault: Fault | None) -> View:
        """What a reader sees: everything, or less when it lags."""
        network = self.network
        if fault is None or fault.answer != "lag":
            return View(network.sequence, network.closed_at)
        seen = network.sequence - fault.ledgers if fault.ledgers else fault.frozen_at
        seen = max(1, min(seen, network.sequence))
        return View(seen, network.closed_time(seen))

    def _route(self, request: Request, fault: Fault | None) -> Answer:
        path = request.path
        if path.startswith(WORK_PATHS):
            tampered = fault is not None and fault.answer == "tampered"
            return self.work.handle(request, fault.mutation if fault and tampered else None)
        if path == "/rpc" or path == "/rpc/":
            return self.rpc.handle(request, self._view(fault))
        if path == "/friendbot":
            return friendbot.answer(self.network, request)
        return self.horizon.handle(request, self._view(fault))

    def _faulty(self, request: Request, fault: Fault) -> Answer:
        before = {
            "504-before": self._timeout,
            "429": self._too_many,
            "503": self._unavailable,
            "drop": self._drop,
            "bad-seq": self._bad_sequence,
            "failed-200": self._failed,
        }
        if fault.answer in before:
            answer = before[fault.answer](request)
            return answer if answer is not None else self._route(request, None)
        if fault.answer == "entry-archived":
            self.network.contracts.archived.add(self._hash(request))
            return self._route(request, None)
        if fault.answer in ("504-after", "drop-after"):
            instead = self._drop if fault.answer == "drop-after" else self._timeout
            return self._after(self._quietly(request), instead(request))
        return self._route(request, fault)

    def _quietly(self, request: Request) -> Answer:
        try:
            return self._route(request, None)
        except Refused as refusal:
            return refusal.response

    def _after(self, answer: Answer, instead: Response) -> Answer:
        """Let the request have its effect, and lose its answer."""
        if isinstance(answer, Response | Stream):
            return instead

        async def later(work: Awaitable[Any]) -> Response:
            await work
            return instead

        return later(answer)

    def _timeout(self, request: Request) -> Response:
        if request.path.startswith(WORK_PATHS):
            return failure(504, "Gateway Timeout")
        return timeout(self._hash(request))

    def _too_many(self, request: Request) -> Response:
        if request.path.startswith(WORK_PATHS):
            words = "ThrottlerException: Too Many Requests"
            return failure(429, words, Retry_After=RETRY_AFTER)
        detail = "The rate limit for the requesting IP address is over its allowed limit."
        response = problem(429, "rate_limit_exceeded", "Rate Limit Exceeded", detail)
        response.headers = {"Retry-After": RETRY_AFTER}
        return response

    def _unavailable(self, request: Request) -> Response:
        if request.path.startswith(WORK_PATHS):
            return failure(503, "Service Unavailable", Retry_After=RETRY_AFTER)
        response = problem(503, "service_unavailable", "Service Unavailable", "Try again later.")
        response.headers = {"Retry-After": RETRY_AFTER}
        return response

    def _drop(self, request: Request) -> Response:
        return Response(drop=True)

    def _hash(self, request: Request) -> str:
        try:
            return self.network.parse(envelope_text(request)).hash
        except BadEnvelope:
            return ""

    def _bad_sequence(self, request: Request) -> Response | None:
        """tx_bad_seq in the words of whoever was asked; None for what submits nothing."""
        text, result = envelope_text(request), TxResult("tx_bad_seq")
        if not text:
            return None
        if request.path.startswith(WORK_PATHS):
            return rejected(result)
        if request.path.startswith("/rpc"):
            sent = self.rpc.sent(self._hash(request), "ERROR", result)
            return reply({"jsonrpc": "2.0", "id": request.json().get("id"), "result": sent})
        return refused(text, result)

    def _failed(self, request: Request) -> Response | None:
        """A polite 200 around a failure; nothing was applied."""
        if not envelope_text(request):
            return None
        if request.path.startswith(WORK_PATHS):
            return reply({"status": "FAILED", "message": "The transaction could not be sent"})
        digest = self._hash(request)
        if request.path.startswith("/rpc"):
            sent = self.rpc.sent(digest, "ERROR", TxResult("tx_internal_error"))
            return reply({"jsonrpc": "2.0", "id": request.json().get("id"), "result": sent})
        link = f"{records.base(request)}/transactions/{digest}"
        body = {"hash": digest, "id": digest, "successful": False, "status": "FAILED"}
        return reply({"_links": {"self": {"href": link}}, **body})


def _preflight() -> Response:
    """Browsers may call; the sandbox only listens on this machine."""
    return Response(
        204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
            "Access-Control-Allow-Headers": "*",
        },
    )
