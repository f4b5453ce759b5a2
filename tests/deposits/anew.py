"""A new network for an old database: what the monitor remembers is of an earlier test run."""

from datetime import UTC, datetime, timedelta
from math import ceil

from django.conf import settings

from offerhub.chain.stellar import latest_ledger
from offerhub.core import clock
from offerhub.deposits import monitor
from offerhub.deposits.models import ChainCursor, WalletScan
from tests.network import Network

FAR = datetime(2200, 1, 1, tzinfo=UTC)


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


def leave_in_peace(but: str = "") -> None:
    """The wallets of other marketplaces than this want no scan, however far a test moves the clock,
    and however many events it lets pass unseen."""
    others = WalletScan.objects.filter(due_at__lt=FAR).exclude(wallet__marketplace=but)
    others.update(due_at=FAR, scanned_at=FAR)
