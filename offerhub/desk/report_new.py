"""The forms that ask for a report, once or for every period."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from offerhub.core import clock
from offerhub.core.errors import InvalidRequest, Refusal
from offerhub.desk.acting import Acting
from offerhub.desk.finance import address, marketplaces
from offerhub.desk.pages import Crumb, act, page, show
from offerhub.marketplaces.roles import Right
from offerhub.reports import services
from offerhub.reports.models import Run
from offerhub.reports.parameters import Parameters
from offerhub.reports.periods import last_month
from offerhub.reports.registry import FILTERS, TYPES, ReportType

LABELS = {
    "marketplace": ("Marketplace", ""),
    "from": ("From", "A day such as 2026-10-01, or a time with its offset; empty: the beginning"),
    "to": ("To", "Not part of it any more; empty: now"),
    "at": ("As of", "A day means its end; empty: now"),
    "basis": ("Dated by", ""),
    "userId": ("User", "Our id, or the marketplace's own"),
    "orderId": ("Order", "Its id: ord_…"),
    "accountId": ("Account", "Its id: acc_…"),
    "asset": ("Asset", "USDC, XLM …"),
    "status": ("State", "As the record has it: COMPLETED …"),
    "kind": ("Kind", "Of entries: deposit, release …"),
}
BASES = (("effective", "when it happened"), ("recorded", "when it was booked"))
PERIOD = ("from", "to", "at")


class ReportForm(forms.Form):
    """The filters of one type, its format and the zone."""

    def __init__(self, kind: ReportType, *args: Any, leave: tuple[str, ...] = (), **more: Any):
        super().__init__(*args, **more)
        self.label_suffix = ""
        self.kind = kind
        for name in kind.filters:
            if name not in leave:
                self.fields[name] = self._field(name)
        self.fields["zone"] = forms.CharField(
            label="Time zone",
            max_length=64,
            initial="UTC",
            help_text="In which days are days: UTC, Europe/Vienna …",
        )
        formats = [(str(form), str(form).upper()) for form in kind.formats]
        self.fields["format"] = forms.ChoiceField(choices=formats)
        for name in ("view", "query"):
            if name not in leave:
                self.fields[name] = forms.CharField(
                    required=False, max_length=1000, widget=forms.HiddenInput
                )

    def _field(self, name: str) -> forms.Field:
        label, text = LABELS[name]
        required = FILTERS[name] in self.kind.needs
        if name == "marketplace":
            choices = [(each.pk, each.name) for each in marketplaces()]
            every = [] if required else [("", "All of them")]
            return forms.ChoiceField(label=label, choices=[*every, *choices], required=required)
        if name == "basis":
            return forms.ChoiceField(label=label, choices=BASES)
        return forms.CharField(label=label, help_text=text, required=required, max_length=128)

    def asked(self, viewer: str) -> Parameters:
        """What the services take."""
        data = self.cleaned_data
        given = {FILTERS[name]: data[name].strip() for name in self.kind.filters if data.get(name)}
        view = {name: data[name] for name in ("view", "query") if data.get(name)}
        return Parameters(**given, **view, zone=data["zone"].strip(), viewer=viewer if view else "")


@page("finance/reports/new/", "report_new", look=Right.EXPORT, act=Right.EXPORT)
def new(request: HttpRequest) -> HttpResponse:
    """First the type, then its form, filled in as far as the address says; POST asks for it."""
    kind = TYPES.get(request.GET.get("type", ""))
    if kind is None:
        month = {"period": "last-month", "type": "ledger.entries.v1"}
        return show(
            request,
            "desk/report_types.html",
            title="New report",
            crumbs=[Crumb("Reports", reverse("admin:reports"))],
            types=[(one, address("report_new", type=one.name)) for one in TYPES.values()],
            last_month=address("report_new", **month),
        )
    if request.method != "POST":
        return _draw(request, kind, ReportForm(kind, initial=filled(request, kind)))
    form = ReportForm(kind, request.POST)
    if not form.is_valid():
        return _draw(request, kind, form, status=422)
    made: list[Run] = []

    def change(acting: Acting) -> str:
        asked = form.asked(str(getattr(request.user, "public_id", "")))
        run = services.request_run(
            type=kind.name, format=form.cleaned_data["format"], asked=asked, actor=acting.actor
        )
        made.append(run)
        acting.subject, acting.marketplace = run.pk, run.marketplace_id or ""
        acting.after = {"type": run.type, "format": run.format, **run.parameters}
        return "The report is being made. This page follows it."

    answer = act(
        request,
        "report.requested",
        change,
        to="",
        again=lambda refusal: _draw(request, kind, form, refusal=refusal),
    )
    if made and answer.status_code == 302:
        answer.headers["Location"] = reverse("admin:report", args=[made[-1].pk])
    return answer


def filled(request: HttpRequest, kind: ReportType) -> dict[str, str]:
    """The values of the address; `?period=last-month` is the month before this one."""
    found = {name: value for name, value in request.GET.dict().items() if name != "type"}
    if found.pop("period", "") == "last-month":
        first, after = last_month(clock.now().date())
        if "from" in kind.filters:
            found |= {"from": first.isoformat(), "to": after.isoformat()}
        else:
            found |= {"at": (first.replace(day=28)).isoformat()}
    return found


def _draw(
    request: HttpRequest,
    kind: ReportType,
    form: ReportForm,
    refusal: Refusal | str = "",
    **more: Any,
) -> HttpResponse:
    if isinstance(refusal, InvalidRequest):
        for error in refusal.errors:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    view = form["view"].value() if "view" in form.fields else ""
    return show(
        request,
        "desk/report_new.html",
        title=kind.title,
        crumbs=[
            Crumb("Reports", reverse("admin:reports")),
            Crumb("New report", reverse("admin:report_new")),
        ],
        refusal=refusal,
        kind=kind,
        form=form,
        view=view,
        query=form["query"].value() if view else "",
        schedule=address("schedule_new", type=kind.name),
        **more,
    )
