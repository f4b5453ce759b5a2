"""Which withdrawals go together into one transaction: the most that the network takes.

A transaction holds 100 operations, 20 signatures and one memo. The channel signs, and so does each
wallet that pays: 19 of them. Many withdrawals of one wallet need one signature.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from django.db.models import QuerySet
from django.db.models.functions import Now

from offerhub.chain.stellar import MOST_SIGNATURES
from offerhub.core import jobs
from offerhub.core.db import in_transaction
from offerhub.users.models import Wallet
from payouts import channels
from payouts.members import PACK
from payouts.models import BatchItem, BatchPayment, PayoutPolicy
from payouts.models.batches import MOST_TOGETHER
from payouts.states import BatchStatus, ItemState

PAY = "payouts.batch_payment"
WALLETS = MOST_SIGNATURES - 1
WINDOW = 400  # of those that wait, oldest first, how many are looked through at a time


class Waiting(Protocol):
    """What is asked of a withdrawal that waits."""

    @property
    def together(self) -> int:
        """How many its transaction may hold."""

    @property
    def wallet(self) -> str:
        """Whose signature it needs."""


W = TypeVar("W", bound=Waiting)


def choose(waiting: Sequence[W]) -> list[W]:
    """The next transaction out of those that wait, oldest first: never without the first one."""
    chosen: list[W] = []
    wallets: set[str] = set()
    most = MOST_TOGETHER
    for each in waiting:
        room = min(most, each.together)
        if len(chosen) < room and (each.wallet in wallets or len(wallets) < WALLETS):
            chosen.append(each)
            wallets.add(each.wallet)
            most = room
        if len(chosen) == most:
            break
    return chosen


@in_transaction
def pack(*, marketplace_id: str) -> BatchPayment | None:
    """Put the next waiting withdrawals of a marketplace into a payment; None when none waits, or
    every channel is busy. Rings for the payment, and for more while more wait."""
    if PayoutPolicy.objects.filter(marketplace_id=marketplace_id, paused=True).exists():
        return None
    first = _ready(marketplace_id).first()
    if first is None:
        return None
    channel = channels.take(marketplace_id)
    if channel is None:
        waiting = _ready(marketplace_id)[:WINDOW].count()
        channels.grow(marketplace_id, 1 + waiting // WALLETS)
        return None
    alike = _ready(marketplace_id).filter(memo_type=first.memo_type, memo=first.memo)
    rows = list(alike.select_for_update(of=("self",), skip_locked=True)[:WINDOW])
    chosen = choose([_Row(row) for row in rows])
    if not chosen:
        return None
    payment = carry(channel, [each.item for each in chosen])
    if len(chosen) < len(rows) or _ready(marketplace_id).exists():
        jobs.ring(PACK, marketplace_id)
    return payment


def carry(channel: Wallet, items: Sequence[BatchItem]) -> BatchPayment:
    """One payment of all these, which wait and are locked, through a channel that has none."""
    payment = BatchPayment.objects.create(
        marketplace_id=channel.marketplace_id,
        source_wallet=channel,
        kind=BatchPayment.KIND,
        request_id=_request_of(items),
    )
    for place, item in enumerate(items):
        item.payment, item.place, item.state = payment, place, ItemState.CARRIED
    BatchItem.objects.bulk_update(items, ["payment", "place", "state"])
    jobs.ring(PAY, payment.id)
    return payment


def _request_of(items: Sequence[BatchItem]) -> str:
    """The request that brought them all; empty when they came with several."""
    requests = {item.batch.request_id for item in items}
    return requests.pop() if len(requests) == 1 else ""


def marketplaces_in_need() -> list[str]:
    """Where withdrawals wait for a payment and could have one now."""
    paused = PayoutPolicy.objects.filter(paused=True).values("marketplace")
    ready = BatchItem.objects.filter(
        channels.can_help(),
        state=ItemState.READY,
        due_at__lte=Now(),
        batch__status=BatchStatus.PAYING,
    ).exclude(marketplace__in=paused)
    return list(ready.values_list("marketplace_id", flat=True).distinct()[:200])


def _ready(marketplace_id: str) -> "QuerySet[BatchItem]":
    rows = BatchItem.objects.filter(
        marketplace_id=marketplace_id,
        state=ItemState.READY,
        due_at__lte=Now(),
        batch__status=BatchStatus.PAYING,
    )
    return rows.select_related("batch", "withdrawal__user__wallet").order_by("id")


class _Row:
    """An item as `choose` looks at it."""

    def __init__(self, item: BatchItem) -> None:
        assert item.withdrawal is not None
        self.item, self.together = item, item.together
        self.wallet = item.withdrawal.user.wallet.id
