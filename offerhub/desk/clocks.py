"""The two service clocks of a dispute, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from disputes.models import Dispute
from disputes.states import DisputeStatus

RUNNING = (DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW)
SOON = timedelta(hours=24)


@dataclass(frozen=True)
class Clock:
    """`tone`: good (done), way (runs), soon, bad (over) or over (stands)."""

    name: str
    words: str
    tone: str
    due: datetime | None


def clocks(dispute: Dispute, now: datetime) -> tuple[Clock, Clock]:
    """First answer and decision."""
    first = Clock("First answer", "given", "good", None)
    if dispute.first_answered_at is None:
        first = _clock("First answer", dispute, dispute.first_answer_due_at, now)
    if dispute.status not in (*RUNNING, DisputeStatus.WAITING_PARTY):
        words = {"PROPOSED": "proposed", "SETTLING": "made"}.get(dispute.status, "closed")
        return first, Clock("Decision", words, "good", None)
    return first, _clock("Decision", dispute, dispute.decision_due_at, now)


def most_urgent(dispute: Dispute, now: datetime) -> Clock:
    """The clock that ends first, for lists."""
    running = [clock for clock in clocks(dispute, now) if clock.due is not None]
    return min(running, key=lambda clock: clock.due) if running else clocks(dispute, now)[1]  # type: ignore[arg-type,return-value]


def _clock(name: str, dispute: Dispute, due: datetime, now: datetime) -> Clock:
    if not dispute.is_open:
        return Clock(name, "closed", "good", None)
    if dispute.stopped_at is not None:
        return Clock(name, f"stands, {span(due - dispute.stopped_at)} left", "over", due)
    left = due - now
    if left < timedelta():
        return Clock(name, f"{span(-left)} over", "bad", due)
    return Clock(name, f"{span(left)} left", "soon" if left < SOON else "way", due)


def span(length: timedelta) -> str:
    """The two largest parts of a length of time: `2 d 3 h`, `19 h`, `4 min`."""
    minutes = max(int(length.total_seconds()) // 60, 0)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if hours < 6 and minutes else f"{hours} h"
    return f"{minutes} min" if minutes else "under a minute"
