"""How reports are shown by the API."""

from typing import Any

from offerhub.core.money import format_amount
from offerhub.reports.columns import Column
from offerhub.reports.models import Run, Schedule
from offerhub.reports.registry import FILTERS, ReportType
from offerhub.reports.states import RunState

# Told by members of their own.
_APART = {"marketplace", "since", "until", "at", "zone", "view", "query", "viewer"}


def type_body(kind: ReportType) -> dict[str, Any]:
    """A type with its columns. The marketplace is the key's own, so it is no filter here."""
    return {
        "name": kind.name,
        "title": kind.title,
        "about": kind.about,
        "formats": [str(form) for form in kind.formats],
        "filters": [name for name in kind.filters if name != "marketplace"],
        "requires": [
            outside
            for outside, inside in FILTERS.items()
            if inside in kind.needs and outside != "marketplace"
        ],
        "totals": list(kind.totals),
        "columns": [_column(column) for column in kind.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": str(column.kind),
        "unit": column.unit or None,
        "meaning": column.meaning,
    }


def run_body(run: Run, base: str) -> dict[str, Any]:
    """A run; `base` is the address of the API."""
    done = run.state == RunState.DONE
    return {
        "id": run.id,
        "type": run.type,
        "format": run.format,
        "state": run.state,
        "from": run.parameters.get("since"),
        "to": run.parameters.get("until"),
        "at": run.parameters.get("at"),
        "zone": run.parameters["zone"],
        "filters": filters(run.parameters),
        "scheduleId": run.schedule_id,
        "rows": run.rows,
        "rowsExpected": run.rows_expected,
        "bytes": run.bytes,
        "sha256": run.sha256 or None,
        "totals": [_total(total) for total in run.totals],
        "url": f"{base}/reports/runs/{run.id}/file" if done else None,
        "problem": run.problem if run.state == RunState.FAILED else None,
        "createdAt": run.created_at,
        "startedAt": run.started_at,
        "finishedAt": run.finished_at,
        "expiresAt": run.expires_at,
    }


def filters(kept: dict[str, str]) -> list[str]:
    """`userId=usr_…`, as they were asked."""
    return [
        f"{outside}={kept[inside]}"
        for outside, inside in FILTERS.items()
        if inside in kept and inside not in _APART
    ]


def _total(total: dict[str, Any]) -> dict[str, Any]:
    sums = total["sums"].items()
    figures = [{"name": name, "amount": format_amount(amount)} for name, amount in sums]
    return {"asset": total["asset"], "rows": total["rows"], "figures": figures}


def schedule_body(schedule: Schedule) -> dict[str, Any]:
    """A schedule."""
    return {
        "id": schedule.id,
        "name": schedule.name,
        "type": schedule.type,
        "format": schedule.format,
        "cadence": schedule.cadence,
        "zone": schedule.zone,
        "hour": schedule.hour,
        "filters": filters(schedule.filters),
        "recipients": schedule.recipients,
        "isActive": schedule.is_active,
        "nextFirstDay": schedule.next_first_day.isoformat(),
        "nextRunAt": schedule.due_at,
        "createdAt": schedule.created_at,
    }
