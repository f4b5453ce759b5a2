"""One entry: its lines, what it was for, and what the chain says of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ledger.models import Entry
from offerhub.chain import stellar
from offerhub.chain.again import find_any
from offerhub.chain.types import ChainFact, ChainUnavailable
from offerhub.core import clock
from offerhub.core.errors import NotFound
from offerhub.core.shown import amount
from offerhub.desk import operations
from offerhub.desk.finance import export_address
from offerhub.desk.order import entry_line
from offerhub.desk.pages import Crumb, page, show
from offerhub.marketplaces.roles import Right, may

AMOUNTS = {"gross", "platformFee", "protocolFee", "surplus"}  # of an entry's meta, in stroops
FRESH = 30.0  # seconds that what the network said is shown again
EXPLORERS = {
    "testnet": "https://stellar.expert/explorer/testnet/tx/",
    "mainnet": "https://stellar.expert/explorer/public/tx/",
}


@dataclass(frozen=True)
class Reading:
    """What the network told of a transaction, and when it was asked."""

    fact: ChainFact | None
    at: datetime


@page("finance/entry/<str:entry_id>/", "entry", look=Right.VIEW)
def entry(request: HttpRequest, entry_id: str) -> HttpResponse:
    """Six statements, and one question to the network at most every thirty seconds."""
    rows = Entry.objects.select_related("marketplace", "reverses").with_lines()
    found = rows.filter(pk=entry_id).first()
    if found is None:
        raise Http404
    reading, problem = _read(found.chain_hash) if found.chain_hash else (None, "")
    explorer = EXPLORERS.get(settings.OFFERHUB_NETWORK, "")
    return show(
        request,
        "desk/entry.html",
        title=f"Entry #{found.number}",
        crumbs=[Crumb("Entries", reverse("admin:ledger_entry_changelist"))],
        **entry_line(found),
        reversed_by=found.reversals.first(),
        operation=_operation(found.operation),
        reading=reading,
        problem=problem,
        explorer=f"{explorer}{found.chain_hash}" if explorer and found.chain_hash else "",
        export=may(request, Right.EXPORT)
        and export_address("ledger.entries.v1", view="ledger.entry", query=f"q={found.pk}"),
        facts=[(name, _fact(name, value)) for name, value in found.meta.items()],
    )


def _fact(name: str, value: Any) -> Any:
    return amount(value) if name in AMOUNTS and isinstance(value, int) else value


def _operation(operation_id: str) -> dict[str, Any] | None:
    if not operation_id:
        return None
    try:
        return operations.line(find_any(operation_id))
    except NotFound:
        return None


def _read(transaction_hash: str) -> tuple[Reading | None, str]:
    key = f"desk:transaction:{transaction_hash}"
    known: Reading | None = cache.get(key)
    if known is None:
        try:
            known = Reading(stellar.look_up(transaction_hash).fact, clock.now())
        except ChainUnavailable as error:
            return None, str(error)
        cache.set(key, known, FRESH)
    return known, ""
