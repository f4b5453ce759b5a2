"""Reading wallets one by one through Horizon: what the events have forgotten or do not show.

Each wallet has its own cursor, so a scan goes on where it was, whoever runs it. All are read soon
after a gap in the events, and otherwise each once in a while.
"""

import random
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from offerhub.chain import stellar
from offerhub.chain.events import Seen
from offerhub.chain.types import ChainUnavailable
from offerhub.core.db import assert_no_transaction
from offerhub.core.jobs import Later
from offerhub.deposits import services
from offerhub.deposits.judgement import asset_of
from offerhub.deposits.models import ChainCursor, WalletScan

log = structlog.get_logger(__name__)

PAGE = 200  # the most that Horizon gives
PAGES = 25  # of one run; a longer history goes on in the next
LEASE = 60.0  # seconds; a run that is slower only lets another one begin beside it
AFTER_FAILURE = 10.0  # seconds, at least

_horizon_at = (0, 0)  # history and ledger that this process has seen Horizon pass


def interval() -> timedelta:
    """How often every wallet is read at the least, when nothing happened."""
    return timedelta(hours=settings.WALLET_SCAN_HOURS)


def enrol_new_wallets() -> int:
    """Give every new wallet its first appointment, spread over the interval; how many there were.

    The events show a new wallet's deposits from its first second, so there is no hurry. Wallets
    whose key a party holds are not read: nothing that arrives there is a deposit.
    """
    if services.cursor_row() is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO deposits_walletscan (wallet_id, cursor, due_at, problem)
            SELECT w.id, '', now() + random() * make_interval(secs => %s), ''
            FROM users_wallet w LEFT JOIN deposits_walletscan s ON s.wallet_id = w.id
            WHERE s.wallet_id IS NULL AND w.kind <> 'EXTERNAL' ON CONFLICT DO NOTHING""",
            [interval().total_seconds()],
        )
        return int(cursor.rowcount)


def due(limit: int = 100) -> list[str]:
    """Wallets whose appointment has come, the longest waiting first."""
    rows = WalletScan.objects.filter(due_at__lte=Now()).order_by("due_at")
    return list(rows.values_list("wallet_id", flat=True)[:limit])


def wallets_behind(row: ChainCursor) -> int:
    """How many wallets are still to be read since the last gap in the events."""
    if row.gap_since is None:
        return 0
    return _behind(row).count()


def _behind(row: ChainCursor) -> QuerySet[WalletScan]:
    return WalletScan.objects.filter(Q(scanned_at=None) | Q(scanned_at__lt=row.gap_since))


def close_gap() -> bool:
    """Note that the last wallet was read after a gap; whether that is so now."""
    row = services.cursor_row()
    if row is None or row.gap_since is None or _behind(row).exists():
        return False
    log.info("gap_closed", network=row.full_name, until_ledger=row.gap_until)
    return bool(
        ChainCursor.objects.filter(pk=row.pk, gap_since=row.gap_since).update(gap_since=None)
    )


def scan(wallet_id: str) -> None:
    """Read one wallet to its end, or as far as one run goes. Raises Later when there is more."""
    assert_no_transaction()
    row = services.cursor_row()
    if row is None or row.state == ChainCursor.State.HALTED:
        return
    started = _claim(wallet_id)
    if started is None:
        return
    try:
        _wait_for_horizon(row)
        finished = _read_pages(wallet_id, row)
    except ChainUnavailable as error:
        pause = timedelta(seconds=max(error.retry_after, AFTER_FAILURE))
        _again(wallet_id, Now() + pause, str(error))
        return
    except Exception as error:
        _again(wallet_id, Now() + interval() / 24, f"{type(error).__name__}: {error}")
        raise
    if not finished:
        _again(wallet_id, Now())
        raise Later(0.0)
    _finish(wallet_id, started)


def _claim(wallet_id: str) -> datetime | None:
    """Take the wallet for a while; the database's time when its reading began.

    A scan that dies is due again when the lease is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE deposits_walletscan SET due_at = now() + make_interval(secs => %s)"
            " WHERE wallet_id = %s AND due_at <= now() RETURNING now()",
            [LEASE, wallet_id],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _finish(wallet_id: str, started: datetime) -> None:
    """The next appointment: at once if a gap was found while this reading was under way."""
    row = services.cursor_row()
    late = row is not None and row.gap_since is not None and row.gap_since > started
    pause = timedelta() if late else interval() * random.uniform(0.9, 1.1)  # noqa: S311 (spreads)
    _again(wallet_id, Now() + pause, scanned_at=started)


def _again(wallet_id: str, due_at: object, problem: str = "", **more: object) -> None:
    WalletScan.objects.filter(pk=wallet_id).update(due_at=due_at, problem=problem[:300], **more)


def _wait_for_horizon(row: ChainCursor) -> None:
    """After a gap a wallet counts as read only when Horizon itself has passed the gap."""
    global _horizon_at
    if row.gap_since is None or _horizon_at >= (row.history, row.gap_until):
        return
    latest, _ = stellar.latest_ledger()
    if latest < row.gap_until:
        raise ChainUnavailable(f"Horizon is at ledger {latest}, the gap ends at {row.gap_until}")
    _horizon_at = (row.history, latest)


def _read_pages(wallet_id: str, row: ChainCursor) -> bool:
    """Whether the wallet's end was reached."""
    one = WalletScan.objects.select_related("wallet").get(pk=wallet_id)
    cursor = one.cursor
    for _ in range(PAGES):
        found, after = stellar.payments_of(one.wallet.address, cursor=cursor, limit=PAGE)
        if after == cursor:
            return True
        seen = _once([Seen(*movement) for movement in found])
        page = services.ScanPage(wallet_id, row.history, cursor, after, seen)
        booked = services.record_scan(page)
        if booked is None:
            return False
        if booked.ids:
            log.info("scan_found", wallet=one.wallet.address, deposits=booked.ids)
        cursor = after
    return False


def _once(movements: list[Seen]) -> list[Seen]:
    """Without repetitions: Horizon counts a record's movements anew, so a record that came twice
    has the same numbers again."""
    named = {
        (one.transfer.operation, asset_of(one.transfer), one.transfer.index): one
        for one in movements
    }
    return list(named.values())
