"""How much of the escrow provider's limit is used, and what waits for it."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from rest_framework import serializers

from offerhub.api.docs import describe
from offerhub.api.requests import ApiRequest
from offerhub.api.serializers import Shape
from offerhub.api.views import ApiView, Response, respond
from offerhub.budget import queue
from offerhub.budget.lanes import Lane
from offerhub.budget.queue import Overview


class WaitingShape(Shape):
    """The marketplace's own operations that wait in one lane. `requests` has those of the steps
    that follow them, too; `estimatedEnd` is when the last of them is let through."""

    lane = serializers.ChoiceField([lane.name for lane in Lane])
    operations = serializers.IntegerField()
    requests = serializers.IntegerField()
    estimated_end = serializers.DateTimeField()


class BudgetShape(Shape):
    """Requests to the escrow provider, of all marketplaces together. Without a limit `limit` is
    null and nothing ever waits."""

    limit = serializers.IntegerField(allow_null=True)
    window_seconds = serializers.FloatField()
    used = serializers.IntegerField()
    blocked_until = serializers.DateTimeField(allow_null=True)
    waiting = WaitingShape(many=True)


class ProviderBudgetView(ApiView):
    """What others have waiting is not shown, but it is in the estimates."""

    scopes = {"GET": "operations:read"}

    @describe("See the escrow provider's limit", tag="Operations", answer=BudgetShape)
    def get(self, request: ApiRequest) -> Response:
        return respond(_body(queue.overview(), request.marketplace_id))


def _body(now: Overview | None, marketplace_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "limit": None,
        "windowSeconds": settings.PROVIDER_WINDOW,
        "used": 0,
        "blockedUntil": None,
        "waiting": [],
    }
    if now is None:
        return body
    at, blocked = datetime.now(UTC), now.blocked_for
    own = [share for share in now.shares if share.marketplace_id == marketplace_id]
    return {
        **body,
        "limit": now.standing.limit,
        "used": now.used,
        "blockedUntil": at + blocked if blocked else None,
        "waiting": [
            {
                "lane": Lane(share.lane).name,
                "operations": share.operations,
                "requests": share.requests,
                "estimatedEnd": at + now.until(share.lane, share.upto),
            }
            for share in own
        ],
    }
