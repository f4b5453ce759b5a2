"""The API of reports: ask for one, see how far it is, take the file; and schedules."""

from functools import partial
from typing import Any

from offerhub.api.docs import describe
from offerhub.api.pagination import page
from offerhub.api.views import Answer, ApiRequest, ApiView, Response, respond
from offerhub.core.errors import InvalidRequest, NotFound, WrongState
from offerhub.reports import schedules, services
from offerhub.reports.bodies import run_body, schedule_body, type_body
from offerhub.reports.columns import MEDIA_TYPES, Format
from offerhub.reports.models import Run, Schedule
from offerhub.reports.parameters import Parameters
from offerhub.reports.registry import TYPES
from offerhub.reports.serializers import (
    NewReportRunBody,
    NewReportScheduleBody,
    ReportRunShape,
    ReportScheduleChangeBody,
    ReportScheduleShape,
    ReportTypeListShape,
    RunQuery,
)
from offerhub.reports.serving import send_file

TAG = "Reports"
# The names of a body's members inside.
_INSIDE = {
    "from_": "since",
    "to": "until",
    "user_id": "user",
    "order_id": "order",
    "account_id": "account",
}
_OUTSIDE = {"type", "format", "name", "cadence", "hour", "recipients"}


def _asked(request: ApiRequest, body: dict[str, Any]) -> Parameters:
    """The filters of a body, of the key's own marketplace and no other."""
    given = {_INSIDE.get(name, name): value for name, value in body.items() if name not in _OUTSIDE}
    return Parameters(**given, marketplace=request.marketplace_id)


def _form(body: dict[str, Any]) -> str:
    """The format that was asked for, else the first that the type has."""
    return str(body.get("format") or TYPES[body["type"]].formats[0])


def _base(request: ApiRequest) -> str:
    return request.build_absolute_uri("/api/v1")


class ReportTypes(ApiView):
    """The types."""

    scopes = {"GET": "reports:read"}

    @describe("List the types of reports", tag=TAG, answer=ReportTypeListShape)
    def get(self, request: ApiRequest) -> Response:
        """Each with its filters, formats and columns."""
        return respond({"data": [type_body(kind) for kind in TYPES.values()]})


class Runs(ApiView):
    """The reports of the marketplace."""

    scopes = {"GET": "reports:read", "POST": "reports:write"}

    @describe("List reports", tag=TAG, query=RunQuery, answer=ReportRunShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Newest first, by type, state or schedule."""
        filters = RunQuery.read(request)
        rows = Run.objects.filter(marketplace=request.marketplace_id, **filters)
        return respond(page(rows, request.query_params, partial(run_body, base=_base(request))))

    @describe(
        "Ask for a report",
        tag=TAG,
        body=NewReportRunBody,
        answer=ReportRunShape,
        status=201,
        refusals=[InvalidRequest, services.TooManyRuns],
        examples={
            "last month's ledger": {
                "type": "ledger.entries.v1",
                "from": "2026-10-01",
                "to": "2026-11-01",
                "zone": "Europe/Vienna",
            }
        },
    )
    def post(self, request: ApiRequest) -> Response:
        """It is made in the background, of one instant of the books; ask for it until its state is
        DONE or FAILED, or wait for the event `report.finished`."""
        body = NewReportRunBody.read(request)
        return self.perform(
            request,
            lambda actor: (
                services.request_run(
                    type=body["type"], format=_form(body), asked=_asked(request, body), actor=actor
                ).pk
            ),
            lambda run_id: Answer(
                run_body(services.find_run(request.marketplace_id, run_id), _base(request))
            ),
            created=True,
        )


class OneRun(ApiView):
    """One report."""

    scopes = {"GET": "reports:read"}

    @describe("Read a report", tag=TAG, answer=ReportRunShape, refusals=[NotFound])
    def get(self, request: ApiRequest, run_id: str) -> Response:
        """How far it is; when it is done, its control totals and digest."""
        run = services.find_run(request.marketplace_id, run_id)
        return respond(run_body(run, _base(request)))


class RunFile(ApiView):
    """The file of a report."""

    scopes = {"GET": "reports:read"}

    @describe(
        "Download a report",
        tag=TAG,
        files=[MEDIA_TYPES[form].partition(";")[0] for form in Format],
        refusals=[NotFound, WrongState, services.FileExpired],
    )
    def get(self, request: ApiRequest, run_id: str) -> Response:
        """The whole file, as often as wanted until it expires. `X-Content-SHA256` is its digest."""
        run = services.find_run(request.marketplace_id, run_id)
        return send_file(services.download(run_id=run.pk, actor=request.actor))  # type: ignore[return-value]


class Schedules(ApiView):
    """The schedules of the marketplace."""

    scopes = {"GET": "reports:read", "POST": "reports:write"}

    @describe("List schedules", tag=TAG, answer=ReportScheduleShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        """Newest first."""
        rows = Schedule.objects.filter(marketplace=request.marketplace_id)
        return respond(page(rows, request.query_params, schedule_body))

    @describe(
        "Schedule a report",
        tag=TAG,
        body=NewReportScheduleBody,
        answer=ReportScheduleShape,
        status=201,
        refusals=[InvalidRequest, schedules.TooManySchedules],
    )
    def post(self, request: ApiRequest) -> Response:
        """The first period is the one that is running now. Every period is reported once; an event
        `report.finished` and e-mails tell of it."""
        body = NewReportScheduleBody.read(request)
        return self.perform(
            request,
            lambda actor: (
                schedules.create(
                    name=body.get("name", ""),
                    type=body["type"],
                    format=_form(body),
                    filters=_asked(request, body),
                    cadence=body["cadence"],
                    hour=body.get("hour", schedules.HOUR),
                    recipients=body.get("recipients", []),
                    actor=actor,
                ).pk
            ),
            partial(_show_schedule, request.marketplace_id),
            created=True,
        )


class OneSchedule(ApiView):
    """One schedule."""

    scopes = {"GET": "reports:read", "PATCH": "reports:write"}

    @describe("Read a schedule", tag=TAG, answer=ReportScheduleShape, refusals=[NotFound])
    def get(self, request: ApiRequest, schedule_id: str) -> Response:
        """When it runs next, and for which period."""
        return respond(_show_schedule(request.marketplace_id, schedule_id).body)

    @describe(
        "Change a schedule",
        tag=TAG,
        body=ReportScheduleChangeBody,
        answer=ReportScheduleShape,
        refusals=[NotFound, InvalidRequest],
    )
    def patch(self, request: ApiRequest, schedule_id: str) -> Response:
        """Stop it, let it go on, or change its name and recipients."""
        changes, tenant = (
            ReportScheduleChangeBody.read(request, partial=True),
            request.marketplace_id,
        )
        schedules.update(
            schedule_id=schedule_id, marketplace_id=tenant, actor=request.actor, **changes
        )
        return respond(_show_schedule(tenant, schedule_id).body)


def _show_schedule(marketplace_id: str, schedule_id: str) -> Answer:
    return Answer(schedule_body(schedules.find(marketplace_id, schedule_id)))
