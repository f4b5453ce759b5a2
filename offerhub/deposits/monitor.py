"""Following the chain: one cursor over the token contracts' events, for all wallets at once.

The cost of watching is that of the network's own traffic and does not grow with our wallets. No
transaction is open while the network is asked; `services` commits each page with its cursor.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import connection

from offerhub.chain import events, network
from offerhub.chain.types import ChainUnavailable
from offerhub.core import clock
from offerhub.core.db import assert_no_transaction
from offerhub.deposits import services, witness
from offerhub.deposits.booking import Booked
from offerhub.deposits.models import ChainCursor, QuarantinedEvent
from offerhub.deposits.scans import wallets_behind
from offerhub.deposits.services import Position, position_of

log = structlog.get_logger(__name__)

PAGE = 500  # events a request: a transaction then holds its locks for well under a second
RESET_DISTANCE = 720  # ledgers behind us (an hour) that no server's delay explains
WITNESS_SECONDS = 60.0
FAR_BEHIND = 12  # ledgers, a minute: more than that to be read is worth a word


class Halted(Exception):
    """This is not the network that was followed; an operator must decide how to go on."""


@dataclass
class _Process:
    """What this process remembers between two polls."""

    witness_at: float = 0.0  # monotonic; zero: to be asked before anything is booked


_process = _Process()


def poll(stopping: Callable[[], bool] = lambda: False) -> Booked:
    """Read everything that the network has closed up to now; what was booked.

    `stopping` is asked after each page. Raises Halted, and ChainUnavailable when the network can
    not be asked: then what was read so far is booked, and the next call goes on behind it.
    """
    assert_no_transaction()
    _follow_the_clock()
    total = Booked()
    while True:
        position = _position()
        page = _read(position)
        booked = services.record_page(position, page) if page is not None else None
        if page is None or booked is None:
            continue  # the cursor was set anew, or another monitor was faster
        total.add(booked)
        there = not page.more and services.reached(position, page) >= page.latest_ledger
        if there or page.cursor == position.cursor or stopping():
            return total


def _position() -> Position:
    """Where to read on. At the first start, from here on."""
    row = services.cursor_row()
    if row is None:
        newest, oldest = events.newest_ledger()
        row = services.begin(newest=newest, oldest=oldest)
    if row.state == ChainCursor.State.HALTED:
        raise Halted(row.problem)
    _check_history(row)
    return position_of(row)


def _read(position: Position) -> events.Page | None:
    """The next page; None when the cursor was set anew because its events are forgotten."""
    every_asset = settings.OFFERHUB_NETWORK == "sandbox"
    try:
        return events.transfer_events(
            cursor=position.cursor,
            start_ledger=position.ledger,
            limit=PAGE,
            every_asset=every_asset,
        )
    except events.OutOfRange as range_kept:
        if position.ledger > range_kept.newest:
            _behind_us(position, range_kept.newest)
        services.skip_forgotten(position, newest=range_kept.newest, oldest=range_kept.oldest)
        return None


def _behind_us(position: Position, newest: int) -> None:
    """The network's newest ledger is one that we have passed: a slow server, or a reset."""
    forget()  # when it has caught up, it must first show that it is the same network
    behind = position.ledger - newest
    if behind > RESET_DISTANCE:
        _halt(
            position,
            f"The network ends at ledger {newest}, but ledger {position.ledger} was read already:"
            " it was reset, or the address leads to another network",
        )
    raise ChainUnavailable(f"the RPC server is {behind} ledgers behind what it showed before")


def _check_history(row: ChainCursor) -> None:
    """Every minute and at the start of a process: is this still the network that we followed?

    At the start nothing is booked before this is answered; later a Horizon that is away, or does
    not have the ledger yet, does not hold up the events.
    """
    first = not _process.witness_at
    if not first and time.monotonic() - _process.witness_at < WITNESS_SECONDS:
        return
    try:
        another = bool(row.witness_ledger) and witness.is_another_history(row)
    except ChainUnavailable:
        if first:
            raise
        another = False
    if another:
        _halt(
            position_of(row),
            f"Ledger {row.witness_ledger} is not the one that was seen before:"
            " the network was reset, or the address leads to another network",
        )
    _process.witness_at = time.monotonic()
    if row.latest_ledger > row.witness_ledger:
        with suppress(ChainUnavailable):  # Horizon may be some seconds behind the events
            services.keep_witness(witness.read_ledger(row.latest_ledger))


def _halt(position: Position, problem: str) -> None:
    services.halt(position, problem)
    raise Halted(problem)


def resync() -> None:
    """Follow the network's new history from its beginning, after an operator said so."""
    network.forget()
    newest, oldest = events.newest_ledger()
    services.resync(newest=newest, oldest=oldest)
    forget()


def forget() -> None:
    """Ask for the witness before the next page is booked, as a new process would."""
    _process.witness_at = 0.0


def _follow_the_clock() -> None:
    """On the sandbox, the product's clock is the network's."""
    seconds = witness.sandbox_clock_offset()
    if seconds is not None and seconds - clock.offset().total_seconds() > 0.001:
        clock.set_offset(timedelta(seconds=seconds))


# --- health -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Status:
    """How the monitor is: `level` is green, amber or red, `problems` says why."""

    level: str
    problems: list[str]
    ledger: int
    latest_ledger: int
    seconds_since_read: float | None
    quarantined: int
    wallets_to_read: int

    @property
    def behind(self) -> int:
        """Ledgers that are closed and not read yet, as far as known."""
        return max(0, self.latest_ledger - self.ledger)


def longest_silence() -> float:
    """Seconds after which a monitor that works would have asked the network again."""
    return max(30.0, 20 * float(settings.MONITOR_SECONDS))


def lag() -> float | None:
    """Seconds since the monitor last read the chain; None when it never did. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM now() - updated_at) FROM deposits_chaincursor"
            " WHERE network = %s",
            [settings.OFFERHUB_NETWORK],
        )
        row = cursor.fetchone()
    return float(row[0]) if row else None


def status() -> Status:
    """For the health page: four small queries, nothing asked of the network."""
    row, seconds = services.cursor_row(), lag()
    if row is None:
        return Status("red", ["The monitor has never run"], 0, 0, None, 0, 0)
    quarantined = QuarantinedEvent.objects.filter(network=row.full_name, resolved_at=None).count()
    behind = wallets_behind(row)
    red, amber = [], []
    if row.state == ChainCursor.State.HALTED:
        red.append(f"The monitor is halted: {row.problem}")
    elif seconds is None or seconds > longest_silence():
        red.append(f"The chain was last read {seconds or 0:.0f} seconds ago")
    if row.latest_ledger - row.ledger > FAR_BEHIND:
        amber.append(f"{row.latest_ledger - row.ledger} ledgers are still to be read")
    if behind:
        amber.append(f"{behind} wallets are still to be read after an outage")
    if quarantined:
        amber.append(f"{quarantined} events could not be read or booked")
    level = "red" if red else "amber" if amber else "green"
    return Status(level, red + amber, row.ledger, row.latest_ledger, seconds, quarantined, behind)
