"""The desk's queues of disputes: what is in each. A tab of the page, and a filter of exports."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from disputes.querysets import DisputeQuerySet


@dataclass(frozen=True)
class Tab:
    """A queue: its name in the address, its label, and which cases are in it."""

    key: str
    label: str
    rows: Callable[[DisputeQuerySet, Any], DisputeQuerySet]


TABS = (
    Tab("todo", "Mine and unassigned", lambda q, me: q.in_hand().filter(_mine_or_nobodys(me))),
    Tab("mine", "Mine", lambda q, me: q.assigned_to(me)),
    Tab("unassigned", "Unassigned", lambda q, me: q.unassigned()),
    Tab("due", "Due in 24 h", lambda q, me: q.due_within(24)),
    Tab("approval", "Awaiting approval", lambda q, me: q.awaiting_approval()),
    Tab("waiting", "Waiting for a party", lambda q, me: q.waiting_for_party()),
    Tab("chain", "Chain pending or stuck", lambda q, me: q.on_chain()),
    Tab("closed", "Closed", lambda q, me: q.closed()),
)


def _mine_or_nobodys(me: Any) -> Q:
    return Q(assignee=me) | Q(assignee=None)
