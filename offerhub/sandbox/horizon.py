"""Horizon: accounts, history, fees and submission, in the words of the real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from offerhub.sandbox import horizon_balances, records, submission
from offerhub.sandbox.codec import is_account
from offerhub.sandbox.envelope import BadEnvelope, Envelope
from offerhub.sandbox.network import Network, Outcome
from offerhub.sandbox.problems import bad_request, failed, not_found, problem, refused, timeout
from offerhub.sandbox.rows import OPERATION, PAYMENT, TRANSACTION, Page, StoredTx
from offerhub.sandbox.view import View
from offerhub.sandbox.web import Refused, Request, Response, Stream, reply

STREAM_SECONDS = 55.0
_KINDS = {"operations": OPERATION, "payments": PAYMENT, "transactions": TRANSACTION}


class Horizon:
    """The routes. ``base`` for links comes from each request's Host header."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._wake: set[asyncio.Event] = set()
        network.listeners.append(self._woken)

    def _woken(self) -> None:
        for event in self._wake:
            event.set()

    def handle(
        self, request: Request, view: View
    ) -> Response | Stream | Awaitable[Response | Stream]:
        """Answer a request; Refused carries an error answer."""
        parts = [part for part in request.path.split("/") if part]
        if request.method == "POST":
            return self._post(request, parts)
        if request.method != "GET":
            raise not_found()
        if not parts:
            return reply(records.root(self.network, view.ledger, view.closed_at))
        shape = parts[0], len(parts)
        if balances := horizon_balances.ROUTES.get(shape):
            return balances(self.network, request, view, parts)
        if route := _ROUTES.get(shape):
            return route(self, request, view, parts)
        raise not_found()

    def _post(self, request: Request, parts: list[str]) -> Response | Awaitable[Response]:
        if parts == ["transactions"]:
            return self.submit(request)
        if parts == ["transactions_async"]:
            return self.submit_async(request)
        raise not_found()

    def envelope(self, request: Request) -> Envelope:
        """The form's ``tx``; Refused when it is no envelope."""
        text = request.form("tx")
        if not text and request.headers.get("content-type", "").startswith("application/json"):
            text = str(json.loads(request.body or b"{}").get("tx", ""))
        try:
            return self.network.parse(text)
        except BadEnvelope:
            raise Refused(
                problem(
                    400,
                    "transaction_malformed",
                    "Transaction Malformed",
                    "Horizon could not decode the transaction envelope in this request.",
                    extras={"envelope_xdr": text},
                )
            ) from None

    def submit(self, request: Request) -> Response | Awaitable[Response]:
        """POST /transactions: 200 when applied, 400 when not, 504 when it takes too long."""
        envelope, base = self.envelope(request), records.base(request)
        return submission.submit(
            self.network,
            envelope,
            lambda outcome: self.answer(outcome, envelope.text, base),
            lambda: timeout(envelope.hash),
        )

    def answer(self, outcome: Outcome, text: str, base: str) -> Response:
        """The answer to a synchronous submission."""
        if outcome.refused is not None:
            return refused(text, outcome.refused)
        tx = outcome.tx
        if tx is None:
            return timeout()
        if tx.successful:
            return reply(records.transaction(tx, base))
        extras = {"envelope_xdr": tx.envelope, "result_codes": tx.codes, "result_xdr": tx.result}
        return failed(extras)

    def submit_async(self, request: Request) -> Response:
        """POST /transactions_async: 201 PENDING, 409 DUPLICATE, 400 ERROR."""
        envelope = self.envelope(request)
        body: dict[str, Any] = {"tx_status": "PENDING", "hash": envelope.hash}
        outcome = self.network.submit(envelope, lambda _: None)
        if outcome.known:
            return reply({**body, "tx_status": "DUPLICATE"}, 409)
        if outcome.refused is not None:
            error = {"tx_status": "ERROR", "error_result_xdr": outcome.refused.to_xdr()}
            return reply({**body, **error}, 400)
        return reply(body, 201)

    def account(self, request: Request, view: View, parts: list[str]) -> Response:
        """GET /accounts/{G}."""
        account = self.network.ledger.accounts.get(parts[1])
        if account is None:
            if not is_account(parts[1]):
                raise bad_request("account_id", "Account ID must start with `G`")
            raise not_found()
        time = self.network.closed_time(account.modified or 1)
        return reply(records.account(account, records.base(request), time))

    def data(self, request: Request, view: View, parts: list[str]) -> Response:
        """GET /accounts/{G}/data/{name}."""
        account = self.network.ledger.accounts.get(parts[1])
        entry = account.data.get(parts[3]) if account is not None else None
        if parts[2] != "data" or entry is None:
            raise not_found()
        return reply({"value": entry.value})

    def of_account(self, request: Request, view: View, parts: list[str]) -> Response | Stream:
        """GET /accounts/{G}/payments, /operations, /transactions."""
        kind = _KINDS.get(parts[2])
        if kind is None:
            raise not_found()
        if not is_account(parts[1]):
            raise bad_request("account_id", "Account ID must start with `G`")
        if parts[1] not in self.network.ledger.accounts and not self._ever(parts[1]):
            raise not_found()
        return self._list(request, view, kind, parts[1])

    def _ever(self, account: str) -> bool:
        return bool(self.network.store.page(Page(TRANSACTION, account, limit=1, failed=True)))

    def of_all(self, request: Request, view: View, parts: list[str]) -> Response | Stream:
        """GET /payments, /operations, /transactions."""
        return self._list(request, view, _KINDS[parts[0]], "")

    def _list(self, request: Request, view: View, kind: int, account: str) -> Response | Stream:
        page = self._page(request, view, kind, account)
        if "text/event-stream" in request.headers.get("accept", ""):
            return Stream(self._stream(request, page))
        found = self._records(request, page)
        return reply(records.page(request, page, found))

    def _page(self, request: Request, view: View, kind: int, account: str) -> Page:
        order, limit = request.one("order", "asc"), request.one("limit", "10")
        if order not in ("asc", "desc"):
            raise bad_request("order", "order must be `asc` or `desc`")
        if not limit.isdecimal() or not 1 <= int(limit) <= 200:
            raise bad_request("limit", "limit must be between 1 and 200")
        cursor = request.one("cursor")
        streaming = "text/event-stream" in request.headers.get("accept", "")
        if streaming:
            cursor = request.headers.get("last-event-id", "") or cursor
        ascending = order == "asc"
        start = 0 if ascending else 2**63 - 1
        if cursor == "now":
            start = view.until - 1
        elif cursor:
            head = cursor.partition("-")[0]
            if not head.isdecimal():
                raise bad_request("cursor", "cursor must contain exactly one colon or be a number")
            start = int(head)
        failed = request.one("include_failed") == "true"
        return Page(kind, account, start, ascending, int(limit), failed, view.until)

    def _records(self, request: Request, page: Page) -> list[dict[str, Any]]:
        store, base = self.network.store, records.base(request)
        joined = request.one("join") == "transactions"
        found = []
        cache: dict[int, StoredTx] = {}
        for identifier in store.page(page):
            at = identifier & ~0xFFF
            tx = cache.get(at) or store.transaction_at(at)
            if tx is None:
                continue
            cache[at] = tx
            if page.kind == TRANSACTION:
                found.append(records.transaction(tx, base))
                continue
            op = store.operation(identifier)
            if op is not None:
                found.append(records.operation(op, tx, base, joined))
        return found

    async def _stream(self, request: Request, page: Page) -> AsyncIterator[str]:
        """Frames until the stream's time is over; wakes with every ledger."""
        yield 'retry: 1000\nevent: open\ndata: "hello"\n\n'
        loop = asyncio.get_running_loop()
        end, cursor = loop.time() + STREAM_SECONDS, page.cursor
        event = asyncio.Event()
        self._wake.add(event)
        try:
            while loop.time() < end:
                event.clear()
                until = (self.network.sequence + 1) << 32
                span = Page(page.kind, page.account, cursor, True, 200, page.failed, until)
                for record in self._records(request, span):
                    cursor = int(record["paging_token"])
                    yield f"id: {cursor}\ndata: {json.dumps(record)}\n\n"
                try:
                    await asyncio.wait_for(event.wait(), min(10.0, end - loop.time()))
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self._wake.discard(event)
        yield 'retry: 10\nevent: close\ndata: "byebye"\n\n'

    def transaction(self, request: Request, view: View, parts: list[str]) -> Response:
        """GET /transactions/{hash}."""
        tx = view.transaction(self.network.store, parts[1])
        return reply(records.transaction(tx, records.base(request), parts[1].lower()))

    def of_transaction(self, request: Request, view: View, parts: list[str]) -> Response:
        """GET /transactions/{hash}/operations, /payments and /effects."""
        if parts[2] == "effects":
            return horizon_balances.effects_of_transaction(self.network, request, view, parts)
        if parts[2] not in ("operations", "payments"):
            raise not_found()
        tx, base = view.transaction(self.network.store, parts[1]), records.base(request)
        joined = request.one("join") == "transactions"
        page = self._page(request, view, _KINDS[parts[2]], "")
        ops = self.network.store.operations_of(tx, payments=parts[2] == "payments")
        if not page.ascending:
            ops.reverse()
        ahead = [o for o in ops if (o.id > page.cursor) == page.ascending and o.id != page.cursor]
        found = [records.operation(op, tx, base, joined) for op in ahead[: page.limit]]
        return reply(records.page(request, page, found))

    def operation(self, request: Request, view: View, parts: list[str]) -> Response:
        """GET /operations/{id}."""
        op, tx = view.operation(self.network.store, parts[1])
        joined = request.one("join") == "transactions"
        return reply(records.operation(op, tx, records.base(request), joined))

    def ledgers(self, request: Request, view: View, parts: list[str]) -> Response:
        """GET /ledgers: the stored and the empty ones between them alike."""
        page = self._page(request, view, OPERATION, "")
        cursor = page.cursor >> 32 if page.cursor < 2**62 else view.ledger + 1
        if page.ascending:
            numbers = range(cursor + 1, min(cursor + page.limit, view.ledger) + 1)
        else:
            numbers = range(min(cursor, view.ledger + 1) - 1, 0, -1)[: page.limit]
        base = records.base(request)
        found = [records.ledger(self.network, number, base) for number in numbers]
        return reply(records.page(request, page, found))

    def ledger(self, request: Request, view: View, parts: list[str]) -> Response:
        """GET /ledgers/{sequence}."""
        number = int(parts[1]) if parts[1].isdecimal() else 0
        if not 1 <= number <= view.ledger:
            raise not_found()
        return reply(records.ledger(self.network, number, records.base(request)))

    def fee_stats(self, request: Request, view: View, parts: list[str]) -> Response:
        """GET /fee_stats: this network is never crowded."""
        return reply(records.fee_stats(view.ledger))


Route = Callable[[Horizon, Request, View, list[str]], Response | Stream]

_ROUTES: dict[tuple[str, int], Route] = {
    ("accounts", 2): Horizon.account,
    ("accounts", 3): Horizon.of_account,
    ("accounts", 4): Horizon.data,
    ("payments", 1): Horizon.of_all,
    ("operations", 1): Horizon.of_all,
    ("transactions", 1): Horizon.of_all,
    ("operations", 2): Horizon.operation,
    ("transactions", 2): Horizon.transaction,
    ("transactions", 3): Horizon.of_transaction,
    ("ledgers", 1): Horizon.ledgers,
    ("ledgers", 2): Horizon.ledger,
    ("fee_stats", 1): Horizon.fee_stats,
}
