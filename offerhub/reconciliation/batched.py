"""To which withdrawals a transaction belongs that paid many at once.

They were asked for before the backup and put together after it: without this they would wait in the
restored database, and be paid a second time.
"""

from django.db import transaction

from offerhub.chain.submission import LIVE
from offerhub.chain.told import Paid, Told
from offerhub.reconciliation.unplaced import Unplaced
from offerhub.users.models import Wallet
from payouts import members, packing
from payouts.models import BatchItem, BatchPayment
from payouts.states import OPEN, ItemState


def is_batch(told: Told) -> bool:
    """Whether other wallets pay than the transaction's own."""
    return any(paid.source != told.source for paid in told.payments)


@transaction.atomic
def payment_of(told: Told) -> BatchPayment:
    """The payment that is this transaction, made of the withdrawals that wait. Raises Unplaced."""
    channel = Wallet.objects.filter(address=told.source, kind=Wallet.Kind.CHANNEL).first()
    if channel is None:
        raise Unplaced(
            f"its channel {told.source} is not in this database: pause the withdrawals of the "
            "marketplace before the workers start, and book what the wallets paid as differences"
        )
    items = _items(told)
    live = BatchPayment.objects.filter(status__in=LIVE).select_for_update()
    names = {item.payment_id for item in items if item.state == ItemState.CARRIED}
    for payment in live.filter(source_wallet=channel) | live.filter(pk__in=names):
        if payment.source_wallet_id == channel.pk and _carries(payment, items):
            return payment
        if payment.hash:
            raise Unplaced(f"operation {payment.pk} ({payment.kind}) comes first")
        members.dissolve(payment, "superseded", "the chain has another payment of these")
    return packing.carry(channel, items)


def _items(told: Told) -> list[BatchItem]:
    """What each payment pays, in their order; the ones that a payment has already come first."""
    memo_type, memo = told.memo
    rows = BatchItem.objects.filter(
        state__in=(ItemState.READY, ItemState.CARRIED),
        withdrawal__status__in=OPEN,
        withdrawal__memo_type=memo_type,
        withdrawal__memo=memo,
        withdrawal__user__wallet__address__in={paid.source for paid in told.payments},
    )
    rows = rows.select_for_update(of=("self",)).select_related("withdrawal__user__wallet")
    waiting = list(rows.order_by("state", "id"))
    found = []
    for paid in told.payments:
        item = next((each for each in waiting if _is_of(each, paid)), None)
        if item is not None:
            waiting.remove(item)
            found.append(item)
    if len(found) < len(told.payments):
        missing = len(told.payments) - len(found)
        raise Unplaced(
            f"{missing} of its {len(told.payments)} withdrawals do not wait in this database: "
            "pause the withdrawals of the marketplace before the workers start, and book what the "
            "wallets paid as differences"
        )
    return found


def _is_of(item: BatchItem, paid: Paid) -> bool:
    withdrawal = item.withdrawal
    assert withdrawal is not None
    asked = withdrawal.user.wallet.address, withdrawal.destination, withdrawal.amount
    return asked == (paid.source, paid.destination, paid.amount)


def _carries(payment: BatchPayment, items: list[BatchItem]) -> bool:
    has = payment.items.filter(state=ItemState.CARRIED).order_by("place")
    return list(has.values_list("pk", flat=True)) == [item.pk for item in items]
