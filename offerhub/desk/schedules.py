"""Schedules: which reports are made for every period, for whom, and the form for a new one."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from offerhub.core.errors import InvalidRequest, Refusal
from offerhub.desk.acting import Acting
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.desk.report_new import PERIOD, ReportForm
from offerhub.marketplaces.roles import Right
from offerhub.reports import schedules
from offerhub.reports.models import Schedule
from offerhub.reports.periods import Cadence
from offerhub.reports.registry import TYPES, ReportType

MOST = 500  # that the page lists


class ScheduleForm(ReportForm):
    """A report form without a period, and how often."""

    name = forms.CharField(max_length=100, required=False, help_text="As its mails begin")
    cadence = forms.ChoiceField(
        label="For every",
        choices=[("DAILY", "day"), ("WEEKLY", "week, from Monday"), ("MONTHLY", "month")],
    )
    hour = forms.IntegerField(
        min_value=0,
        max_value=23,
        initial=schedules.HOUR,
        help_text="Of the day after the period, in the zone",
    )
    recipients = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="E-mail addresses, one a line: they get a link and the digest",
    )

    def __init__(self, kind: ReportType, *args: Any, **more: Any) -> None:
        super().__init__(kind, *args, leave=(*PERIOD, "view", "query"), **more)

    @property
    def addresses(self) -> list[str]:
        """The recipients."""
        return [
            line.strip() for line in self.cleaned_data["recipients"].splitlines() if line.strip()
        ]


@page("finance/schedules/", "schedules", look=Right.EXPORT)
def listed(request: HttpRequest) -> HttpResponse:
    """All of them, those that run first. One statement."""
    rows = Schedule.objects.select_related("marketplace").order_by("-is_active", "-pk")[:MOST]
    shown = [(row, TYPES[row.type].title, Cadence(row.cadence).lower()) for row in rows]
    return show(request, "desk/schedules.html", title="Schedules", rows=shown)


@page("finance/schedules/new/", "schedule_new", look=Right.EXPORT, act=Right.EXPORT)
def new(request: HttpRequest) -> HttpResponse:
    """`?type=` of the report; POST makes the schedule."""
    kind = TYPES.get(request.GET.get("type", ""))
    if kind is None:
        return HttpResponseRedirect(reverse("admin:report_new"))
    if request.method != "POST":
        return _draw(request, ScheduleForm(kind))
    form = ScheduleForm(kind, request.POST)
    if not form.is_valid():
        return _draw(request, form, status=422)

    def change(acting: Acting) -> str:
        data = form.cleaned_data
        made = schedules.create(
            name=data["name"],
            type=kind.name,
            format=data["format"],
            filters=form.asked(""),
            cadence=data["cadence"],
            hour=data["hour"],
            recipients=form.addresses,
            actor=acting.actor,
        )
        acting.subject, acting.marketplace = made.pk, made.marketplace_id or ""
        acting.after = {"type": made.type, "cadence": made.cadence, **made.filters}
        return f"{made.name} runs for every {Cadence(made.cadence).lower()} period from now on."

    return act(
        request,
        "report.scheduled",
        change,
        to=reverse("admin:schedules"),
        again=lambda refusal: _draw(request, form, refusal),
    )


@page("finance/schedules/<str:schedule_id>/", "schedule", look=Right.EXPORT, act=Right.EXPORT)
def one(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """POST stops it or lets it go on; there is nothing to look at but the list."""
    back = reverse("admin:schedules")
    if request.method != "POST":
        return HttpResponseRedirect(back)
    on = request.POST.get("act") == "start"

    def change(acting: Acting) -> str:
        changed = schedules.update(
            schedule_id=schedule_id, marketplace_id="", is_active=on, actor=acting.actor
        )
        acting.marketplace = changed.marketplace_id or ""
        acting.after = {"isActive": on}
        return f"{changed.name} {'goes on' if on else 'was stopped'}."

    return act(
        request,
        "report.schedule_changed",
        change,
        subject=schedule_id,
        to=back,
        again=lambda refusal: _refused(request, refusal),
    )


def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    return show(request, "desk/schedules.html", title="Schedules", rows=[], refusal=refusal)


def _draw(
    request: HttpRequest, form: ScheduleForm, refusal: Refusal | str = "", **more: Any
) -> HttpResponse:
    if isinstance(refusal, InvalidRequest):
        for error in refusal.errors:
            place = error.field.partition(".")[0]
            form.add_error(place if place in form.fields else None, error.message)
    return show(
        request,
        "desk/report_new.html",
        title=f"Schedule: {form.kind.title}",
        crumbs=[Crumb("Schedules", reverse("admin:schedules"))],
        refusal=refusal,
        kind=form.kind,
        form=form,
        scheduling=True,
        **more,
    )
