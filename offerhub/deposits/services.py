"""Where the monitor stands, and what it writes. Every function is one transaction.

What was read and how far it was read commit together: a crash between the two can not happen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from offerhub.chain.events import Page, Seen
from offerhub.core.crash import crash_point
from offerhub.core.db import in_transaction
from offerhub.deposits import booking, rows
from offerhub.deposits.booking import POISON, Booked
from offerhub.deposits.models import ChainCursor, WalletScan, history_name

log = structlog.get_logger(__name__)

# Ledgers that are read again where the cursor is set anew: servers stand at different heights.
OVERLAP = 100


@dataclass(frozen=True)
class Position:
    """Where to read on: behind `cursor`, or at the start of `ledger` when it is empty."""

    cursor: str
    ledger: int
    history: int


@dataclass(frozen=True)
class Witness:
    """A closed ledger as it was once seen."""

    ledger: int
    hash: str
    closed_at: datetime


def cursor_row() -> ChainCursor | None:
    """The state of this installation's network; None before the monitor ran for the first time."""
    return ChainCursor.objects.filter(pk=settings.OFFERHUB_NETWORK).first()


def position_of(row: ChainCursor) -> Position:
    """Where that row says to read on."""
    return Position(row.cursor, row.ledger, row.history)


def _lock(expected: Position) -> ChainCursor | None:
    """The row under its lock, or None when it is not where the caller read from any more."""
    row = ChainCursor.objects.select_for_update().get(pk=settings.OFFERHUB_NETWORK)
    if row.state != ChainCursor.State.FOLLOWING or position_of(row) != expected:
        return None
    return row


# --- setting the cursor -----------------------------------------------------------------------
@in_transaction
def begin(*, newest: int, oldest: int) -> ChainCursor:
    """The first start: follow from here on, and read what wallets there are through Horizon.

    Wallets may be older than the monitor. Nothing is ever read "from now on" a second time.
    """
    start = _start(newest, oldest)
    ChainCursor.objects.bulk_create(
        [ChainCursor(network=settings.OFFERHUB_NETWORK, ledger=start)], ignore_conflicts=True
    )
    own = ChainCursor.objects.select_for_update().filter(pk=settings.OFFERHUB_NETWORK)
    row = own.get()
    if _scan_all_wallets():
        own.update(gap_since=Now(), gap_until=row.ledger)
    return row


@in_transaction
def skip_forgotten(expected: Position, *, newest: int, oldest: int) -> None:
    """The events after the cursor are gone: go on from here, and read every wallet through Horizon.

    What both show is booked once. Health is amber until the last wallet was read.
    """
    row = _lock(expected)
    if row is None:
        return
    start = _start(newest, oldest)
    log.warning("events_forgotten", from_ledger=row.ledger, to_ledger=start)
    _scan_all_wallets()
    row.cursor, row.ledger = "", start
    row.gap_since, row.gap_until = Now(), start
    row.save()


def _start(newest: int, oldest: int) -> int:
    """Some ledgers back, but not so far that they are forgotten before the next request."""
    return max(newest - OVERLAP, (oldest + newest) // 2, 1)


def _scan_all_wallets() -> int:
    """Make every wallet's scan due now; how many there are. Not of those whose key a party holds:
    nothing that arrives there is a deposit."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO deposits_walletscan (wallet_id, cursor, due_at, problem)
            SELECT id, '', now(), '' FROM users_wallet WHERE kind <> 'EXTERNAL'
            ON CONFLICT (wallet_id) DO UPDATE SET due_at = now()"""
        )
        return int(cursor.rowcount)


@in_transaction
def halt(expected: Position, problem: str) -> None:
    """Stop following: this network is not the one we followed. Only `resync` goes on."""
    row = _lock(expected)
    if row is None:
        return
    row.state, row.problem = ChainCursor.State.HALTED, problem[:300]
    row.save(update_fields=["state", "problem"])
    log.critical("monitor_halted", network=row.network, problem=problem)


