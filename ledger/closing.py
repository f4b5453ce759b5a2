"""Closing days (UTC): from then on nothing is dated into them, and their totals are kept, signed.

Days are closed without gaps. What the chain did on a closed day and is told later is booked on the
day on which it is told (see `sql/post.sql`), so a closed day never changes.
"""

import hashlib
import json
from datetime import date
from typing import Any

from django.db import connection

from ledger import jobs
from ledger.chart import CHART, AccountKind
from ledger.models import Closing, Period
from offerhub.core import clock, signing
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction
from offerhub.core.errors import WrongState
from offerhub.core.jobs import Later, ring
from offerhub.marketplaces import journal
from offerhub.marketplaces.models import Marketplace

SIGN = "ledger.sign_days"
PATIENCE = 5.0  # seconds to wait for transactions that began before a day was closed
FORM = "offerhub.closing.v1"


@in_transaction
def close_days(*, marketplace_id: str, through: date, actor: Actor) -> list[date]:
    """Close every open day up to and with `through`; the first and the last of them.

    Raises WrongState when that day is not over, or when there is nothing to close.
    """
    market = Marketplace.objects.select_for_update(no_key=True).get(pk=marketplace_id)
    now = clock.now()
    if through >= now.date():
        raise WrongState(f"{through} is not over yet: the last day that can be closed is yesterday")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_close_days(%s, %s, %s, %s)", [market.pk, through, now, str(actor)]
        )
        (first,) = cursor.fetchone()
    if first is None:
        raise WrongState(f"There is no open day with an entry up to {through}")
    payload = {"from": first.isoformat(), "through": through.isoformat()}
    journal.record(market, "books.closed", actor=actor, payload=payload)
    market.save(update_fields=["version"])
    ring(SIGN, market.pk)
    return [first, through]


def unsigned() -> list[str]:
    """Marketplaces that have closed days without their totals."""
    rows = Period.objects.filter(closing=None).values_list("marketplace", flat=True)
    return sorted(set(rows.distinct()[:100]))


def sign_days(marketplace_id: str) -> int:
    """Write down and sign what is closed, day by day in order; how many days.

    Raises Later while a transaction is open that may still date something into them.
    """
    rows = Period.objects.filter(marketplace=marketplace_id, closing=None).order_by("day")
    days = list(rows[:400])
    if not days:
        return 0
    mark = jobs.take_mark()
    if not jobs.await_settled(mark, PATIENCE):
        raise Later(PATIENCE)
    return sum(_sign(day.pk) for day in days)


@in_transaction
def _sign(period_id: int) -> int:
    period = Period.objects.select_related("marketplace").get(pk=period_id)
    with connection.cursor() as cursor:
        lock = f"ledger_close {period.marketplace_id}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
        if Closing.objects.filter(period=period).exists():
            return 0  # another worker was faster
        cursor.execute("SELECT ledger_snapshot_day(%s)", [period.pk])
        document = json.dumps(_document(period), sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(document.encode()).hexdigest()
        signed = signing.sign(document.encode())
        cursor.execute(
            "SELECT ledger_keep_closing(%s, %s, %s, %s, %s, %s)",
            [period.pk, document, digest, signed.key_id, signed.public_key, signed.value],
        )
    return 1


_TOTALS = """
SELECT a.asset, a.kind, count(*), sum(s.opening), sum(s.debit), sum(s.credit), sum(s.closing)
FROM ledger_snapshot s JOIN ledger_account a ON a.id = s.account_id
WHERE s.period_id = %s GROUP BY 1, 2 ORDER BY 1, 2"""
_FIGURES = ("accounts", "opening", "debit", "credit", "closing")


def _document(period: Period) -> dict[str, Any]:
    """What is signed. Amounts are stroops, on the normal side of each kind."""
    before = Closing.objects.filter(
        period__marketplace=period.marketplace_id, period__day__lt=period.day
    ).order_by("-period__day")
    last = before.first()
    assets: dict[str, Any] = {}
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [period.pk])
        for asset, kind, *figures in cursor.fetchall():
            row = dict(zip(_FIGURES, map(int, figures), strict=True))
            assets.setdefault(asset, {})[kind] = row
    return {
        "form": FORM,
        "marketplace": period.marketplace_id,
        "day": period.day.isoformat(),
        "closedAt": period.closed_at.isoformat(),
        "closedBy": period.closed_by,
        "previous": last.sha256 if last else "",
        "assets": assets,
        "totals": {asset: _sides(kinds) for asset, kinds in assets.items()},
    }


def _sides(kinds: dict[str, dict[str, int]]) -> dict[str, int]:
    """The postings of the day and the balances at its end by side: each pair is equal."""
    found = {"debits": 0, "credits": 0, "debitBalances": 0, "creditBalances": 0}
    for kind, row in kinds.items():
        found["debits"] += row["debit"]
        found["credits"] += row["credit"]
        standing = row["closing"] * CHART[AccountKind(kind)].element.side
        found["debitBalances"] += max(standing, 0)
        found["creditBalances"] += max(-standing, 0)
    return found


def is_sound(closing: Closing) -> bool:
    """Whether the totals are as they were signed by this installation."""
    content = closing.document.encode()
    digest = hashlib.sha256(content).hexdigest()
    signed = signing.is_signed(content, closing.key_id, closing.signature)
    return digest == closing.sha256 and signed


def proof(closing: Closing) -> dict[str, Any]:
    """The document with its signature, for whoever checks it elsewhere."""
    return {
        "document": closing.document,
        "sha256": closing.sha256,
        "algorithm": "ed25519",
        "keyId": closing.key_id,
        "publicKey": closing.public_key,
        "signature": closing.signature,
    }
