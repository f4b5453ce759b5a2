"""Views over the marketplace table, which stands for any resource here."""

from typing import Any

from django.db import OperationalError
from psycopg.errors import LockNotAvailable
from rest_framework.serializers import FileField

from offerhub.api.docs import describe
from offerhub.api.fields import AmountField, IdField, IntegerField, MetadataField, TextField
from offerhub.api.pagination import page
from offerhub.api.parsing import UploadParser
from offerhub.api.requests import ApiRequest
from offerhub.api.serializers import Body, Query, Shape
from offerhub.api.views import Answer, ApiView, Response, respond
from offerhub.core import jobs
from offerhub.core.actor import Actor
from offerhub.core.errors import InsufficientFunds, NotFound
from offerhub.marketplaces import services
from offerhub.marketplaces.models import Marketplace


class Part(Body):
    id = IdField()
    amount = AmountField(places=2)


class NewToy(Body):
    name = TextField(max_length=100)
    unit_price = AmountField(places=2, required=False)
    fee_percent = IntegerField(min_value=0, max_value=200, required=False)
    parts = Part(many=True, required=False)
    metadata = MetadataField(required=False)


class ToyQuery(Query):
    name = TextField(max_length=100, required=False)


class ToyShape(Shape):
    id = IdField()
    name = TextField(max_length=100)


def body_of(toy: Marketplace) -> dict[str, Any]:
    return {"id": toy.id, "name": toy.name, "status": "PENDING" if toy.id in PENDING else "DONE"}


PENDING: set[str] = set()


def make(request: ApiRequest, actor: Actor) -> str:
    new = NewToy.read(request)
    toy = services.create_marketplace(
        name=new["name"], platform_fee_percent=new.get("fee_percent", 0), actor=actor
    )
    if new["name"] == "too expensive":
        raise InsufficientFunds(available="1.00", requested="2.00")
    return toy.id


def show(toy_id: str) -> Answer:
    body = body_of(Marketplace.objects.get(pk=toy_id))
    return Answer(body, pending=body["status"] == "PENDING")


class Toys(ApiView):
    scopes = {"GET": "orders:read", "POST": "orders:write"}

    @describe("List toys", tag="Toys", query=ToyQuery, answer=ToyShape, listed=True)
    def get(self, request: ApiRequest) -> Response:
        named = ToyQuery.read(request)
        rows = Marketplace.objects.filter(**named)
        return respond(page(rows, request.query_params, body_of))

    @describe(
        "Make a toy",
        tag="Toys",
        body=NewToy,
        answer=ToyShape,
        status=201,
        refusals=[InsufficientFunds],
    )
    def post(self, request: ApiRequest) -> Response:
        return self.perform(request, lambda actor: make(request, actor), show, created=True)


class CarefulToys(ApiView):
    """Asks the network first whether the toy makes sense."""

    scopes = {"POST": "orders:write"}

    @describe("Make a toy after asking", body=NewToy, answer=ToyShape, status=201)
    def post(self, request: ApiRequest) -> Response:
        def change(actor: Actor) -> str:
            return make(request, actor)

        ask = CarefulToys.ask
        return self.perform(request, change, show, created=True, prepare=ask)

    @staticmethod
    def ask() -> None:
        """What would ask the network."""


class NewPicture(Body):
    name = TextField(max_length=100)
    file = FileField()


class PictureShape(ToyShape):
    bytes = IntegerField(min_value=0, max_value=10**9)


class Pictures(ApiView):
    scopes = {"POST": "orders:write"}
    parser_classes = [UploadParser]

    @describe("Hand in a picture", body=NewPicture, answer=PictureShape, status=201)
    def post(self, request: ApiRequest) -> Response:
        new = NewPicture.read(request)

        def change(actor: Actor) -> str:
            return services.create_marketplace(name=new["name"], actor=actor).id

        def shown(toy_id: str) -> Answer:
            return Answer({**show(toy_id).body, "bytes": new["file"].size})

        return self.perform(request, change, shown, created=True)


class SlowToy(ApiView):
    """Its outcome is pending until a job has run."""

    scopes = {"POST": "orders:write"}

    @describe("Make a toy on the chain", body=NewToy, answer=ToyShape, status=201, waits=True)
    def post(self, request: ApiRequest) -> Response:
        def change(actor: Actor) -> str:
            toy_id = make(request, actor)
            PENDING.add(toy_id)
            jobs.ring("toys.finish", toy_id)
            return toy_id

        return self.perform(request, change, show, created=True)


class Toy(ApiView):
    scopes = {"GET": "orders:read", "PATCH": "orders:write"}

    def get(self, request: ApiRequest, toy_id: str) -> Response:
        if toy_id == "crash":
            raise ZeroDivisionError("ohk_test_abcdefgh_" + "s" * 43)
        if toy_id == "database":
            raise OperationalError("the server closed the connection")
        if toy_id == "locked":
            raise OperationalError("canceling statement") from LockNotAvailable()
        toy = Marketplace.objects.filter(pk=toy_id).first()
        if toy is None:
            raise NotFound
        return respond(body_of(toy))

    def patch(self, request: ApiRequest, toy_id: str) -> Response:
        return respond(NewToy.read(request, partial=True) | {"id": toy_id})
