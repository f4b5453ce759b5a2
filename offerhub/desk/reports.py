"""Reports: those that were asked for, one of them on its way or done, and its file."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from offerhub.core import clock
from offerhub.core.errors import Refusal
from offerhub.core.shown import span
from offerhub.desk.acting import Acting, staff_action
from offerhub.desk.finance import address
from offerhub.desk.names import name_of
from offerhub.desk.pages import Crumb, page, show
from offerhub.marketplaces.roles import Right
from offerhub.reports import services
from offerhub.reports.models import Run
from offerhub.reports.registry import FILTERS, TYPES, report_type
from offerhub.reports.serving import send_file
from offerhub.reports.states import LIVE, RunState

PER_PAGE = 50
TABS = {"": "All", "live": "On their way", "done": "Ready", "failed": "Failed"}
STATES: dict[str, tuple[str, ...]] = {
    "live": LIVE,
    "done": (RunState.DONE,),
    "failed": (RunState.FAILED,),
}


@page("finance/reports/", "reports", look=Right.EXPORT)
def reports(request: HttpRequest) -> HttpResponse:
    """`?tab=`, `?before=` an id. One statement."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else ""
    rows = Run.objects.select_related("marketplace", "schedule").order_by("-pk")
    if tab:
        rows = rows.filter(state__in=STATES[tab])
    before = request.GET.get("before", "")[:32]
    found = list((rows.filter(pk__lt=before) if before else rows)[: PER_PAGE + 1])
    shown, more = found[:PER_PAGE], len(found) > PER_PAGE
    who = name_of(request)
    names: dict[str, str] = {}
    for run in shown:
        names.setdefault(run.actor, who.of(run.actor))
    return show(
        request,
        "desk/reports.html",
        title="Reports",
        tabs=list(TABS.items()),
        tab=tab,
        rows=[(run, title_of(run), period_of(run), names[run.actor]) for run in shown],
        newer=address("reports", tab=tab) if before else "",
        older=address("reports", tab=tab, before=shown[-1].pk) if more else "",
    )


@page("finance/reports/<str:run_id>/", "report", look=Right.EXPORT)
def report(request: HttpRequest, run_id: str) -> HttpResponse:
    """One report; while it is on its way the page follows it by itself. Three statements."""
    return _show(request, _get(run_id))


def _show(request: HttpRequest, run: Run, refusal: Refusal | str = "") -> HttpResponse:
    return show(
        request,
        "desk/report.html",
        title=title_of(run),
        crumbs=[Crumb("Reports", address("reports"))],
        refusal=refusal,
        run=run,
        period=period_of(run),
        chosen=asked_of(run),
        by=name_of(request).of(run.actor),
        left=time_left(run),
        again=again(run),
        type=TYPES.get(run.type),
        failed=run.state == RunState.FAILED,
        done=run.state == RunState.DONE,
    )


@page("finance/reports/<str:run_id>/file/", "report_file", look=Right.EXPORT)
def file(request: HttpRequest, run_id: str) -> HttpResponse:
    """The file as an attachment. Who took it is in the audit."""
    run = _get(run_id)
    try:
        with staff_action(
            request, "report.downloaded", subject=run.pk, marketplace=run.marketplace_id or ""
        ) as acting:
            _take(run, acting)
        return send_file(run)  # type: ignore[return-value]
    except Refusal as refusal:
        return _show(request, run, refusal)


def _take(run: Run, acting: Acting) -> None:
    services.download(run_id=run.pk, actor=acting.actor)
    acting.after = {"sha256": run.sha256, "bytes": run.bytes}


def _get(run_id: str) -> Run:
    rows = Run.objects.select_related("marketplace", "schedule")
    run = rows.filter(pk=run_id).first()
    if run is None:
        raise Http404
    return run


def title_of(run: Run) -> str:
    """The type in words."""
    found = TYPES.get(run.type)
    return found.title if found else run.type


def period_of(run: Run) -> str:
    """Which time it is of, in words."""
    asked = run.asked
    if asked.at:
        return f"as of {asked.at}"
    if "at" in (report_type(run.type).filters if run.type in TYPES else []):
        return "as of its making"
    if asked.since or asked.until:
        return f"{asked.since or 'the beginning'} to {asked.until or 'now'}"
    return "all"


def asked_of(run: Run) -> list[tuple[str, str]]:
    """What narrowed it, beside its period."""
    asked = run.asked
    apart = ("marketplace", "since", "until", "at")
    found = [
        (outside, getattr(asked, inside))
        for outside, inside in FILTERS.items()
        if inside not in apart and getattr(asked, inside)
    ]
    if asked.view:
        found.append(("list", f"{asked.view} {asked.query}".strip()))
    return [*found, ("zone", asked.zone)]


def time_left(run: Run) -> str:
    """How long it may still take, from how long the rows so far took."""
    if not run.is_live or not run.rows or not run.rows_expected or not run.started_at:
        return ""
    took = clock.now() - run.started_at
    return span(took * (run.rows_expected - run.rows) / run.rows)


def again(run: Run) -> str:
    """The form that asks for the same once more."""
    asked: Any = run.asked
    filters = {outside: getattr(asked, inside) for outside, inside in FILTERS.items()}
    more = {"zone": asked.zone, "format": run.format, "view": asked.view, "query": asked.query}
    return address("report_new", type=run.type, **filters, **more)
