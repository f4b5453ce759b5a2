"""The home page: what waits for whom, oldest first, three charts, and the health of the link."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, Min, When
from django.db.models.functions import Least
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from disputes.models import Dispute
from disputes.queues import TABS
from offerhub.core import clock
from offerhub.core.shown import span
from offerhub.deposits.models import ChainCursor
from offerhub.desk import flows, queue
from offerhub.desk.clocks import most_urgent
from offerhub.desk.finance import address
from offerhub.desk.menu import Item
from offerhub.desk.pages import show
from offerhub.marketplaces.roles import Right, may
from offerhub.operations import health, waiting
from offerhub.operations.live import Live, live_counts, together
from offerhub.subscriptions.models import Subscription
from orders.models import Campaign, Order
from orders.reimbursements.models import Reimbursement

SHOWN_AS_LINK = ("chain_lag", "cursor_age")
NEXT = 8  # cases that are listed


@dataclass(frozen=True)
class Queue:
    """A card: how many wait, since when, how urgent, and the list of them."""

    label: str
    number: int
    about: str
    address: str
    tone: str = ""
    oldest: datetime | None = None


def home(request: HttpRequest) -> HttpResponse:
    """At most twelve statements, and one per past day that this process has not drawn yet."""
    reading = health.read()
    return show(
        request,
        "desk/home.html",
        title="Home",
        disputes=_disputes(request.user),
        money=_money(),
        next_cases=_next(request.user),
        charts=[draw() for draw in flows.CHARTS],
        link=_link(reading),
        over=[
            (fact.title, span(timedelta(seconds=fact.value or 0)))
            for fact in reading.warnings
            if fact.name not in SHOWN_AS_LINK
        ],
        finance=_finance(request),
    )


def _finance(request: HttpRequest) -> list[Item]:
    """The way to the books and, for whoever may export, to the files. No statement."""
    found = [Item("Trial balance", address("trial_balance"), False)]
    found.append(Item("Flow and fees", address("finance_flow"), False))
    if may(request, Right.EXPORT):
        month = {"type": "ledger.entries.v1", "period": "last-month"}
        found.insert(0, Item("Export last month's ledger", address("report_new", **month), False))
        found.append(Item("All reports", address("reports"), False))
    return found


def _disputes(me: Any) -> list[Queue]:
    """The desk's cases. One statement."""
    numbers, page = queue.counts(me), reverse("admin:disputes")
    about = {
        "mine": "assigned to you",
        "unassigned": "nobody has taken them",
        "due": "or over their time",
        "approval": "a second person decides",
        "chain": "being settled, or stuck",
    }
    tones = {"due": "bad", "unassigned": "way", "approval": "way"}
    return [
        _queue(
            tab.label,
            numbers[tab.key],
            about[tab.key],
            f"{page}?tab={tab.key}",
            tones.get(tab.key, ""),
        )
        for tab in TABS
        if tab.key in about
    ]


def _money() -> list[Queue]:
    """Money that waits for somebody. A statement for each queue, over the waiting rows alone."""
    counts = live_counts()
    payouts = together(counts, "payouts")
    others = together(counts, *(label for label in counts if label != "payouts"))
    suspense, unread, differing = waiting.suspense(), waiting.unread(), waiting.differing()
    still = Order.objects.quiet().aggregate(number=Count("pk"), oldest=Min("updated_at"))
    failing = Campaign.objects.needing_attention().aggregate(
        number=Count("pk"), oldest=Min("settling_at")
    )
    stuck = Subscription.objects.needing_a_person().aggregate(
        number=Count("pk"), oldest=Min("updated_at")
    )
    behind = together(counts).behind
    pages = {name: reverse(f"admin:{name}") for name in ("operations", "suspense", "campaigns")}
    events = reverse("admin:deposits_quarantinedevent_changelist")
    return [
        _live("Withdrawals", payouts, f"{pages['operations']}?of=payouts"),
        _live("Chain operations", others, pages["operations"]),
        _queue(
            "Deposits in suspense",
            suspense.number,
            "nobody's money yet",
            pages["suspense"],
            "way",
            suspense.oldest,
        ),
        _queue(
            "Books and chain differ",
            differing.number,
            "a stroop is enough",
            reverse("admin:reconciliation"),
            "bad",
            differing.oldest,
        ),
        _queue(
            "Orders that stand still",
            still["number"],
            f"nothing happened for {settings.ORDER_QUIET_DAYS:g} days",
            f"{reverse('admin:orders_order_changelist')}?quiet=1",
            "way",
            still["oldest"],
        ),
        _queue(
            "Subscriptions that need a person",
            stuck["number"],
            "a call to a contract fails again and again",
            f"{reverse('admin:subscriptions_subscription_changelist')}?look=1",
            "bad",
            stuck["oldest"],
        ),
        _queue(
            "Books behind the chain",
            behind + unread.number,
            f"{behind} operations, {unread.number} events not booked",
            pages["operations"] if behind else f"{events}?resolved_at__isnull=1",
            "bad",
            unread.oldest,
        ),
        _queue(
            "Campaigns with failures",
            failing["number"],
            "pledges that were not settled",
            pages["campaigns"],
            "bad",
            failing["oldest"],
        ),
        *_fees_to_give_back(),
    ]


def _fees_to_give_back() -> list[Queue]:
    """Refunds that a marketplace could not make whole; no card where none waits. One statement."""
    found = Reimbursement.objects.need_an_eye().aggregate(
        number=Count("pk"), oldest=Min("created_at")
    )
    if not found["number"]:
        return []
    address = f"{reverse('admin:orders_reimbursement_changelist')}?eye=1"
    about = "the platform wallet lacks the money, or the payment failed"
    label = "Fees to give back"
    return [_queue(label, found["number"], about, address, "bad", found["oldest"])]


def _live(label: str, live: Live, address: str) -> Queue:
    number = max(live.unknown, live.stuck)
    about = f"{live.unknown} unknown, {live.stuck} stuck, {live.all} on their way"
    return _queue(label, number, about, address, "bad", live.oldest)


def _queue(
    label: str,
    number: int,
    about: str,
    address: str,
    tone: str = "",
    oldest: datetime | None = None,
) -> Queue:
    return Queue(label, number, about, address, tone if number else "none", oldest)


def _next(me: Any) -> list[dict[str, Any]]:
    """The cases to work on now: mine and nobody's, the most urgent first. Two statements."""
    now = clock.now()
    answer = Case(
        When(first_answered_at=None, then="first_answer_due_at"), default="decision_due_at"
    )
    rows = TABS[0].rows(Dispute.objects.for_display(), me)
    rows = rows.order_by(Least(answer, "decision_due_at"), "id")
    return [
        {"dispute": row, "age": span(now - row.created_at), "due": most_urgent(row, now)}
        for row in rows[:NEXT]
    ]


def _link(reading: health.Reading) -> dict[str, Any]:
    """How the monitor follows the network."""
    row = reading.cursor
    if row is None:
        return {"word": "not started", "tone": "bad", "row": None}
    silent = any(fact.name == "cursor_age" for fact in reading.warnings)
    if row.state == ChainCursor.State.HALTED:
        word, tone = "halted", "bad"
    elif silent:
        word, tone = "silent", "bad"
    elif row.gap_since:
        word, tone = "catching up", "way"
    else:
        word, tone = "following", "good"
    return {
        "word": word,
        "tone": tone,
        "row": row,
        "behind": max(row.latest_ledger - row.ledger, 0),
    }
