"""Batches: what is asked for, how each item is checked and answered by itself, and the end.

`request_batch` keeps the list; the job `payouts.batch` checks its items against the network, a
bounded number at a time and with no transaction open, and makes a withdrawal of each good one in a
transaction of its own. `packing` puts the withdrawals into transactions of the chain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Now

from offerhub.approvals.models import Proposal
from offerhub.core import clock, jobs
from offerhub.core.actor import Actor, system
from offerhub.core.crash import crash_point
from offerhub.core.db import in_transaction
from offerhub.core.errors import DuplicateReference, FieldError, Refusal, Unavailable
from offerhub.core.money import format_amount
from offerhub.events import services as events
from payouts import destinations, services
from payouts.destinations import Checked, Wish
from payouts.members import FOLLOW, PACK
from payouts.models import Batch, BatchItem
from payouts.states import OPEN_ITEMS, BatchStatus, ItemState

MOST = 500  # items of a batch
CHUNK = 50  # items that are checked together
LEASE = timedelta(seconds=90)  # for one chunk
REST = timedelta(seconds=60)  # between two looks at a batch that is being paid
SOON = 0.25  # seconds until a young batch is looked at again
PAUSE = 5.0  # the same for an old one, and for a network that did not answer
# An item that could not be checked for so long is refused: nothing was debited.
PATIENCE = timedelta(hours=1)


@dataclass(frozen=True)
class NewItem:
    """One line of a batch as it is asked for."""

    wish: Wish
    external_ref: str = ""


@in_transaction
def request_batch(
    *,
    marketplace_id: str,
    items: Sequence[NewItem],
    external_ref: str | None = None,
    actor: Actor,
    agreed: Proposal | None = None,
) -> Batch:
    """Keep the list, at most MOST items; nothing is checked or debited yet.

    `agreed` is the approved proposal of the desk, whose subject is the batch's id. Raises
    DuplicateReference.
    """
    if not 0 < len(items) <= MOST:
        raise ValueError(f"a batch has from 1 to {MOST} items, not {len(items)}")
    batch = Batch(
        marketplace_id=marketplace_id,
        external_ref=external_ref,
        proposal=agreed,
        asked_by=str(actor),
        request_id=actor.request_id,
        size=len(items),
        version=1,
        **({"id": agreed.subject} if agreed else {}),
    )
    _insert(batch)
    BatchItem.objects.bulk_create(
        _row(batch, position, item) for position, item in enumerate(items)
    )
    batch.version = 0
    total = format_amount(sum(item.wish.amount for item in items))
    told: dict[str, Any] = {"items": len(items), "amount": total, "externalRef": external_ref}
    if agreed is not None:
        told["proposalId"] = agreed.id
    events.record(batch, "withdrawal_batch.received", actor=actor, payload=told)
    jobs.ring(FOLLOW, batch.id)
    return batch


def _insert(batch: Batch) -> None:
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
    except IntegrityError as error:
        if "batch_ref_once" not in str(error):
            raise
        raise DuplicateReference(
            f"externalRef {batch.external_ref!r} is already used by another batch",
            errors=[FieldError("externalRef", "duplicate_reference", "is already used")],
        ) from None


def _row(batch: Batch, position: int, item: NewItem) -> BatchItem:
    wish = item.wish
    return BatchItem(
        batch=batch,
        marketplace_id=batch.marketplace_id,
        position=position,
        user_ref=wish.user_reference,
        amount=wish.amount,
        destination=wish.destination,
        destination_id=wish.destination_id,
        memo_type=wish.memo_type,
        memo=wish.memo,
        external_ref=item.external_ref,
    )


# --- each item by itself ----------------------------------------------------------------------
def check_items(batch_id: str) -> float | None:
    """Check what is unchecked, a chunk at a time; in how many seconds to come again when the
    network did not answer for some, None when nothing is left to check here.

    One runner at a time: the batch's `look_at` is its lease.
    """
    open_now = Batch.objects.filter(pk=batch_id, status=BatchStatus.RECEIVED)
    if not open_now.filter(look_at__lte=Now()).update(look_at=Now() + LEASE):
        return None
    batch = Batch.objects.select_related("marketplace").get(pk=batch_id)
    last = -1
    while True:
        waiting = batch.items.filter(state=ItemState.CHECKING, position__gt=last)
        chunk = list(waiting.order_by("position")[:CHUNK])
        if not chunk:
            break
        last = chunk[-1].position
        _check_chunk(batch, chunk)
        Batch.objects.filter(pk=batch_id).update(look_at=Now() + LEASE)
    left = batch.items.filter(state=ItemState.CHECKING).exists()
    pause = PAUSE if left else 0.0
    Batch.objects.filter(pk=batch_id).update(look_at=Now() + timedelta(seconds=pause))
    return pause or None


def _check_chunk(batch: Batch, chunk: Sequence[BatchItem]) -> None:
    wishes = [
        Wish(i.user_ref, i.amount, i.destination, i.destination_id, i.memo, i.memo_type)
        for i in chunk
    ]
    found = destinations.check_many(batch.marketplace_id, wishes)
    too_late = clock.now() > batch.created_at + PATIENCE
    for item, answer in zip(chunk, found, strict=True):
        if isinstance(answer, Checked):
            _accept_or_refuse(item, answer)
        elif not isinstance(answer, Unavailable) or too_late:
            refuse(item_id=item.pk, refusal=answer)


def _accept_or_refuse(item: BatchItem, checked: Checked) -> None:
    try:
        accept(item_id=item.pk, checked=checked)
    except Refusal as refusal:
        refuse(item_id=item.pk, refusal=refusal)
    crash_point("after_batch_item")


@in_transaction
def accept(*, item_id: int, checked: Checked) -> None:
    """A withdrawal of this item, its money set aside. Raises what `request_withdrawal` raises, and
    then nothing has happened; done already, it does nothing."""
    rows = BatchItem.objects.select_related("batch").select_for_update(of=("self",))
    item = rows.get(pk=item_id)
    if item.state != ItemState.CHECKING:
        return
    withdrawal = services.request_withdrawal(
        checked=checked,
        external_ref=item.external_ref or None,
        batch=item.batch,
        actor=item.batch.asker,
    )
    item.withdrawal = withdrawal
    item.state = ItemState.HELD if withdrawal.proposal_id else ItemState.READY
    item.save(update_fields=["withdrawal", "state"])


@in_transaction
def refuse(*, item_id: int, refusal: Refusal) -> None:
    """There is no withdrawal of this item; it says why."""
    problem = problem_of(refusal)
    rows = BatchItem.objects.filter(pk=item_id, state=ItemState.CHECKING)
    rows.update(state=ItemState.REFUSED, problem=problem)


def problem_of(refusal: Refusal) -> dict[str, Any]:
    """A refusal as an item tells it: as the problem document of a single request would."""
    errors = [{"field": e.field, "code": e.code, "message": e.message} for e in refusal.errors]
    return {"code": refusal.code, "detail": refusal.detail, "errors": errors}


# --- the batch --------------------------------------------------------------------------------
@in_transaction
def follow(*, batch_id: str) -> float | None:
    """Carry the batch on when all of its items are: to PAYING, and to FINISHED. While some are
    being paid, in how many seconds to look again: soon for a young batch, someone may wait."""
    batch = Batch.objects.select_for_update().get(pk=batch_id)
    if batch.status == BatchStatus.FINISHED:
        return None
    open_items = set(
        batch.items.filter(state__in=OPEN_ITEMS).values_list("state", flat=True).distinct()
    )
    if batch.status == BatchStatus.RECEIVED and ItemState.CHECKING not in open_items:
        batch.pay()
        _save(batch, "withdrawal_batch.checked")
    if batch.status == BatchStatus.PAYING and not open_items:
        batch.finish()
        batch.finished_at = clock.now()
        _save(batch, "withdrawal_batch.finished")
    elif batch.status == BatchStatus.PAYING:
        Batch.objects.filter(pk=batch.pk).update(look_at=Now() + REST)
    if batch.status == BatchStatus.PAYING and ItemState.READY in open_items:
        jobs.ring(PACK, batch.marketplace_id)
    if not open_items & {ItemState.READY, ItemState.CARRIED}:
        return None
    age = (clock.now() - batch.created_at).total_seconds()
    return min(max(age / 4, SOON), PAUSE)


def _save(batch: Batch, event: str) -> None:
    """The step and its event; one step at a time, as the database allows no other."""
    actor = system("payouts", batch.request_id)
    events.record(batch, event, actor=actor, payload=summary(batch))
    batch.save(update_fields=["status", "version", "finished_at"])


def summary(batch: Batch) -> dict[str, Any]:
    """How many items are where, and how much money: of a batch of any size, one statement."""
    rows = batch.items.values("state", "withdrawal__status")
    rows = rows.annotate(number=Count("pk"), amount=Sum("amount")).order_by()
    counts = dict.fromkeys(GROUPS, 0)
    amounts = {"requested": 0, "paid": 0}
    for row in rows:
        group = group_of(row["state"], row["withdrawal__status"])
        counts[group] += row["number"]
        amounts["requested"] += row["amount"]
        amounts["paid"] += row["amount"] if group == "completed" else 0
    ended = ("refused", "failed", "cancelled")
    return {
        "items": batch.size,
        "counts": counts,
        "notPaid": sum(counts[group] for group in ended),
        "amount": format_amount(amounts["requested"]),
        "paid": format_amount(amounts["paid"]),
    }


GROUPS = ("checking", "refused", "held", "waiting", "onTheWay", "completed", "failed", "cancelled")
_OF_STATE: Mapping[str, str] = {
    ItemState.CHECKING: "checking",
    ItemState.REFUSED: "refused",
    ItemState.HELD: "held",
    ItemState.READY: "waiting",
    ItemState.CARRIED: "onTheWay",
}


def group_of(state: str, status: str | None) -> str:
    """Which of GROUPS an item is counted under."""
    return _OF_STATE.get(state) or str(status).lower()


def due() -> list[jobs.Ring]:
    """Batches whose bell was lost, whose checker died, or whose next look is due."""
    rows = Batch.objects.exclude(status=BatchStatus.FINISHED).filter(look_at__lte=Now())
    return [(FOLLOW, pk) for pk in rows.order_by("look_at").values_list("pk", flat=True)[:200]]
