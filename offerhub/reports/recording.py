"""Events of runs. A run about all marketplaces belongs to none, and so has none: the audit of the
desk says who asked for it."""

from typing import Any

from offerhub.core.actor import Actor
from offerhub.events import services as events
from offerhub.reports.models import Run, Schedule


def record(
    subject: Run | Schedule, event: str, actor: Actor, more: dict[str, Any] | None = None
) -> None:
    """Write the event in the open transaction; the caller saves `version`."""
    if subject.marketplace_id:
        payload = told(subject) if isinstance(subject, Run) else {}
        events.record(subject, event, actor=actor, payload={**payload, **(more or {})})


def told(run: Run) -> dict[str, Any]:
    """What an event says of a run."""
    facts = {
        "type": run.type,
        "format": run.format,
        "state": run.state,
        "scheduleId": run.schedule_id,
        "firstDay": run.first_day.isoformat() if run.first_day else None,
        "rows": run.rows,
        "bytes": run.bytes,
        "sha256": run.sha256 or None,
        "problem": run.problem,
    }
    return {name: value for name, value in facts.items() if value is not None}
