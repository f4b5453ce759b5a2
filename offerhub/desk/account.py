"""Why an account holds what it holds: every line, newest first, with the balance after it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse

from ledger.chart import CHART, AccountKind, Mode
from ledger.models import Account, Posting
from offerhub.core.errors import InvalidRequest
from offerhub.desk.finance import address, export_address
from offerhub.desk.pages import Crumb, page, show
from offerhub.marketplaces.roles import Right, may
from offerhub.reports.parameters import Parameters

PER_PAGE = 50


@dataclass(frozen=True)
class Line:
    """One line as an account sees it: what made it grow, what made it shrink, what was left."""

    posting: Posting
    grown: int
    shrunk: int
    balance: int


@page("finance/account/<str:account_id>/", "account", look=Right.VIEW)
def account(request: HttpRequest, account_id: str) -> HttpResponse:
    """`?from=`, `?to=` (not included), `?zone=`, `?before=` a line. At most five statements."""
    found = Account.objects.select_related("marketplace", "user").with_amount()
    row: Any = found.filter(pk=account_id).first()
    if row is None:
        raise Http404
    asked, refusal = _asked(request)
    lines = _lines(row, asked, _place(request))
    shown, more = lines[:PER_PAGE], len(lines) > PER_PAGE
    query = {"from": asked.since, "to": asked.until, "zone": asked.zone if asked.since else ""}
    last = shown[-1].posting if more else None
    return show(
        request,
        "desk/account.html",
        title=str(row),
        crumbs=[_back(row)],
        refusal=refusal,
        account=row,
        line=CHART[AccountKind(row.kind)],
        chosen=asked,
        lines=shown,
        newer=address("account", row.pk, **query) if request.GET.get("before") else "",
        older=address("account", row.pk, **query, before=_key(row, last)) if last else "",
        export=may(request, Right.EXPORT)
        and export_address("account.statement.v1", accountId=row.pk, **query),
    )


def _back(row: Account) -> Crumb:
    query = {"marketplace": row.marketplace_id, "kind": row.kind, "asset": row.asset}
    return Crumb(f"Accounts of {row.kind}", address("finance_accounts", **query))


def _asked(request: HttpRequest) -> tuple[Parameters, str]:
    asked = Parameters(
        since=request.GET.get("from", "").strip(),
        until=request.GET.get("to", "").strip(),
        zone=request.GET.get("zone", "").strip() or "UTC",
    )
    try:
        asked.check()
    except InvalidRequest as refusal:
        return Parameters(), refusal.detail
    return asked, ""


def _place(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _key(row: Account, line: Posting) -> int | None:
    return line.account_version if row.mode == Mode.LIVE else int(line.pk)


def _lines(row: Any, asked: Parameters, before: int | None) -> list[Line]:
    """A page and one more line. A live account's lines keep their balance; a rollup's is the
    present one less what came after the page."""
    postings = Posting.objects.of_account(row.pk, row.mode, asked.start, asked.end)
    key = "account_version" if row.mode == Mode.LIVE else "pk"
    if before is not None:
        postings = postings.filter(**{f"{key}__lt": before})
    found = list(postings.select_related("entry")[: PER_PAGE + 1])
    running = 0 if row.mode == Mode.LIVE or not found else _balance_after(row, found[0])
    lines = []
    for posting in found:
        change = posting.amount * row.side
        balance = running if posting.balance_after is None else posting.balance_after
        lines.append(Line(posting, max(change, 0), max(-change, 0), balance))
        running -= change
    return lines


def _balance_after(row: Any, first: Posting) -> int:
    """A rollup's balance after a line: what is there now less what came since. On the first page
    nothing did."""
    later = Posting.objects.of_rollup(row.pk).filter(pk__gt=first.pk)
    since = later.order_by().aggregate(total=Sum("amount"))["total"] or 0
    return int(row.amount - since * row.side)
