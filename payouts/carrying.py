"""What became of a transaction that carries many withdrawals. Each function is one transaction.

All are paid or none is. When it failed, whoever is named by the network's answer (or by a look at
the wallets before it was built) has their own end, and the others go into another transaction;
where nobody is named it is halved until the bad one is alone.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from ledger import movements
from offerhub.chain import stellar
from offerhub.chain.ending import finish
from offerhub.chain.payments import OURS
from offerhub.chain.records import SUCCESS
from offerhub.chain.submission import MAX_ENVELOPES, MAX_PAUSE, Status
from offerhub.chain.types import ChainFact
from offerhub.core import jobs
from offerhub.core.actor import Actor, system
from offerhub.core.db import in_transaction
from offerhub.events import services as events
from payouts import services
from payouts.members import FOLLOW, PACK
from payouts.models import BatchItem, BatchPayment, Withdrawal
from payouts.outcomes import LONGEST_PAUSE, PaidAnotherAmount
from payouts.services import ASSET
from payouts.states import ItemState, WithdrawalStatus

log = structlog.get_logger(__name__)

ACTOR: Actor = system("payouts")
# Beside those of a single payment: there the wallet is the transaction's own source.
OUR_SIDE = OURS | {"op_bad_auth", "op_no_source_account", "key_unreadable"}
Blamed = Mapping[int, tuple[str, str]]  # by place: code and detail


def carried(payment: BatchPayment, *, locked: bool = False) -> list[BatchItem]:
    """What a payment has, by place, each with its withdrawal and the user's wallet."""
    rows = BatchItem.objects.filter(
        payment=payment,
        state=ItemState.CARRIED,
        withdrawal__marketplace=payment.marketplace_id,  # there is one: the rows can be locked
    )
    rows = rows.select_related("withdrawal__user__wallet").order_by("place")
    if locked:
        rows = rows.select_for_update(of=("self", "withdrawal"))
    return list(rows)


def withdrawal_of(item: BatchItem) -> Withdrawal:
    """The item's; every item that is carried has one."""
    assert item.withdrawal is not None
    return item.withdrawal


def submitted(payment: BatchPayment) -> None:
    """Its first envelope is kept, in this transaction: nobody can be called back any more."""
    rows = [withdrawal_of(item) for item in carried(payment, locked=True)]
    new = [row for row in rows if row.status == WithdrawalStatus.REQUESTED]
    told = {"operationId": payment.id, "hash": payment.hash}
    _advance(new, "withdrawal.submitted", told, status=WithdrawalStatus.SUBMITTED)


@in_transaction
def confirm(payment_id: str, fact: ChainFact) -> None:
    """The transaction is in a ledger: every one of them is paid. Done already, it does nothing."""
    payment = _lock(payment_id)
    if not payment.is_live:
        return
    items = carried(payment, locked=True)
    _refuse_another_payment(items, fact)
    rows = [withdrawal_of(item) for item in items]
    movements.withdrawals_confirmed(
        marketplace_id=payment.marketplace_id,
        paid=[
            movements.Paid(row.user_id, row.id, row.user.wallet.address, row.amount) for row in rows
        ],
        asset=ASSET,
        fact=fact,
        operation_id=payment.id,
        fee_address=fact.fee_account,
        actor=ACTOR,
    )
    finish(payment, Status.CONFIRMED, fact)
    told = {"operationId": payment.id, "hash": fact.hash, "ledger": fact.ledger}
    ended = {"status": WithdrawalStatus.COMPLETED, "hash": fact.hash}
    _advance(rows, "withdrawal.completed", told, **ended)
    _share_fee(rows, fact)
    _set(items, state=ItemState.ENDED, problem=None)
    _ring(payment, items)


def _refuse_another_payment(items: Sequence[BatchItem], fact: ChainFact) -> None:
    """Anything but what was asked is a defect that must not be booked: the money stays pending."""
    made = [
        ((int(t.operation) & 0xFFF) - 1, t.sender, t.recipient, t.asset_code, t.amount)
        for t in fact.transfers
    ]
    asked = []
    for item in items:
        row = withdrawal_of(item)
        to = stellar.receiving_account(row.destination)
        asked.append((item.place, row.user.wallet.address, to, ASSET, row.amount))
    if sorted(made) != asked:
        log.error("batch_paid_something_else", hash=fact.hash, asked=len(asked), made=len(made))
        raise PaidAnotherAmount(f"{fact.hash}: {len(made)} transfers for {len(asked)} withdrawals")


