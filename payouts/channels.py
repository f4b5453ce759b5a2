"""The pool of channel accounts: they give batches' transactions their sequence numbers and fees.

A channel has one transaction on its way, so as many run at once as a marketplace has channels.
They are made when there is work for them, and brought to life and topped up like other wallets.
"""

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from offerhub.chain.submission import LIVE
from offerhub.users.models import Wallet
from offerhub.users.services import make_managed_wallet
from payouts.models import BatchPayment

_Kind, _Status = Wallet.Kind, Wallet.Status


def take(marketplace_id: str) -> Wallet | None:
    """A channel without a payment, under its lock until the caller has given it one; None when
    all are busy. Call inside the transaction that makes the payment."""
    busy = BatchPayment.objects.filter(source_wallet=OuterRef("pk"), status__in=LIVE)
    free = Wallet.objects.filter(
        ~Exists(busy), marketplace_id=marketplace_id, kind=_Kind.CHANNEL, status=_Status.ACTIVE
    )
    found = free.order_by("-fee_budget").select_for_update(skip_locked=True).first()
    # Somebody may have given it one between our look and our lock.
    if found is None or BatchPayment.objects.filter(source_wallet=found, status__in=LIVE).exists():
        return None
    return found


def can_help() -> Q:
    """Of rows with a marketplace: that it has a channel without a payment, or none yet."""
    own = Wallet.objects.filter(marketplace=OuterRef("marketplace"), kind=_Kind.CHANNEL)
    living = own.exclude(status=_Status.FAILED)
    busy = BatchPayment.objects.filter(source_wallet=OuterRef("pk"), status__in=LIVE)
    free = own.filter(~Exists(busy), status=_Status.ACTIVE)
    return Q(Exists(free)) | ~Q(Exists(living))


def grow(marketplace_id: str, wanted: int) -> None:
    """Make channels so that there are `wanted`, within the limit of the settings."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"channels:{marketplace_id}"]
        )
    living = Wallet.objects.filter(marketplace_id=marketplace_id, kind=_Kind.CHANNEL)
    there = living.exclude(status=_Status.FAILED).count()
    for _ in range(min(wanted, settings.PAYOUT_CHANNELS) - there):
        make_managed_wallet(marketplace_id=marketplace_id, kind=_Kind.CHANNEL)