@in_transaction
def resync(*, newest: int, oldest: int) -> ChainCursor:
    """An operator's word that the network was reset: follow its new history from its beginning.

    Everything booked so far stays; operations of the new history are told apart from the old.
    """
    row = ChainCursor.objects.select_for_update().get(pk=settings.OFFERHUB_NETWORK)
    WalletScan.objects.update(cursor="")
    _scan_all_wallets()
    row.state, row.problem = ChainCursor.State.FOLLOWING, ""
    row.history += 1
    row.cursor, row.ledger = "", _start(newest, oldest)
    row.gap_since, row.gap_until = Now(), row.ledger
    row.witness_ledger, row.witness_hash, row.witness_closed_at = 0, "", None
    row.save()
    log.warning("monitor_resynced", network=row.full_name, ledger=row.ledger)
    return row


@in_transaction
def keep_witness(witness: Witness) -> None:
    """Remember a ledger, to recognise this history by it later."""
    ChainCursor.objects.filter(pk=settings.OFFERHUB_NETWORK).update(
        witness_ledger=witness.ledger,
        witness_hash=witness.hash,
        witness_closed_at=witness.closed_at,
    )


# --- what was read ----------------------------------------------------------------------------
def record_page(expected: Position, page: Page) -> Booked | None:
    """Book a page of events and move the cursor behind it.

    None when another monitor was faster: then nothing of the page was written.
    """
    if not page.seen and not page.quarantined:
        return Booked() if _move(expected, page) else None
    return _with_care(partial(_record_page, expected, page))


@in_transaction
def _record_page(expected: Position, page: Page, carefully: bool) -> Booked | None:
    if not _move(expected, page):
        return None
    network = history_name(settings.OFFERHUB_NETWORK, expected.history)
    booked = booking.book(network, page.seen, carefully=carefully)
    if page.quarantined:
        booked.quarantined += rows.quarantine(network, page.quarantined)
    crash_point("before_page_commit")
    return booked


def _move(expected: Position, page: Page) -> bool:
    """Set the cursor behind a page, if it still is where the page was read from. One statement,
    which holds the row until the transaction ends."""
    changed = ChainCursor.objects.filter(
        pk=settings.OFFERHUB_NETWORK,
        state=ChainCursor.State.FOLLOWING,
        cursor=expected.cursor,
        ledger=expected.ledger,
        history=expected.history,
    ).update(
        cursor=page.cursor,
        ledger=reached(expected, page),
        latest_ledger=page.latest_ledger,
        updated_at=Now(),
    )
    return bool(changed)


def reached(expected: Position, page: Page) -> int:
    """The ledger up to which a page has read. An event's id holds it in its upper half."""
    head = page.cursor.partition("-")[0]
    if head.isdecimal():
        return int(head) >> 32
    return page.latest_ledger if not page.cursor and not page.more else expected.ledger


@dataclass(frozen=True)
class ScanPage:
    """What Horizon told of one wallet after `expected`, and where to go on."""

    wallet_id: str
    history: int
    expected: str
    cursor: str
    seen: Sequence[Seen]


def record_scan(page: ScanPage) -> Booked | None:
    """Book a page of a wallet's own history; None when somebody else did meanwhile."""
    return _with_care(partial(_record_scan, page))


@in_transaction
def _record_scan(page: ScanPage, carefully: bool) -> Booked | None:
    moved = WalletScan.objects.filter(pk=page.wallet_id, cursor=page.expected).update(
        cursor=page.cursor
    )
    row = cursor_row()
    if not moved or row is None or row.history != page.history:
        return None
    booked = booking.book(row.full_name, page.seen, carefully=carefully)
    crash_point("before_scan_commit")
    return booked


def _with_care(record: Callable[[bool], Booked | None]) -> Booked | None:
    """At once; when a movement is refused, again one by one, so that only that one is left out."""
    try:
        return record(False)
    except POISON as error:
        log.warning("booking_one_by_one", error=str(error))
        return record(True)
