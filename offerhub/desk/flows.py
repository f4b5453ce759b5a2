"""The figures behind the three charts of the home page."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from django.core.cache import cache
from django.db import connection

from offerhub.core import clock
from offerhub.core.ids import id_from
from offerhub.core.money import UNIT, format_amount
from offerhub.desk.charts import Chart, Series, bars

DAYS, WEEKS = 14, 12
_FRESH, _KEPT = 30, 86_400  # seconds: today's figures, and those of days that are over
FLOWS = (("in", "Deposits", 1), ("paid", "Paid out of escrow", 2), ("out", "Withdrawals", 3))

# Entries are numbered by time, so their key finds a day's without an index of its own.
_FLOW = """
SELECT CASE e.kind WHEN 'deposit' THEN 'in' WHEN 'withdrawal_confirmed' THEN 'out' ELSE 'paid' END,
       sum(abs(p.amount))
FROM ledger_entry e
JOIN ledger_posting p ON p.entry_id = e.id
JOIN ledger_account a ON a.id = p.account_id
WHERE e.id >= %(first)s AND e.recorded_at >= %(start)s AND e.recorded_at < %(end)s
  AND e.kind IN ('deposit', 'release', 'refund', 'split', 'withdrawal_confirmed')
  AND a.asset = 'USDC'
  AND a.kind = CASE e.kind WHEN 'deposit' THEN 'wallet' WHEN 'withdrawal_confirmed' THEN 'pending'
                           ELSE 'contract' END
GROUP BY 1"""

_AGES = """
SELECT count(*) FILTER (WHERE age < interval '1 day'),
       count(*) FILTER (WHERE age >= interval '1 day' AND age < interval '2 days'),
       count(*) FILTER (WHERE age >= interval '2 days' AND age < interval '4 days'),
       count(*) FILTER (WHERE age >= interval '4 days' AND age < interval '7 days'),
       count(*) FILTER (WHERE age >= interval '7 days' AND age < interval '14 days'),
       count(*) FILTER (WHERE age >= interval '14 days')
FROM (SELECT offerhub_now() - created_at AS age FROM disputes_dispute
      WHERE status IN ('OPEN', 'UNDER_REVIEW', 'WAITING_PARTY', 'PROPOSED', 'SETTLING')) open"""
AGES = ("< 1 d", "1 d", "2-3 d", "4-6 d", "7-13 d", "14 d +")

_ENDS = """
SELECT date_trunc('week', closed_at AT TIME ZONE 'UTC')::date, decision, count(*)
FROM disputes_dispute WHERE closed_at >= %(start)s GROUP BY 1, 2"""
ENDS = (
    ("RELEASE", "Seller", 1),
    ("SPLIT", "Split", 2),
    ("REFUND", "Buyer", 3),
    ("", "Withdrawn", 5),
)


def ages() -> Chart:
    """Open disputes by age. One statement over the open ones."""
    with connection.cursor() as cursor:
        cursor.execute(_AGES)
        values = [int(value) for value in cursor.fetchone() or ()]
    return bars("Open disputes by age", "Age", AGES, [Series("Disputes", values)])


def ends() -> Chart:
    """How disputes ended, by the week (Monday). One statement."""
    today = clock.now().date()
    monday = today - timedelta(days=today.weekday())
    weeks = [monday - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    found: dict[tuple[date, str], int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(_ENDS, {"start": _midnight(weeks[0])})
        for week, decision, number in cursor.fetchall():
            found[week, decision] = int(number)
    series = [
        Series(name, [found[week, decision] for week in weeks], colour)
        for decision, name, colour in ENDS
    ]
    return bars("How disputes ended", "Week of", [_day(week) for week in weeks], series)


def flow() -> Chart:
    """The flow of funds per day in USDC. One statement for today, one more per day not yet known
    to this process; days that are over do not change."""
    today = clock.now().date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    known = [_of_day(day, today) for day in days]
    series = [Series(name, [row.get(key, 0) for row in known], c) for key, name, c in FLOWS]
    return bars(
        "Flow of funds per day",
        "Day",
        [_day(day) for day in days],
        series,
        text=_usdc,
        tick=in_thousands,
        unit=UNIT,
    )


def _of_day(day: date, today: date) -> dict[str, int]:
    key = f"desk:flow:{day}"
    known: dict[str, int] | None = cache.get(key)
    if known is None:
        known = _read_flow(_midnight(day), _midnight(day + timedelta(days=1)))
        cache.set(key, known, _FRESH if day >= today else _KEPT)
    return known


def _read_flow(start: datetime, end: datetime) -> dict[str, int]:
    first = id_from("ent", start - clock.offset())
    with connection.cursor() as cursor:
        cursor.execute(_FLOW, {"first": first, "start": start, "end": end})
        return {key: int(amount) for key, amount in cursor.fetchall()}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _usdc(amount: int) -> str:
    return f"{format_amount(amount)} USDC"


def in_thousands(amount: int) -> str:
    """Whole units as an axis writes them."""
    whole = amount // UNIT
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if whole >= size:
            return f"{whole / size:g} {letter}"
    return str(whole)


Draw = Callable[[], Chart]
CHARTS: tuple[Draw, ...] = (ages, flow, ends)
