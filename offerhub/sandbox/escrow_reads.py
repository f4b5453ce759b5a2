"""The indexer's reads. It knows what passed through the API, and what it was told to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from offerhub.sandbox import assets, escrow_json
from offerhub.sandbox.codec import is_contract
from offerhub.sandbox.escrow import Escrow
from offerhub.sandbox.fields import failure
from offerhub.sandbox.network import Network
from offerhub.sandbox.rows import StoredTx
from offerhub.sandbox.rules import REFUSALS
from offerhub.sandbox.web import Refused, Request, Response, reply

MAX_ADDRESSES = 20
PAGE_SIZE = 20


class Reads:
    """GET /helper/... and POST /indexer/update-from-txHash."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._known: dict[str, tuple[Escrow, int]] = network.store.load_index()

    def index(self, tx: StoredTx) -> None:
        """Note what the contracts that a transaction touched look like now."""
        for contract in tx.touched:
            escrow = self.network.ledger.escrows.get(contract)
            if escrow is None:
                continue
            self._known[contract] = (escrow, self.balance(escrow))
            self.network.store.save_index(contract, *self._known[contract])

    def asset(self, escrow: Escrow) -> str:
        """The asset that an escrow is kept in."""
        return self.network.contracts.tokens.get(escrow.token, escrow.token)

    def balance(self, escrow: Escrow) -> int:
        """What an escrow's contract holds on chain, in stroops."""
        return self.network.ledger.token(escrow.contract_id, self.asset(escrow))

    def shown(self, escrow: Escrow) -> dict[str, Any]:
        """An escrow as it stands on chain."""
        return escrow_json.to_json(escrow, self.asset(escrow), self.balance(escrow))

    def _rows(self, request: Request) -> Iterable[tuple[Escrow, int]]:
        """What the indexer knows; as it stands on chain with ``validateOnChain``."""
        fresh = request.one("validateOnChain") == "true"
        for contract, (escrow, balance) in self._known.items():
            if fresh:
                escrow = self.network.ledger.escrows[contract]
                balance = self.balance(escrow)
            yield escrow, balance

    def by_ids(self, request: Request) -> Response:
        """GET /helper/get-escrow-by-contract-ids"""
        wanted = _values(request, "contractIds")
        if not wanted or not all(is_contract(item) for item in wanted):
            raise Refused(failure(400, ["contractIds must hold valid contract ids"]))
        fresh = request.one("validateOnChain") == "true"
        found = []
        for contract in wanted:
            known = self._known.get(contract)
            if known is None:
                raise Refused(failure(500, REFUSALS["not_found"][2]))
            escrow, balance = known
            if fresh:
                escrow = self.network.ledger.escrows[contract]
                balance = self.balance(escrow)
            found.append(escrow_json.to_json(escrow, self.asset(escrow), balance))
        return reply(found)

    def balances(self, request: Request) -> Response:
        """GET /helper/get-multiple-escrow-balance: from the chain, at most 20 addresses."""
        wanted = _values(request, "addresses")
        if len(wanted) > MAX_ADDRESSES:
            raise Refused(failure(500, REFUSALS["too_many_escrows"][2]))
        found = []
        for contract in wanted:
            escrow = self.network.ledger.escrows.get(contract)
            if escrow is None:
                raise Refused(failure(500, REFUSALS["not_found"][2]))
            found.append({"address": contract, "balance": assets.whole(self.balance(escrow))})
        return reply(found)

    def by_role(self, request: Request) -> Response:
        """GET /helper/get-escrows-by-role"""
        role, who = request.one("role"), request.one("roleAddress")
        if role == "signer":
            return self._filtered(request, lambda escrow: escrow.signer == who)
        stored = escrow_json.ROLE_NAMES.get(role)
        if stored is None:
            raise Refused(failure(400, ["role must be one of the escrow's roles"]))

        def holds(escrow: Escrow) -> bool:
            if stored == "receiver" and escrow.kind == "multi":
                return any(milestone.receiver == who for milestone in escrow.milestones)
            return escrow.roles.get(stored) == who

        return self._filtered(request, holds)

    def by_signer(self, request: Request) -> Response:
        """GET /helper/get-escrows-by-signer"""
        who = request.one("signer")
        return self._filtered(request, lambda escrow: escrow.signer == who)

    def _filtered(self, request: Request, fits: Callable[[Escrow], bool]) -> Response:
        tests = [fits, *_filters(request)]
        rows = [
            (escrow, balance)
            for escrow, balance in self._rows(request)
            if all(test(escrow) for test in tests)
        ]
        key = {"updatedAt": _updated, "amount": _amount}.get(request.one("orderBy"), _created)
        rows.sort(key=lambda row: key(row[0]), reverse=request.one("orderDirection") != "asc")
        page = request.one("page", "1")
        start = (max(1, int(page)) - 1) * PAGE_SIZE if page.isdecimal() else 0
        shown = [
            escrow_json.to_json(escrow, self.asset(escrow), balance)
            for escrow, balance in rows[start : start + PAGE_SIZE]
        ]
        return reply(shown)

    def update(self, digest: str) -> Response:
        """POST /indexer/update-from-txHash"""
        tx = self.network.store.transaction(digest.lower())
        if tx is None or not tx.successful:
            raise Refused(failure(404, "Transaction not found"))
        self.index(tx)
        return reply({"status": "SUCCESS", "message": "The escrow has been updated"})


def _created(escrow: Escrow) -> int:
    return escrow.created_at


def _updated(escrow: Escrow) -> int:
    return escrow.updated_at


def _amount(escrow: Escrow) -> int:
    return escrow.total


def _values(request: Request, name: str) -> list[str]:
    """All values of an array parameter, also when they share one with commas."""
    return [v for item in request.query.get(name, []) for v in item.split(",") if v]


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(failure(400, ["a date must be an ISO 8601 date"])) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _whole(text: str, name: str) -> int:
    try:
        return assets.stroops(text)
    except ValueError:
        raise Refused(failure(400, [f"{name} must be a number"])) from None


def _filters(request: Request) -> list[Callable[[Escrow], bool]]:
    """The optional filters, each as a test of one escrow."""
    tests: list[Callable[[Escrow], bool]] = []
    if title := request.one("title"):
        tests.append(lambda e: e.title == title)
    if engagement := request.one("engagementId"):
        tests.append(lambda e: e.engagement_id == engagement)
    if status := request.one("status"):
        tests.append(lambda e: escrow_json.status_of(e) == status)
    if kind := request.one("type"):
        tests.append(lambda e: f"{e.kind}-release" == kind)
    if request.one("isActive") == "false":
        tests.append(lambda e: False)
    if text := request.one("minAmount"):
        least = _whole(text, "minAmount")
        tests.append(lambda e: e.total >= least)
    if text := request.one("maxAmount"):
        most = _whole(text, "maxAmount")
        tests.append(lambda e: e.total <= most)
    if text := request.one("startDate"):
        start = _time(text)
        tests.append(lambda e: e.created_at >= start)
    if text := request.one("endDate"):
        end = _time(text)
        tests.append(lambda e: e.created_at <= end)
    return tests
