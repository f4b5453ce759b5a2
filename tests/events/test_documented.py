"""The OpenAPI document tells every event: as a webhook, and as a schema that it fits."""

import jsonschema  # type: ignore[import-untyped]
import pytest

from offerhub.api import schema
from offerhub.api.events.documented import UNION, example_of, name_of
from offerhub.events import bodies
from offerhub.events.catalog import catalogue
from tests.events.conftest import Market


def test_every_type_is_a_webhook_with_an_example_that_fits() -> None:
    document = schema.build()
    assert set(document["webhooks"]) == set(catalogue())
    for one in catalogue().values():
        operation = document["webhooks"][one.name]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        resolver = {"components": document["components"], **content["schema"]}
        jsonschema.validate(content["example"], resolver)
        assert content["example"] == example_of(one)
    union = document["components"]["schemas"][UNION]
    assert set(union["discriminator"]["mapping"]) == set(catalogue())


def test_what_is_sent_fits_its_schema_and_no_other(market: Market) -> None:
    market.rename()
    market.key()
    document = schema.build()
    for event in market.events():
        body = bodies.event_body(event) | {"createdAt": event.created_at.isoformat()}
        union = document["components"]["schemas"][UNION]
        jsonschema.validate(body, {"components": document["components"], **union})
        with pytest.raises(jsonschema.ValidationError):
            other = document["components"]["schemas"][name_of(catalogue()["order.created"])]
            jsonschema.validate(body, {"components": document["components"], **other})
