"""A new network for an old database: what the monitor remembers is of an earlier test run."""

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from offerhub.deposits import monitor
from offerhub.deposits.models import ChainCursor, WalletScan


def follow_from_its_beginning() -> None:
    """Follow the sandbox of this run from its first ledger, and leave the old wallets in peace.

    In the product this is a reset network: the monitor halts and wants an operator.
    """
    ChainCursor.objects.filter(pk=settings.OFFERHUB_NETWORK).delete()
    ChainCursor.objects.create(network=settings.OFFERHUB_NETWORK, ledger=1)
    WalletScan.objects.update(due_at=Now() + timedelta(days=365))
    monitor.forget()
