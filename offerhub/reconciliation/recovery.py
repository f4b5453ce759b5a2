"""After a backup was restored: take in what the chain has done since.

No worker may run meanwhile: one would send again what it does not know to be sent. Each step is the
one that the product itself would have taken, so it may be broken off and run again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from ledger import movements
from offerhub.chain import stellar, told
from offerhub.chain.history import Sent
from offerhub.chain.submission import LIVE, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.chain.types import ChainFact, Envelope, Verdict
from offerhub.core import jobs
from offerhub.core.errors import Refusal
from offerhub.deposits import monitor, scans
from offerhub.reconciliation import unknown
from offerhub.reconciliation.owners import ACTOR, META, expect_contract, owner_of
from offerhub.reconciliation.unplaced import Unplaced
from offerhub.users.models import Wallet

Drivers = Mapping[type[Submission], Any]
ROUNDS = 20  # a transaction may wait for one of another wallet, in whatever order they are read


@dataclass(frozen=True)
class Taken:
    """A transaction, what it did, and what became of it here: `done`, or why not."""

    hash: str
    ledger: int
    what: str
    done: bool
    outcome: str


def catch_up(drivers: Drivers) -> Iterator[Taken]:
    """Take in deposits, then what operations of ours did, known or not. Raises ChainUnavailable.

    `drivers` has one for each table of operations.
    """
    with jobs.held():
        for sent in unknown.transactions():
            expect_contract(told.read(sent.envelope))
        _read_deposits()
        left: dict[str, Taken] = {}
        for _ in range(ROUNDS):
            left, moved = {}, False
            for taken in _confirm_known(drivers), _place_unknown(drivers):
                for each in taken:
                    if each.done:
                        moved = True
                        yield each
                    else:
                        left[each.hash] = each
            if not moved:
                break
        yield from left.values()
        _read_deposits()


def _read_deposits() -> None:
    """The monitor goes on from the backup's cursor; what RPC has forgotten, wallet by wallet."""
    monitor.poll()
    while due := scans.due():
        for wallet_id in due:
            try:
                scans.scan(wallet_id)
            except jobs.Later:
                continue
    scans.close_gap()


def _confirm_known(drivers: Drivers) -> Iterator[Taken]:
    """Signed before the backup: their hashes are looked up. Nothing is sent."""
    for table in concrete_tables():
        for row in table._base_manager.filter(status__in=LIVE).exclude(hash="").order_by("pk"):
            outcome = drivers[table].look_up(row)
            if outcome.verdict is Verdict.CONFIRMED and outcome.fact is not None:
                yield _confirmed(row, outcome.fact, drivers)


def _place_unknown(drivers: Drivers) -> Iterator[Taken]:
    """Signed after the backup. Each pass may make room for the next: a funding for a release."""
    for sent in unknown.transactions():
        yield _place(sent, drivers)


def _place(sent: Sent, drivers: Drivers) -> Taken:
    asked = told.read(sent.envelope)
    fact = stellar.look_up(sent.hash).fact
    if fact is None:
        return Taken(sent.hash, sent.ledger, str(asked), False, "Horizon does not show it")
    if not fact.successful or asked.claims:
        return _charged(sent, asked, fact)
    try:
        row = owner_of(asked)
        _adopt(row, sent, asked)
    except Unplaced as why:
        return Taken(sent.hash, sent.ledger, str(asked), False, str(why))
    return _confirmed(type(row)._base_manager.get(pk=row.pk), fact, drivers, str(asked))


@transaction.atomic
def _charged(sent: Sent, asked: told.Told, fact: ChainFact) -> Taken:
    """It failed in a ledger, or claimed what the monitor books: only the fee is to be booked."""
    what = "what it brought is a deposit" if fact.successful else "failed in a ledger"
    wallet = Wallet.objects.filter(address=sent.source).first()
    if wallet is None:
        return Taken(sent.hash, sent.ledger, str(asked), True, f"{what}; nobody here paid its fee")
    movements.network_fee(
        marketplace_id=wallet.marketplace_id,
        operation_id="",
        fee_address=fact.fee_account,
        fact=fact,
        actor=ACTOR,
    )
    return Taken(sent.hash, sent.ledger, str(asked), True, f"{what}; its fee is booked")


def _adopt(row: Submission, sent: Sent, asked: told.Told) -> None:
    """Let the operation have this envelope, as if it had been kept before it was sent."""
    table = type(row)
    if row.hash and stellar.look_up(row.hash).verdict is not Verdict.UNKNOWN:
        raise Unplaced(f"operation {row.pk} has another transaction, {row.hash}")
    table._base_manager.filter(pk=row.pk).update(next_attempt_at=Now(), lease="", lease_until=None)
    Wallet.objects.filter(address=sent.source).exclude(lane="").update(lane="")
    claimed = table.claim(row.pk)
    if claimed is None:
        raise Unplaced(f"operation {row.pk} is being worked on: stop the workers")
    if claimed.hash:
        claimed.retire_envelope("superseded")
    xlm = stellar.account(sent.source).xlm if row.kind == "BOOTSTRAP" else 0
    make = META.get(row.kind)
    envelope = Envelope(
        xdr=sent.envelope,
        hash=sent.hash,
        source=sent.source,
        valid_until=asked.valid_until or sent.at,
        max_fee=asked.fee,
        meta=make(asked, xlm) if make else {},
    )
    if not claimed.keep_envelope(envelope, sent.envelope):
        raise Unplaced(f"operation {row.pk} is being worked on: stop the workers")


def _confirmed(row: Submission, fact: ChainFact, drivers: Drivers, what: str = "") -> Taken:
    what = what or f"{row.kind} of operation {row.pk}"
    try:
        drivers[type(row)].confirm(row, fact)
    except Refusal as refusal:
        return Taken(fact.hash, fact.ledger, what, False, f"the books can not take it: {refusal}")
    return Taken(fact.hash, fact.ledger, what, True, f"booked with operation {row.pk}")
