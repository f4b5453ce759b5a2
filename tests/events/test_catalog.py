"""The catalogue is exact: what the code writes is in it, and what is in it the code writes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.db import transaction

from offerhub.core.actor import system
from offerhub.events import catalog, services
from offerhub.events.fields import schema_of
from offerhub.marketplaces.models import Marketplace

ROOT = Path(__file__).resolve().parent.parent.parent
# The functions through which the product writes events, here and in the apps.
WRITERS = {
    "record",
    "record_all",
    "_advance",
    "_record",
    "recorded",
    "save",
    "_save",
    "first",
    "close",
    "back",
    "tell",
    "_event_type",
}
NAME = re.compile(r"[a-z_]+\.[a-z_]+")


def _sources() -> Iterator[ast.AST]:
    for folder in ("offerhub", "ledger", "orders", "payouts", "disputes"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            aside = {"migrations", "audit", "desk", "sandbox", "demo", "supervisor"}
            if not aside & set(path.parts) and path.name not in ("event_types.py", "admin.py"):
                yield ast.parse(path.read_text())


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _written() -> set[str]:
    """Patterns of the names in the code: literal ones, and `*` where something is filled in."""
    found: set[str] = set()
    for tree in _sources():
        named = _constants(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in WRITERS:
                for argument in node.args:
                    found |= _patterns(argument, named)
            if isinstance(node, ast.FunctionDef) and node.name == "_event_type":
                found |= {p for n in ast.walk(node) for p in _patterns(n, {})}
    return {name for name in found if NAME.fullmatch(name.replace("*", "x"))}


def _constants(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """All that simple names stand for: `event = "deposit.assigned" if … else …`."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _patterns(node: ast.AST, named: dict[str, list[ast.expr]]) -> set[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.JoinedStr):
        parts = [v.value if isinstance(v, ast.Constant) else "*" for v in node.values]
        return {"".join(map(str, parts))}
    if isinstance(node, ast.IfExp):
        return _patterns(node.body, named) | _patterns(node.orelse, named)
    if isinstance(node, ast.Name):
        # `event = _ENDED[…]` leads on to the table, once: names may stand for themselves.
        rest = {name: values for name, values in named.items() if name != node.id}
        return {p for value in named.get(node.id, ()) for p in _patterns(value, rest)}
    if isinstance(node, ast.Subscript):
        return _patterns(node.value, named)
    if isinstance(node, ast.Dict):
        return {p for value in node.values for p in _patterns(value, named)}
    return set()


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile("[a-z_]+".join(map(re.escape, pattern.split("*"))))


def test_every_type_that_the_code_writes_is_declared_and_no_other() -> None:
    known, written = set(catalog.catalogue()), _written()
    assert len(written) > 50
    missing = [p for p in sorted(written) if not any(_regex(p).fullmatch(name) for name in known)]
    assert missing == [], "declare them in the event_types.py of the app that writes them"
    unused = [n for n in sorted(known) if not any(_regex(p).fullmatch(n) for p in written)]
    assert unused == []


def test_every_example_fits_its_schema_and_every_schema_is_one() -> None:
    for one in catalog.catalogue().values():
        jsonschema.Draft202012Validator.check_schema(one.schema)
        jsonschema.validate(one.example, one.schema)
        assert one.summary, one.name
        assert one.version == 1


@pytest.mark.parametrize(
    ("name", "subject", "payload", "complaint"),
    [
        ("order.invented", "ord_1", {}, "is not declared"),
        ("order.reserved", "wdr_1", {"status": "RESERVED"}, "is about ord_…, not about wdr_1"),
        ("order.reserved", "ord_1", {}, "'status' is a required property"),
        ("order.reserved", "ord_1", {"status": "PAID"}, "'PAID' is not one of"),
        ("order.reserved", "ord_1", {"status": "RESERVED", "by": "x"}, "'by' was unexpected"),
        ("user.updated", "usr_1", {"changed": "name"}, "'name' is not of type 'array'"),
    ],
)
def test_what_is_not_as_declared_is_complained_about(
    name: str, subject: str, payload: dict[str, Any], complaint: str
) -> None:
    assert complaint in catalog.complaint_about(name, subject, payload)


@pytest.mark.django_db
def test_the_tests_refuse_it_at_the_moment_of_writing(settings: Any) -> None:
    shop = Marketplace.objects.create(name="Shop")
    before = shop.version
    with pytest.raises(catalog.NotInCatalogue, match=r"marketplace\.invented: is not declared"):
        services.record(shop, "marketplace.invented", actor=system("test"))
    settings.EVENTS_STRICT = False  # as installations run: money does not stand still for it
    with transaction.atomic():
        services.record(shop, "marketplace.invented", actor=system("test"), payload={"a": 1})
    assert shop.version == before + 1
    assert catalog.shown("marketplace.invented", {"a": 1}) == {}


def test_what_is_private_never_leaves_the_house() -> None:
    told = {"status": "OPEN", "orderId": "ord_1", "from": "stf_1", "to": None}
    assert catalog.shown("dispute.assigned", told) == {"status": "OPEN", "orderId": "ord_1"}
    schema = schema_of(catalog.catalogue()["dispute.assigned"].public)
    assert sorted(schema["properties"]) == ["orderId", "status"]


def test_filters_are_names_and_areas() -> None:
    assert catalog.matches([], "order.created")
    assert catalog.matches(["order.created"], "order.created")
    assert catalog.matches(["user.created", "order.*"], "order.created")
    assert not catalog.matches(["orders.*", "order.create"], "order.created")
    assert catalog.unknown_in(["order.*", "order.created", "order", "*", "x.*"]) == [
        "order",
        "*",
        "x.*",
    ]
