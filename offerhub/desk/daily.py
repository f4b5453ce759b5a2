"""Flow of funds and fees by the day, drawn as charts with their figures."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.http import HttpRequest, HttpResponse

from offerhub.core import clock
from offerhub.core.ids import id_from
from offerhub.core.money import UNIT, format_amount
from offerhub.desk.charts import Chart, Series, bars
from offerhub.desk.finance import address, chosen, export_address, marketplaces
from offerhub.desk.flows import FLOWS, in_thousands
from offerhub.desk.pages import page, show
from offerhub.marketplaces.roles import Right, may

SPANS = (14, 30, 90)
Figures = dict[tuple[date, str], int]

_BY_DAY = """
SELECT (e.recorded_at AT TIME ZONE 'UTC')::date AS day,
    CASE WHEN a.kind = 'revenue:platform_fee' THEN 'earned'
         WHEN a.kind = 'expense:network_fee' THEN 'network'
         WHEN e.kind = 'deposit' THEN 'in'
         WHEN e.kind = 'withdrawal_confirmed' THEN 'out' ELSE 'paid' END AS what,
    sum(CASE WHEN a.kind = 'revenue:platform_fee' THEN -p.amount
             WHEN a.kind = 'expense:network_fee' THEN p.amount ELSE abs(p.amount) END)
FROM ledger_entry e
JOIN ledger_posting p ON p.entry_id = e.id
JOIN ledger_account a ON a.id = p.account_id
WHERE e.marketplace_id = %(marketplace)s AND e.id >= %(first)s AND e.recorded_at >= %(start)s
  AND ((a.kind = 'revenue:platform_fee' AND a.asset = 'USDC') OR a.kind = 'expense:network_fee'
    OR (a.asset = 'USDC' AND a.kind = CASE e.kind WHEN 'deposit' THEN 'wallet'
        WHEN 'withdrawal_confirmed' THEN 'pending' WHEN 'release' THEN 'contract'
        WHEN 'refund' THEN 'contract' WHEN 'split' THEN 'contract' END))
GROUP BY 1, 2"""


@page("finance/flow/", "finance_flow", look=Right.VIEW)
def flow(request: HttpRequest) -> HttpResponse:
    """`?marketplace=`, `?days=`. Two statements; days are UTC, by the time of booking."""
    markets = marketplaces()
    market = chosen(request, markets)
    text = request.GET.get("days", "")
    days = int(text) if text in {str(span) for span in SPANS} else SPANS[1]
    today = clock.now().date()
    all_days = [today - timedelta(days=back) for back in reversed(range(days))]
    found = _read(market.pk, all_days[0]) if market else defaultdict(int)
    after = today + timedelta(days=1)
    asked = {"marketplace": market.pk, "from": all_days[0], "to": after} if market else {}
    return show(
        request,
        "desk/daily.html",
        title="Flow and fees",
        markets=markets,
        market=market,
        days=days,
        spans=[(span, address("finance_flow", **asked, days=span)) for span in SPANS],
        charts=_charts(found, all_days),
        export=may(request, Right.EXPORT) and export_address("fees.v1", **asked, basis="recorded"),
    )


def _read(marketplace_id: str, first: date) -> Figures:
    start = datetime.combine(first, time(), UTC)
    values: dict[str, str | datetime] = {
        "marketplace": marketplace_id,
        "first": id_from("ent", start - clock.offset()),
        "start": start,
    }
    found: Figures = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY, values)
        for day, what, amount in cursor.fetchall():
            found[day, what] = int(amount)
    return found


def _charts(found: Figures, days: list[date]) -> list[Chart]:
    labels = [f"{day.day} {day:%b}" for day in days]

    def series(what: str, name: str, colour: int) -> Series:
        return Series(name, [max(found[day, what], 0) for day in days], colour)

    def draw(title: str, rows: list[Series], code: str) -> Chart:
        def text(amount: int) -> str:
            return f"{format_amount(amount)} {code}"

        small = max((value for one in rows for value in one.values), default=0) < UNIT
        tick, unit = (format_amount, 1) if small else (in_thousands, UNIT)
        return bars(title, "Day", labels, rows, text=text, tick=tick, unit=unit)

    return [
        draw("Flow of funds", [series(*one) for one in FLOWS], "USDC"),
        draw("Fees earned", [series("earned", "Platform fee", 1)], "USDC"),
        draw("Network fees paid", [series("network", "Network fee", 3)], "XLM"),
    ]