@in_transaction
def fail(
    payment_id: str, code: str, detail: str, fact: ChainFact | None, blamed: Blamed | None = None
) -> None:
    """Proven: the transaction moved nothing and never will. See the module for what follows."""
    payment = _lock(payment_id)
    if not payment.is_live:
        return
    items = carried(payment, locked=True)
    if fact is not None:
        _book_fee(payment, items, fact)
    payment.problem = {"code": code, "detail": detail[:500]}
    finish(payment, Status.FAILED, fact)
    named = blamed or _named(fact)
    if not named and (len(items) == 1 or _exhausted(payment, code, fact)):
        named = {int(item.place or 0): (code, detail) for item in items}
    guilty = [item for item in items if item.place in named]
    others = [item for item in items if item.place not in named]
    for item in guilty:
        _judge(payment, item, *named[int(item.place or 0)], fact)
    if guilty:
        _set(others, state=ItemState.READY, due_at=Now())
    else:
        _halve(items)
    _ring(payment, items)


def _named(fact: ChainFact | None) -> Blamed:
    """Whose operation the ledger's answer names."""
    codes = fact.codes if fact is not None else ()
    text = f"refused in ledger {fact.ledger}" if fact is not None else ""
    return {place: (code, text) for place, code in enumerate(codes) if code != SUCCESS}


def _exhausted(payment: BatchPayment, code: str, fact: ChainFact | None) -> bool:
    """Five envelopes expired unfound and the network never said a word about an operation: as with
    a single payment, all of them give the money back."""
    silent = not code.startswith("op_")
    return fact is None and silent and payment.attempts >= MAX_ENVELOPES


def _judge(
    payment: BatchPayment, item: BatchItem, code: str, detail: str, fact: ChainFact | None
) -> None:
    """Our side's fault: it waits and its wallet is looked at before the next payment. Anything
    else is the destination's, and the money is available again."""
    withdrawal, problem = withdrawal_of(item), {"code": code, "detail": detail[:500]}
    if code in OUR_SIDE:
        pause = min(MAX_PAUSE * 2 ** min(item.setbacks, 10), LONGEST_PAUSE)
        _set(
            [item],
            state=ItemState.READY,
            setbacks=F("setbacks") + 1,
            due_at=Now() + timedelta(seconds=pause),
            problem=problem,
        )
        return
    withdrawal.fail()
    withdrawal.problem = problem
    if fact is not None:
        withdrawal.hash = fact.hash
    services.give_back(withdrawal, ACTOR)
    told = {"operationId": payment.id, "hash": withdrawal.hash or None, **problem}
    services.save(withdrawal, "withdrawal.failed", ACTOR, told)
    _set([item], state=ItemState.ENDED, problem=None)


def _halve(items: Sequence[BatchItem]) -> None:
    """Nobody is named: the next transactions are half as large, so after at most seven the bad one
    is alone; and every wallet is looked at before them."""
    together = max(1, len(items) // 2)
    _set(
        items,
        state=ItemState.READY,
        together=together,
        setbacks=F("setbacks") + 1,
        due_at=Now(),
    )


# --- one statement for many ------------------------------------------------------------------
def _advance(
    rows: Sequence[Withdrawal], event: str, told: dict[str, Any], **changes: object
) -> None:
    """The same step of many withdrawals, and its event for each: two round trips."""
    told = {"status": changes["status"], **told}
    events.record_all(((row, told) for row in rows), event, actor=ACTOR)
    found = Withdrawal.objects.filter(pk__in=[row.pk for row in rows])
    found.update(**changes, version=F("version") + 1, updated_at=timezone.now())


def _set(items: Sequence[BatchItem], **changes: object) -> None:
    if items:
        BatchItem.objects.filter(pk__in=[item.pk for item in items]).update(**changes)


def _share_fee(rows: Sequence[Withdrawal], fact: ChainFact) -> None:
    """What the network charged, in equal parts to the stroop; the first ones bear the rest."""
    part, rest = divmod(fact.fee_charged, len(rows))
    for some, more in ((rows[:rest], part + 1), (rows[rest:], part)):
        for row in some:
            row.fee += more
        found = Withdrawal.objects.filter(pk__in=[row.pk for row in some])
        if some and more:
            found.update(fee=F("fee") + more)


def _book_fee(payment: BatchPayment, items: Sequence[BatchItem], fact: ChainFact) -> None:
    """A transaction that failed in a ledger is charged too."""
    movements.network_fee(
        marketplace_id=payment.marketplace_id,
        operation_id=payment.id,
        fee_address=fact.fee_account,
        fact=fact,
        actor=ACTOR,
    )
    _share_fee([withdrawal_of(item) for item in items], fact)


def _lock(payment_id: str) -> BatchPayment:
    rows = BatchPayment.objects.select_related("source_wallet")
    return rows.select_for_update(of=("self",)).get(pk=payment_id)


def _ring(payment: BatchPayment, items: Sequence[BatchItem]) -> None:
    """For more of the same marketplace, as the channel is free, and for the batches."""
    jobs.ring(PACK, payment.marketplace_id)
    for batch in sorted({item.batch_id for item in items}):
        jobs.ring(FOLLOW, batch)
