"""The trial balance of any instant, and the accounts behind each of its lines."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse

from ledger.balances import TrialLine, trial_balance
from ledger.chart import CHART, AccountKind
from offerhub.core.errors import InvalidRequest
from offerhub.desk.finance import address, chosen, export_address, marketplaces
from offerhub.desk.pages import Crumb, page, show
from offerhub.marketplaces.roles import Right, may
from offerhub.reports.parameters import Parameters

PER_PAGE = 50

# Accounts of one kind, by id; before an instant each sums its own lines.
_ACCOUNTS = """
SELECT a.id, a.owner, a.user_id, coalesce({amount}, 0) AS amount FROM ledger_account a
LEFT JOIN ledger_balance b ON b.account_id = a.id
WHERE a.marketplace_id = %(marketplace)s AND a.kind = %(kind)s AND a.asset = %(asset)s
  AND (%(after)s = '' OR a.owner > %(after)s) ORDER BY a.owner LIMIT %(limit)s"""
_NOW = "CASE WHEN a.mode = 'live' THEN b.amount ELSE ledger_rollup_balance(a.id) END"
_THEN = """(SELECT a.side * sum(p.amount) FROM ledger_posting p
    JOIN ledger_entry e ON e.id = p.entry_id
    WHERE p.account_id = a.id AND e.{basis}_at < %(before)s)"""


@dataclass(frozen=True)
class Asset:
    """The lines of one asset, and the sums of both sides."""

    name: str
    lines: list[TrialLine]

    @property
    def debit(self) -> int:
        """All debit balances."""
        return sum(line.debit for line in self.lines)

    @property
    def credit(self) -> int:
        """All credit balances."""
        return sum(line.credit for line in self.lines)


def asked_of(request: HttpRequest) -> tuple[Parameters, str]:
    """The instant that was asked for, and what is wrong with it."""
    asked = Parameters(
        at=request.GET.get("at", "").strip(),
        zone=request.GET.get("zone", "").strip() or "UTC",
        basis=request.GET.get("basis", "effective"),
    )
    try:
        asked.check()
    except InvalidRequest as refusal:
        return Parameters(), refusal.detail
    return asked, ""


@page("finance/trial-balance/", "trial_balance", look=Right.VIEW)
def trial(request: HttpRequest) -> HttpResponse:
    """`?marketplace=`, `?at=` a day or an instant, `?zone=`, `?basis=`. Two statements."""
    markets = marketplaces()
    market = chosen(request, markets)
    asked, refusal = asked_of(request)
    lines = _lines(market.pk, asked) if market else []
    query = {"marketplace": market.pk if market else "", **_query(asked)}
    return show(
        request,
        "desk/trial.html",
        title="Trial balance",
        refusal=refusal,
        markets=markets,
        market=market,
        chosen=asked,
        assets=_by_asset(lines),
        more=query,
        export=may(request, Right.EXPORT) and export_address("ledger.trial-balance.v1", **query),
    )


def _query(asked: Parameters) -> dict[str, str]:
    return {"at": asked.at, "zone": asked.zone if asked.at else "", "basis": asked.basis}


def _lines(marketplace_id: str, asked: Parameters) -> list[TrialLine]:
    before = asked.before
    if before is None:
        return trial_balance(marketplace_id)
    return trial_balance(marketplace_id, before=before, basis=asked.basis)  # type: ignore[arg-type]


def _by_asset(lines: list[TrialLine]) -> list[Asset]:
    order = list(CHART)
    found: dict[str, list[TrialLine]] = defaultdict(list)
    for line in sorted(lines, key=lambda line: order.index(line.kind)):
        found[line.asset].append(line)
    return [Asset(name, found[name]) for name in sorted(found)]


@page("finance/accounts/", "finance_accounts", look=Right.VIEW)
def accounts(request: HttpRequest) -> HttpResponse:
    """The accounts of one kind and asset, each with what it held. Two statements."""
    markets = marketplaces()
    market = chosen(request, markets)
    asked, refusal = asked_of(request)
    kind, asset = request.GET.get("kind", ""), request.GET.get("asset", "USDC")
    if market is None or kind not in {str(each) for each in AccountKind}:
        raise Http404
    found = _accounts(market.pk, kind, asset, asked, request.GET.get("after", ""))
    shown, more = found[:PER_PAGE], len(found) > PER_PAGE
    query = {"marketplace": market.pk, "kind": kind, "asset": asset, **_query(asked)}
    first = address("finance_accounts", **query)
    back = Crumb("Trial balance", address("trial_balance", marketplace=market.pk, **_query(asked)))
    return show(
        request,
        "desk/trial_accounts.html",
        title=f"Accounts of {kind}",
        crumbs=[back],
        refusal=refusal,
        market=market,
        chosen=asked,
        kind=kind,
        asset=asset,
        rows=shown,
        element=CHART[AccountKind(kind)].element,
        newer=first if request.GET.get("after") else "",
        older=address("finance_accounts", **query, after=shown[-1]["owner"]) if more else "",
    )


def _accounts(
    marketplace_id: str, kind: str, asset: str, asked: Parameters, after: str
) -> list[dict[str, Any]]:
    before: datetime | None = asked.before
    amount = _NOW if before is None else _THEN.format(basis=asked.basis)
    values = {
        "marketplace": marketplace_id,
        "kind": kind,
        "asset": asset,
        "after": after,
        "before": before,
        "limit": PER_PAGE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS.format(amount=amount), values)
        return [
            {"id": row_id, "owner": owner, "user": user, "amount": int(held)}
            for row_id, owner, user, held in cursor.fetchall()
        ]
