"""The events of reports and their schedules."""

from offerhub.events.catalog import declare
from offerhub.events.fields import (
    CODE,
    DAY,
    DETAIL,
    FLAG,
    HASH,
    WHOLE,
    Field,
    identifier,
    one_of,
    optional,
    record,
    text,
)
from offerhub.reports.columns import Format
from offerhub.reports.states import RunState


def _run(name: str, summary: str) -> None:
    declare(
        f"report.{name}",
        summary,
        "rpt",
        type=text("ledger.lines.v1"),
        format=one_of(Format),
        state=one_of(RunState),
        scheduleId=optional(identifier("rps")),
        firstDay=optional(DAY),
        rows=WHOLE,
        bytes=WHOLE,
        sha256=optional(HASH),
        problem=optional(record(code=CODE, detail=DETAIL)),
    )


def _schedule(name: str, summary: str, /, **fields: Field) -> None:
    declare(f"report.schedule_{name}", summary, "rps", **fields)


_run("requested", "Somebody asked for a report, or its schedule did")
_run("started", "The report is being made")
_run("finished", "The report's file is there")
_run("failed", "There is no file; `problem` says why")
_run("downloaded", "Somebody took the file")
_run("expired", "The file was deleted when its time was over")

_schedule("created", "A report is made again for every period", name=text("Ledger, monthly"))
_schedule(
    "changed",
    "Whether a schedule runs, its name or who gets the report has changed",
    isActive=FLAG,
    recipients=WHOLE,
)
_schedule("stopped", "What a schedule is about is gone: it makes no reports", reason=DETAIL)
