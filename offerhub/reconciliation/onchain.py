"""The chain's part of `manage.py verify`: what is held, and by which transactions."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from offerhub.reconciliation import targets
from offerhub.reconciliation.explaining import explain
from offerhub.reconciliation.looking import Look, Verdict, look
from offerhub.reconciliation.targets import Target
from offerhub.users.models import Wallet
from orders.models import Escrow

Row = dict[str, Any]
Progress = Callable[[str, int, int], None]
HELD = "held_equals_chain"
TRANSACTIONS = "transactions_are_booked"
MOST_KEPT = 1000  # differing balances that are explained
PAUSE = 1.0  # seconds between two looks at what is on its way


def checks(
    marketplace_id: str, patience: float, progress: Progress
) -> Iterator[tuple[str, str, Iterable[Row]]]:
    """Two facts; the second explains what the first found. Raises ChainUnavailable."""
    found: list[Look] = []
    yield (
        HELD,
        "Wallets, contracts and fee money hold on the chain what the books say.",
        _held(marketplace_id, patience, progress, found),
    )
    yield (
        TRANSACTIONS,
        "The books have every transaction that moved what we hold, and no other.",
        _transactions(found),
    )


def _held(
    marketplace_id: str, patience: float, progress: Progress, found: list[Look]
) -> Iterator[Row]:
    for each in differing(marketplace_id, patience, progress):
        if len(found) < MOST_KEPT:
            found.append(each)
        yield {
            "marketplace_id": each.target.marketplace_id,
            "kind": each.target.kind,
            "owner": each.target.owner,
            "asset": each.target.asset,
            "ledger": each.ledger,
            "books": each.books,
            "chain": each.chain,
            "why": each.why or "nothing on its way explains it",
        }


def differing(marketplace_id: str, patience: float, progress: Progress) -> Iterator[Look]:
    """Every balance that differs; what is on its way has `patience` seconds to arrive."""
    after, done, total = "", 0, _count(marketplace_id)
    waiting: list[Target] = []
    while True:
        chosen, after = targets.batch(after, marketplace_id)
        for each in look(chosen):
            if each.verdict == Verdict.DIFFERENT:
                yield each
            elif each.verdict == Verdict.UNDECIDED:
                waiting.append(each.target)
        done += targets.BATCH
        progress(HELD, min(done, total), total)
        if not after:
            break
    yield from _later(waiting, patience)


def _later(waiting: list[Target], patience: float) -> Iterator[Look]:
    deadline = time.monotonic() + patience
    while waiting:
        over = time.monotonic() >= deadline
        again: list[Target] = []
        for start in range(0, len(waiting), 2 * targets.BATCH):
            for each in look(waiting[start : start + 2 * targets.BATCH]):
                if each.verdict == Verdict.DIFFERENT or (
                    over and each.verdict == Verdict.UNDECIDED
                ):
                    yield each
                elif each.verdict == Verdict.UNDECIDED:
                    again.append(each.target)
        waiting = again
        if waiting:
            time.sleep(PAUSE)


def _transactions(found: list[Look]) -> Iterator[Row]:
    told: set[tuple[str, str, str]] = set()
    for each in found:
        for line in explain(each).lines:
            name = (line.hash or line.entry_id, each.target.owner, each.target.asset)
            if name in told:
                continue
            told.add(name)
            yield {
                "marketplace_id": each.target.marketplace_id,
                "owner": each.target.owner,
                "asset": each.target.asset,
                **line.as_json(),
            }


def _count(marketplace_id: str) -> int:
    """Wallets and contracts, for the progress."""
    wallets, escrows = Wallet.objects.all(), Escrow.objects.exclude(contract_id="")
    if marketplace_id:
        wallets = wallets.filter(marketplace=marketplace_id)
        escrows = escrows.filter(marketplace=marketplace_id)
    return wallets.count() + escrows.count()
