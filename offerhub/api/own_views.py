"""The routes of the API itself: who am I, what became of an operation, and its own description."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from rest_framework import serializers

from offerhub.api import reference, schema
from offerhub.api.docs import describe
from offerhub.api.operations import OperationShape, operation_body, waits_for_turn
from offerhub.api.permissions import ANY_KEY, PUBLIC
from offerhub.api.rendering import encode
from offerhub.api.requests import ApiRequest
from offerhub.api.serializers import Shape
from offerhub.api.views import ApiView, Response, respond
from offerhub.budget import queue
from offerhub.chain import tables
from offerhub.core.errors import NotFound
from offerhub.events.catalog import catalogue
from offerhub.marketplaces import tokens
from offerhub.marketplaces.models import RefundFees


class NamedShape(Shape):
    id = serializers.CharField()
    name = serializers.CharField()


class KeyShape(NamedShape):
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)


class MarketplaceShape(NamedShape):
    """With the fees of its new orders."""

    platform_fee_percent = serializers.IntegerField()
    max_platform_fee_percent = serializers.IntegerField()
    refund_fees_borne_by = serializers.ChoiceField(RefundFees.values)


class MeShape(Shape):
    marketplace = MarketplaceShape()
    api_key = KeyShape()
    network = serializers.ChoiceField(["sandbox", "testnet", "mainnet"])


class MeView(ApiView):
    """Any key may ask who it is; costs no query while the key is remembered."""

    scopes = {"GET": ANY_KEY}

    @describe("Who this key is", tag="Account", answer=MeShape)
    def get(self, request: ApiRequest) -> Response:
        key = request.principal
        body: dict[str, Any] = {
            "marketplace": {
                "id": key.marketplace_id,
                "name": key.marketplace_name,
                **key.marketplace_fees,
            },
            "apiKey": {
                "id": key.key_id,
                "name": key.key_name,
                "scopes": sorted(key.scopes),
                "expiresAt": key.expires_at,
            },
            "network": settings.OFFERHUB_NETWORK,
        }
        return respond(body)


class SchemaView(ApiView):
    """The OpenAPI 3.1 document. Public, and the same for everybody."""

    scopes = {"GET": PUBLIC}

    @describe("The OpenAPI document", tag="Account")
    def get(self, request: ApiRequest) -> Response:
        return _cacheable(respond(_document()))


class DocsView(ApiView):
    """The document as a page."""

    scopes = {"GET": PUBLIC}

    @describe("This page", tag="Account")
    def get(self, request: ApiRequest) -> Response:
        return _cacheable(HttpResponse(_page()))


def _cacheable(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@cache
def _document() -> bytes:
    return encode(schema.build())


@cache
def _page() -> str:
    document = schema.build()
    context = {
        "title": document["info"]["title"],
        "description": document["info"]["description"],
        "openapi": document["openapi"],
        "mode": tokens.mode(),
        "tags": reference.Reader(document).by_tag(),
        "refusals": reference.all_refusals(),
        "events": catalogue().values(),
    }
    return render_to_string("api/docs.html", context)


class OperationView(ApiView):
    """One chain operation, whatever table it is in."""

    scopes = {"GET": "operations:read"}

    @describe(
        "See an operation on the chain",
        tag="Operations",
        answer=OperationShape,
        refusals=[NotFound],
    )
    def get(self, request: ApiRequest, operation_id: str) -> Response:
        row = tables.find(operation_id, request.marketplace_id)
        if row is None:
            raise NotFound(f"There is no operation {operation_id}")
        end = queue.estimated_end(row.id) if waits_for_turn(row) else None
        return respond(operation_body(row, end))
