"""Horizon's routes for claimable balances, and for the effects of the operations on them."""

from collections.abc import Callable
from typing import Any

from offerhub.sandbox import claimables, records
from offerhub.sandbox.clock import iso
from offerhub.sandbox.ledger import Claimable
from offerhub.sandbox.network import Network
from offerhub.sandbox.problems import bad_request, not_found
from offerhub.sandbox.rows import EFFECTS, Page, StoredOp, StoredTx
from offerhub.sandbox.view import View
from offerhub.sandbox.web import Request, Response, reply

_FILTERS = ("claimant", "asset", "sponsor")


def listed(network: Network, request: Request, view: View, parts: list[str]) -> Response:
    """GET /claimable_balances: those that there are, by `claimant`, `asset` or `sponsor`, in the
    order in which they were made."""
    wanted = {name: request.one(name) for name in _FILTERS if request.one(name)}
    ascending, limit = request.one("order", "asc") == "asc", request.one("limit", "10")
    if not limit.isdecimal() or not 1 <= int(limit) <= 200:
        raise bad_request("limit", "limit must be between 1 and 200")
    after = _position(request.one("cursor"))
    rows = [
        balance
        for balance in network.ledger.claimables.values()
        if balance.modified <= view.ledger and _fits(balance, wanted)
    ]
    rows.sort(key=_place, reverse=not ascending)
    if after is not None:
        rows = [row for row in rows if (_place(row) > after) == ascending and _place(row) != after]
    base = records.base(request)
    shown = [_record(network, row, base) for row in rows[: int(limit)]]
    return reply(records.page(request, Page(0, ascending=ascending, limit=int(limit)), shown))


def one(network: Network, request: Request, view: View, parts: list[str]) -> Response:
    """GET /claimable_balances/{id}; 404 once it was claimed."""
    balance = network.ledger.claimables.get(parts[1])
    if balance is None:
        raise not_found()
    return reply(_record(network, balance, records.base(request)))


def effects(network: Network, request: Request, view: View, parts: list[str]) -> Response:
    """GET /operations/{id}/effects. Kept for operations on claimable balances alone."""
    if parts[2] != "effects":
        raise not_found()
    op, tx = view.operation(network.store, parts[1])
    return _effects(request, [op], tx)


def effects_of_transaction(
    network: Network, request: Request, view: View, parts: list[str]
) -> Response:
    """GET /transactions/{hash}/effects."""
    tx = view.transaction(network.store, parts[1])
    return _effects(request, network.store.operations_of(tx), tx)


def _effects(request: Request, ops: list[StoredOp], tx: StoredTx) -> Response:
    base = records.base(request)
    found: list[dict[str, Any]] = [
        {
            "_links": {"operation": {"href": f"{base}/operations/{op.id}"}},
            "id": f"{op.id:019d}-{number:010d}",
            "paging_token": f"{op.id}-{number}",
            "created_at": iso(tx.created_at),
            **effect,
        }
        for op in ops
        for number, effect in enumerate(op.body.get(EFFECTS, []), start=1)
    ]
    return reply(records.page(request, Page(0), found if tx.successful else []))


def _place(balance: Claimable) -> tuple[int, str]:
    return balance.modified, balance.id


def _position(cursor: str) -> tuple[int, str] | None:
    """Where a page goes on: `{ledger}-{id}`."""
    if not cursor:
        return None
    ledger, _, balance_id = cursor.partition("-")
    if not ledger.isdecimal():
        raise bad_request("cursor", "The first part should be a number higher than 0")
    return int(ledger), balance_id


def _fits(balance: Claimable, wanted: dict[str, str]) -> bool:
    claimants = [one["destination"] for one in balance.claimants]
    return (
        wanted.get("claimant", claimants[0]) in claimants
        and wanted.get("asset", balance.asset) == balance.asset
        and wanted.get("sponsor", balance.sponsor) == balance.sponsor
    )


def _record(network: Network, balance: Claimable, base: str) -> dict[str, Any]:
    return claimables.record(balance, base, network.closed_time(balance.modified))


Route = Callable[[Network, Request, View, list[str]], Response]

ROUTES: dict[tuple[str, int], Route] = {
    ("operations", 3): effects,
    ("claimable_balances", 1): listed,
    ("claimable_balances", 2): one,
}
