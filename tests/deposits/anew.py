"""A new network for an old database: what the monitor remembers is of an earlier test run."""

from datetime import timedelta
from math import ceil

from django.conf import settings
from django.db.models.functions import Now

from offerhub.chain.stellar import latest_ledger
from offerhub.core import clock
from offerhub.deposits import monitor
from offerhub.deposits.models import ChainCursor, WalletScan
from tests.network import Network


def set_clocks_alike(network: Network) -> None:
    """Whichever is behind follows; a database that is used again may be ahead of a new network."""
    theirs = timedelta(seconds=network.control("clock")["offset"])
    ours = clock.offset()
    if ours > theirs:
        network.control("clock", {"advance": ceil((ours - theirs).total_seconds())})
    else:
        clock.set_offset(theirs)


def follow_from_now() -> None:
    """Follow the sandbox of this run from its present ledger, and leave the old wallets in peace.

    In the product this is a reset network: the monitor halts and wants an operator.
    """
    ChainCursor.objects.filter(pk=settings.OFFERHUB_NETWORK).delete()
    ChainCursor.objects.create(network=settings.OFFERHUB_NETWORK, ledger=latest_ledger()[0])
    leave_in_peace()
    monitor.forget()


def leave_in_peace() -> None:
    """The wallets of earlier tests want no scan, however far a test moves the clock."""
    soon = WalletScan.objects.filter(due_at__lt=Now() + timedelta(days=300))
    soon.update(due_at=Now() + timedelta(days=365))
