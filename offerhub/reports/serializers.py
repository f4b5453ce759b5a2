"""Bodies, filters and answers of reports."""

from offerhub.api.fields import (
    BooleanField,
    ChoiceField,
    DayOrTimeField,
    EmailField,
    IdField,
    IntegerField,
    ListField,
    ReferenceField,
    TextField,
    TimestampField,
)
from offerhub.api.serializers import Body, Query, Shape
from offerhub.core.money import MAX_AMOUNT
from offerhub.reports import types  # noqa: F401  (the choices below are what they register)
from offerhub.reports.columns import Format, Kind
from offerhub.reports.parameters import BASES
from offerhub.reports.periods import Cadence
from offerhub.reports.registry import TYPES
from offerhub.reports.states import RunState

FORMATS = [form.value for form in Format]
NAMES = list(TYPES)
ZONE = 64  # characters of the longest name of a time zone
TIME = 40


class ReportColumnShape(Shape):
    """A column of a report. `unit` is of amounts."""

    name = TextField(max_length=40)
    type = ChoiceField(choices=[kind.value for kind in Kind])
    unit = TextField(max_length=40, allow_null=True)
    meaning = TextField(max_length=300)


class ReportTypeShape(Shape):
    """A type of report: what it tells, how it can be narrowed, and its columns in order."""

    name = ChoiceField(choices=NAMES)
    title = TextField(max_length=60)
    about = TextField(max_length=500)
    formats = ListField(child=ChoiceField(choices=FORMATS))
    filters = ListField(child=TextField(max_length=20))
    requires = ListField(child=TextField(max_length=20))
    totals = ListField(child=TextField(max_length=40))
    columns = ReportColumnShape(many=True)


class ReportTypeListShape(Shape):
    """All types."""

    data = ReportTypeShape(many=True)  # type: ignore[assignment]


class FilterBody(Body):
    """What narrows a report; which of these a type takes is in `GET /reports/types`."""

    basis = ChoiceField(choices=BASES, required=False)
    user_id = ReferenceField(required=False)
    order_id = IdField(required=False)
    account_id = IdField(required=False)
    asset = TextField(max_length=72, required=False)
    status = TextField(max_length=20, required=False)
    kind = TextField(max_length=32, required=False)
    zone = TextField(max_length=ZONE, required=False)


class NewReportRunBody(FilterBody):
    """A report to be made. `from` is part of it and `to` is not; days (`2026-10-01`) are read in
    `zone`, which is UTC unless another is named."""

    type = ChoiceField(choices=NAMES)
    format = ChoiceField(choices=FORMATS, required=False)
    from_ = DayOrTimeField(required=False)
    to = DayOrTimeField(required=False)
    at = DayOrTimeField(required=False)


class RunQuery(Query):
    """Filters of `GET /reports/runs`."""

    type = ChoiceField(choices=NAMES, required=False)
    state = ChoiceField(choices=RunState.choices, required=False)
    schedule_id = IdField(required=False)


class ReportFigureShape(Shape):
    """A control total: a sum over all rows."""

    name = TextField(max_length=40)
    amount = TextField(max_length=40)


class ReportTotalShape(Shape):
    """The control totals of one asset."""

    asset = TextField(max_length=72)
    rows = IntegerField(min_value=0, max_value=MAX_AMOUNT)
    figures = ReportFigureShape(many=True)


class ReportProblemShape(Shape):
    """Why there is no file."""

    code = TextField(max_length=40)
    detail = TextField(max_length=500)


class ReportRunShape(Shape):
    """A report on its way or done. `rowsExpected` is known once it is running; `url` takes the file
    (with the key) until `expiresAt`, and `sha256` is its digest."""

    id = IdField()
    type = ChoiceField(choices=NAMES)
    format = ChoiceField(choices=FORMATS)
    state = ChoiceField(choices=RunState.choices)
    from_ = TextField(max_length=TIME, allow_null=True)
    to = TextField(max_length=TIME, allow_null=True)
    at = TextField(max_length=TIME, allow_null=True)
    zone = TextField(max_length=ZONE)
    filters = ListField(child=TextField(max_length=200))
    schedule_id = IdField(allow_null=True)
    rows = IntegerField(min_value=0, max_value=MAX_AMOUNT)
    rows_expected = IntegerField(min_value=0, max_value=MAX_AMOUNT, allow_null=True)
    bytes = IntegerField(min_value=0, max_value=MAX_AMOUNT)
    sha256 = TextField(max_length=64, allow_null=True)
    totals = ReportTotalShape(many=True)
    url = TextField(max_length=1000, allow_null=True)
    problem = ReportProblemShape(allow_null=True)
    created_at = TimestampField()
    started_at = TimestampField(allow_null=True)
    finished_at = TimestampField(allow_null=True)
    expires_at = TimestampField(allow_null=True)


class NewReportScheduleBody(FilterBody):
    """A report for every day, week (from Monday) or month of `zone`, made at `hour` of the day
    after it. `recipients` get an e-mail with the digest and where the file is."""

    name = TextField(max_length=100, required=False)
    type = ChoiceField(choices=NAMES)
    format = ChoiceField(choices=FORMATS, required=False)
    cadence = ChoiceField(choices=[one.value for one in Cadence])
    hour = IntegerField(min_value=0, max_value=23, required=False)
    recipients = ListField(child=EmailField(), required=False, max_length=10)


class ReportScheduleChangeBody(Body):
    """What may change."""

    name = TextField(max_length=100, required=False)
    recipients = ListField(child=EmailField(), required=False, max_length=10)
    is_active = BooleanField(required=False)


class ReportScheduleShape(Shape):
    """A schedule. `nextFirstDay` begins the period whose report is made at `nextRunAt`."""

    id = IdField()
    name = TextField(max_length=100)
    type = ChoiceField(choices=NAMES)
    format = ChoiceField(choices=FORMATS)
    cadence = ChoiceField(choices=[one.value for one in Cadence])
    zone = TextField(max_length=ZONE)
    hour = IntegerField(min_value=0, max_value=23)
    filters = ListField(child=TextField(max_length=200))
    recipients = ListField(child=EmailField())
    is_active = BooleanField()
    next_first_day = TextField(max_length=10)
    next_run_at = TimestampField()
    created_at = TimestampField()
