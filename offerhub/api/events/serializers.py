"""Bodies, filters and answers of events and webhooks."""

from datetime import timedelta
from typing import Any

from offerhub.api.fields import (
    BooleanField,
    ChoiceField,
    DurationField,
    IdField,
    IntegerField,
    ListField,
    MetadataField,
    TextField,
    TimestampField,
    UrlField,
)
from offerhub.api.serializers import Body, Query, Shape
from offerhub.events.endpoints import LONGEST_OVERLAP
from offerhub.events.models import WebhookDelivery, WebhookEndpoint
from offerhub.events.replaying import MOST_AT_ONCE, REPLAYABLE

TYPE = 60
MOST_TYPES = 100
COUNT = 2**31 - 1


class EventQuery(Query):
    """Filters of `GET /events`: `after` an event's id or cursor, `types` with commas between."""

    own = frozenset({"limit"})

    after = IdField(required=False)
    cursor = IdField(required=False)
    types = TextField(max_length=2000, required=False)
    subject = IdField(required=False)


class StreamQuery(Query):
    """Filters of the stream. `after` is for readers that can not send `Last-Event-ID`."""

    own = frozenset()

    after = IdField(required=False)
    types = TextField(max_length=2000, required=False)
    subject = IdField(required=False)


class EventShape(Shape):
    """What happened to one object. `sequence` counts the events of its `subject` from 1 without a
    gap; `cursor` is its place in the log of all. What `data` holds is said by `type` and `version`:
    see the webhooks of this document."""

    id = IdField()
    type = TextField(max_length=TYPE)
    version = IntegerField(min_value=1, max_value=COUNT)
    created_at = TimestampField()
    subject = IdField()
    sequence = IntegerField(min_value=1, max_value=COUNT)
    cursor = TextField(max_length=18)
    request_id = TextField(max_length=64, allow_null=True)
    data = MetadataField()  # type: ignore[assignment]


class _Types(ListField):
    """Names of types."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=TextField(max_length=TYPE), max_length=MOST_TYPES, **options)


class NewEndpointBody(Body):
    """Where to post events. `types` holds names (`order.created`) and areas (`order.*`); without
    it every type is posted."""

    url = UrlField(max_length=500)
    types = _Types(required=False)
    description = TextField(max_length=200, required=False, allow_blank=True)


class EndpointChangesBody(Body):
    """Only what is sent changes."""

    url = UrlField(max_length=500, required=False)
    types = _Types(required=False)
    description = TextField(max_length=200, required=False, allow_blank=True)
    status = ChoiceField(
        choices=[WebhookEndpoint.Status.ENABLED.value, WebhookEndpoint.Status.DISABLED.value],
        required=False,
    )


class RotateSecretBody(Body):
    """How long the secret before signs as well."""

    overlap = DurationField(least=timedelta(), most=LONGEST_OVERLAP, required=False)


class ReplayBody(Body):
    """Which deliveries: those made from `since` on and before `until` (without it: up to now).
    `statuses` are FAILED and CANCELLED unless it says otherwise; PENDING are those that wait for a
    later try. `types` holds names (`order.created`) and areas (`order.*`); without it every type.
    """

    since = TimestampField()
    until = TimestampField(required=False)
    statuses = ListField(
        child=ChoiceField(choices=REPLAYABLE),
        min_length=1,
        max_length=len(REPLAYABLE),
        required=False,
    )
    types = _Types(required=False)


class WebhookReplayShape(Shape):
    """How many are sent again; `hasMore` when as many as one call takes were not all of them."""

    count = IntegerField(min_value=0, max_value=MOST_AT_ONCE)
    has_more = BooleanField()


class WebhookEndpointShape(Shape):
    """An endpoint. `reason` says why it is disabled; `failures` counts the tries in a row that were
    not accepted, since `failingSince`."""

    id = IdField()
    url = TextField(max_length=500)
    types = ListField(child=TextField(max_length=TYPE))
    description = TextField(max_length=200)
    status = ChoiceField(choices=["ENABLED", "DISABLED"])
    reason = ChoiceField(choices=["REQUESTED", "GONE", "FAILING"], allow_null=True)
    failures = IntegerField(min_value=0, max_value=COUNT)
    failing_since = TimestampField(allow_null=True)
    paused_until = TimestampField(allow_null=True)
    overlap_until = TimestampField(allow_null=True)
    created_at = TimestampField()


class WebhookSecretShape(WebhookEndpointShape):
    """An endpoint with its new `secret`, which nobody can see again."""

    secret = TextField(max_length=100)


class DeliveryQuery(Query):
    """Filters of an endpoint's deliveries."""

    status = ChoiceField(choices=WebhookDelivery.Status.choices, required=False)
    subject = IdField(required=False)


class WebhookAttemptShape(Shape):
    """One try: the status that was answered, or what went wrong before there was one."""

    number = IntegerField(min_value=1, max_value=COUNT)
    at = TimestampField()
    answered = IntegerField(min_value=100, max_value=999, allow_null=True)
    problem = TextField(max_length=40, allow_null=True)
    detail = TextField(max_length=200, allow_null=True)
    milliseconds = IntegerField(min_value=0, max_value=COUNT)


class WebhookDeliveryShape(Shape):
    """One event for one endpoint. `webhook-id` is its `eventId`."""

    id = IdField()
    endpoint_id = IdField()
    event_id = IdField()
    event_type = TextField(max_length=TYPE)
    subject = IdField()
    sequence = IntegerField(min_value=1, max_value=COUNT)
    status = ChoiceField(choices=WebhookDelivery.Status.choices)
    attempts = IntegerField(min_value=0, max_value=COUNT)
    answered = IntegerField(min_value=100, max_value=999, allow_null=True)
    problem = TextField(max_length=40, allow_null=True)
    next_attempt_at = TimestampField(allow_null=True)
    created_at = TimestampField()
    finished_at = TimestampField(allow_null=True)


class WebhookDeliveryDetailShape(WebhookDeliveryShape):
    """The same with every try."""

    tried = WebhookAttemptShape(many=True)
