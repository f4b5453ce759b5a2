"""Mending: an entry is never changed, it is answered by one that negates it."""

from ledger.chart import AccountKind
from ledger.kinds import EntryKind
from ledger.legs import Leg
from ledger.models import Entry
from ledger.services import Posted, post
from offerhub.core.actor import Actor


def reversal(*, entry_id: str, actor: Actor, reason: str) -> Posted:
    """Everything of an entry negated, once. The floors still hold: money that is gone stays gone.

    Raises Entry.DoesNotExist.
    """
    entry = Entry.objects.get(pk=entry_id)
    postings = entry.postings.select_related("account").order_by("pk")
    return post(
        marketplace_id=entry.marketplace_id,
        kind=EntryKind.REVERSAL,
        source=f"reversal:{entry_id}",
        legs=[
            Leg(
                AccountKind(posting.account.kind),
                posting.account.owner,
                posting.asset,
                -posting.amount,
                posting.account.user_id,
            )
            for posting in postings
        ],
        description=reason,
        reverses=entry_id,
        actor=actor,
    )
