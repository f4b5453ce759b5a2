"""The page of a buyer or seller: balances and why they are so, the wallet, orders and money."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from ledger.balances import UserBalance, user_balance
from ledger.chart import HOLDS
from ledger.models import Account, Posting
from offerhub.chain import stellar
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable
from offerhub.core import clock
from offerhub.deposits.models import Deposit
from offerhub.desk.finance import export_address
from offerhub.desk.pages import Crumb, page, show
from offerhub.marketplaces.roles import Right, may
from offerhub.users.models import User
from orders.models import Order
from orders.services import ASSET
from payouts.models import Withdrawal

FEW, PER_PAGE = 10, 50
FRESH = 10.0  # seconds that a reading of the chain is shown again


@dataclass(frozen=True)
class Reading:
    """What a wallet holds on the chain, in stroops, and when that was asked."""

    usdc: int
    xlm: int
    exists: bool
    at: datetime


@page("user/<str:user_id>/", "user", look=Right.VIEW)
def user(request: HttpRequest, user_id: str) -> HttpResponse:
    """Twelve statements, and one reading of the chain at most every ten seconds."""
    found = _get(user_id)
    balance = user_balance(found.pk, ASSET)
    wallet = getattr(found, "wallet", None)
    reading, problem = _read(wallet.address) if wallet else (None, "")
    orders = Order.objects.filter(Q(buyer=found) | Q(seller=found)).order_by("-pk")
    return show(
        request,
        "desk/user.html",
        title=found.external_id,
        crumbs=[_users()],
        user_shown=found,
        wallet=wallet,
        balance=balance,
        kinds=_kinds(found, balance),
        holds=_holds(found),
        reading=reading,
        problem=problem,
        on_chain=balance.total - balance.in_escrow,  # what is in escrow is in the contract
        orders=orders.select_related("buyer", "seller")[:FEW],
        deposits=Deposit.objects.filter(user=found).order_by("-pk")[:FEW],
        withdrawals=Withdrawal.objects.filter(user=found).order_by("-pk")[:FEW],
        lines=_lines(found, None)[:FEW],
    )


@page("user/<str:user_id>/statement/", "user_statement", look=Right.VIEW)
def statement(request: HttpRequest, user_id: str) -> HttpResponse:
    """Why the available balance is what it is: every line, newest first. Five statements."""
    found = _get(user_id)
    before = request.GET.get("before", "")
    lines = _lines(found, int(before) if before.isdecimal() and len(before) < 19 else None)
    shown, more = lines[:PER_PAGE], len(lines) > PER_PAGE
    return show(
        request,
        "desk/statement.html",
        title="Statement",
        crumbs=[_users(), Crumb(found.external_id, reverse("admin:user", args=[found.pk]))],
        user_shown=found,
        balance=user_balance(found.pk, ASSET),
        lines=shown,
        export=may(request, Right.EXPORT)
        and export_address("account.statement.v1", userId=found.pk),
        newer="?" if before else "",
        older=f"?before={shown[-1].account_version}" if more else "",
    )


def _get(user_id: str) -> User:
    found = User.objects.select_related("wallet", "marketplace").filter(pk=user_id).first()
    if found is None:
        raise Http404
    return found


def _users() -> Crumb:
    return Crumb("Users", reverse("admin:users_user_changelist"))


def _lines(user: User, before: int | None) -> list[Posting]:
    """A page of the statement and one more line, with each entry: one statement."""
    lines = Posting.objects.statement(user.pk, ASSET)
    if before is not None:
        lines = lines.filter(account_version__lt=before)
    return list(lines[: PER_PAGE + 1])


def _kinds(user: User, balance: UserBalance) -> list[dict[str, Any]]:
    """The parts of a balance, each with the place that says why."""
    why = reverse("admin:user_statement", args=[user.pk])
    return [
        {"label": "Available", "amount": balance.available, "why": why},
        {"label": "Reserved for orders", "amount": balance.reserved, "why": "#holds"},
        {"label": "In escrow", "amount": balance.in_escrow, "why": "#holds"},
        {"label": "Being withdrawn", "amount": balance.pending_withdrawal, "why": "#holds"},
    ]


def _holds(user: User) -> list[Account]:
    """What is set aside now, by what it waits for. One statement over the open holds."""
    rows = Account.objects.filter(user=user, open=True, kind__in=HOLDS, balance__amount__gt=0)
    return list(rows.select_related("balance").order_by("-pk"))


def _read(address: str) -> tuple[Reading | None, str]:
    key = f"desk:account:{address}"
    known: Reading | None = cache.get(key)
    if known is None:
        try:
            account = stellar.account(address)
        except ChainUnavailable as error:
            return None, str(error)
        line = account.line(current().asset_code, current().usdc_issuer)
        known = Reading(line.balance if line else 0, account.xlm, account.exists, clock.now())
        cache.set(key, known, FRESH)
    return known, ""
