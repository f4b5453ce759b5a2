"""The OpenAPI document: complete, exact, and true to what the routes answer."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.contrib.staticfiles import finders
from drf_spectacular.drainage import GENERATOR_STATS

from offerhub.api import schema
from offerhub.api.docs import description_of
from offerhub.api.fields import AmountField, IdField, TextField
from offerhub.api.operations import operation_body
from offerhub.api.routes import routes
from offerhub.api.schema_fields import amount_text
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["tests.api.urls", "offerhub.urls"])
def document(request: pytest.FixtureRequest, settings: Any) -> dict[str, Any]:
    settings.ROOT_URLCONF = request.param
    return schema.build()


def test_every_route_is_in_the_document(document: dict[str, Any]) -> None:
    known = {(route.path, m.lower()) for route in routes() for m in route.methods}
    shown = {(path, m) for path, methods in document["paths"].items() for m in methods}
    assert known == shown
    ids = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
    assert sorted(ids) == sorted(set(ids))


def test_the_generator_has_nothing_to_complain_about(settings: Any) -> None:
    settings.ROOT_URLCONF = "offerhub.urls"
    GENERATOR_STATS.reset()
    schema.build()
    assert GENERATOR_STATS._warn_cache | GENERATOR_STATS._error_cache == {}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for ref in refs(document):
        found: Any = document
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from refs(value)


def test_every_schema_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    for component in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(component)


def test_every_operation_says_its_scope_and_its_refusals(document: dict[str, Any]) -> None:
    for route in routes():
        for method in route.methods:
            operation = document["paths"][route.path][method.lower()]
            scope = route.view.scopes[method]
            if scope == "public":
                assert "security" not in operation
            else:
                needed = [] if scope == "any" else [scope]
                assert operation["security"] == [{"apiKey": needed}]
                assert {"401", "403", "429", "500", "503"} <= operation["responses"].keys()
            if "{" in route.path:
                assert "404" in operation["responses"]
            described = description_of(route.view, method)
            for refusal in described.refusals if described else ():
                assert str(refusal.status) in operation["responses"]
            names = {p["$ref"].rsplit("/")[-1] for p in operation["parameters"] if "$ref" in p}
            assert ("Idempotency-Key" in names) == (method == "POST")
            waits = described is not None and described.waits
            assert (("Prefer" in names), ("202" in operation["responses"])) == (waits, waits)


def test_what_the_routes_answer_is_what_the_document_says(api: Api) -> None:
    document = schema.build()

    def check(method: str, path: str, answer: Any) -> None:
        response = document["paths"][f"/api/v1{path}"][method]["responses"][str(answer.status_code)]
        while "$ref" in response:
            response = document["components"]["responses"][response["$ref"].rsplit("/")[-1]]
        content = response["content"][answer.headers["Content-Type"]]
        resolver = {"components": document["components"], **content["schema"]}
        jsonschema.validate(answer.json(), resolver)

    check("get", "/me", api.get("/me"))
    check("get", "/toys", api.get("/toys"))
    check("post", "/toys", api.post("/toys", {"name": "Car"}))
    check("post", "/toys", api.post("/toys", {"name": ""}))
    check("post", "/toys", api.post("/toys", {"name": "too expensive"}))
    check("get", "/operations/{operationId}", api.get("/operations/opr_none"))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        *((text, 2) for text in ["500", "12.34", "0.01", "0.1", "1.00", "12.3400000", "12.341"]),
        *(
            (text, 2)
            for text in ["0", "0.00", "-1", "01", "1.", ".5", "1e2", "1,0", "", " 1", "+1"]
        ),
        *((text, 7) for text in ["0.0000001", "1.1234567", "1.12345678", "0.0000000", "99"]),
    ],
)
def test_the_pattern_of_amounts_takes_what_the_field_takes(text: str, places: int) -> None:
    assert bool(re.fullmatch(amount_text(places), text)) == takes(AmountField(places=places), text)


@pytest.mark.parametrize(
    "field",
    [
        TextField(max_length=9),
        IdField(),
        TextField(max_length=9, lines=True),
        TextField(max_length=9, allow_blank=True),
    ],
)
def test_the_patterns_of_texts_take_what_the_fields_take(field: TextField) -> None:
    from offerhub.api.schema_fields import TextSchema

    found = TextSchema(field)._pattern()  # type: ignore[no-untyped-call]
    pattern = re.compile(found.removesuffix("$") + r"\Z")
    for text in [
        *("a", "a b", " a", "a ", " ", "", "a\nb", "\n", "a\tb", "a\rb", "\x1f", "a\x7f", "ü"),
        *("\u202e", "a\u2066", "日本", "\u200b", "👩‍🚀", "a\x0bb", "a\x85b"),
    ]:
        if field.allow_blank and text and not text.strip():
            continue  # taken as no text at all
        says = bool(pattern.search(text)) and (bool(text) or field.allow_blank)
        assert says == takes(field, text), repr(text)


def takes(field: Any, value: str) -> bool:
    from rest_framework.exceptions import ValidationError

    try:
        field.run_validation(value)
    except ValidationError:
        return False
    return True


def test_the_document_is_public_and_may_be_kept(api: Api) -> None:
    answer = api.client.get("/api/v1/schema")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.json()["info"]["title"] == "Offerhub"


def test_the_page_shows_every_route_under_the_strict_policy(api: Api) -> None:
    answer = api.client.get("/api/v1/docs")
    page = answer.content.decode()
    assert answer.status_code == 200
    for route in routes():
        assert route.path in page
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)
    assert scripts and not any(script.strip() for script in scripts)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    for address in re.findall(r'(?:src|href)="([^"#]+)', page):
        assert address.startswith("/")
    for name in ("api/docs.js", "api/docs.css"):
        assert finders.find(name)


def test_every_code_of_a_problem_leads_to_its_place_on_the_page(api: Api) -> None:
    page = api.client.get("/api/v1/docs").content.decode()
    for answer in (api.get("/nowhere"), api.post("/toys", {}), api.get("/toys?limit=0")):
        path, _, anchor = answer.json()["type"].partition("#")
        assert path == "/api/v1/docs"
        assert f'id="{anchor}"' in page


def test_an_operation_is_shown_as_the_document_says() -> None:
    from offerhub.chain.submission import Status
    from offerhub.chain.tables import concrete_tables

    document = schema.build()
    model = concrete_tables()[0]
    for status in Status:
        row = model(kind="transfer", status=status, problem=None, xdr="AAAA", hash="ab")
        body = operation_body(row)
        assert "AAAA" not in repr(body)
        shape = document["components"]["schemas"]["Operation"]
        assert set(shape["required"]) == body.keys()
        assert body["nextStep"] in shape["properties"]["nextStep"]["enum"]
        assert (body["nextStep"] is None) == (status in {Status.CONFIRMED, Status.FAILED})
