"""What a marketplace hears: webhooks as they are really sent, streams that break in the middle."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from offerhub_sdk import (
    AsyncOfferHubClient,
    OfferHubClient,
    WebhookVerificationError,
    verify_webhook,
)
from standardwebhooks import Webhook

from offerhub.events import endpoints
from offerhub.events.bodies import encoded
from tests.events.conftest import ACTOR, Market, delivering
from tests.events.consumer import Consumer, Heard, consuming
from tests.events.streams import Cutter, Served, looping
from tests.http import Api
from tests.processes.children import until
from tests.sdk.test_typescript import node, package

__all__ = ["package"]  # a fixture

# Where connections break: within the head, within an event, between many and few.
BREAKS = (90, 700, 1500, 2900)
COUNT = 12
# Ends a line in Python and in JavaScript, but not in a stream of events.
ODD = "Paper\u2028and\u0085string\u2029\x0b, 5 €"


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[str]:
    with looping(Served()) as address:
        yield address


@pytest.fixture
def market(committed: None) -> Market:
    """With some events behind its first."""
    made = Market(ODD)
    made.rename(COUNT - 1)
    made.key(name=ODD)
    return made


@pytest.fixture
def wanted(market: Market) -> list[Any]:
    """The events behind the first, as they are."""
    return [json.loads(encoded(event)) for event in market.events()[1 : COUNT + 1]]


@pytest.fixture
def way(server: str) -> Iterator[Cutter]:
    with closing(Cutter(server, *BREAKS)) as cutter:
        yield cutter


def test_python_follows_a_stream_that_breaks(
    market: Market, wanted: list[Any], way: Cutter, server: str
) -> None:
    token, first = market.key().token, market.events()[0].id
    with OfferHubClient(token, way.url) as client:
        stream = client.events.follow(last_event_id=first)
        assert [next(stream) for _ in range(COUNT)] == wanted
    assert way.cuts == len(BREAKS)

    async def play() -> list[Any]:
        with closing(Cutter(server, *BREAKS)) as again:
            async with AsyncOfferHubClient(token, again.url) as client:
                found = []
                async for event in client.events.follow(last_event_id=first):
                    found.append(event)
                    if len(found) == COUNT:
                        break
            assert again.cuts == len(BREAKS)
            return found

    assert asyncio.run(play()) == wanted


def sent(market: Market) -> list[tuple[Heard, list[str]]]:
    """Two real deliveries, one of them while a secret is rotated, with the secrets that fit."""
    market.events()  # have their numbers, so that the endpoint is sent none of them
    with consuming() as consumer, delivering():
        made = endpoints.create_endpoint(
            marketplace_id=market.id, url=consumer.url, types=["marketplace.*"], actor=ACTOR
        )
        old, target = endpoints.reveal(made), made.endpoint_id
        _renamed(market, consumer, 1)
        new = endpoints.rotate_secret(marketplace_id=market.id, endpoint_id=target, actor=ACTOR)
        _renamed(market, consumer, 2)
        endpoints.delete_endpoint(marketplace_id=market.id, endpoint_id=target, actor=ACTOR)
    one, two = consumer.heard
    return [(one, [old]), (two, [old, endpoints.reveal(new)])]


def _renamed(market: Market, consumer: Consumer, count: int) -> None:
    market.rename()
    until(lambda: len(consumer.heard) == count, 10)


def test_python_verifies_what_is_really_sent(market: Market) -> None:
    for heard, secrets in sent(market):
        for secret in secrets:
            assert verify_webhook(heard.body, heard.headers, secret) == heard.event
            assert Webhook(secret).verify(heard.body, heard.headers) == heard.event
            with pytest.raises(WebhookVerificationError):
                verify_webhook(heard.body + b" ", heard.headers, secret)


def test_node_verifies_what_is_really_sent_and_follows_a_stream_that_breaks(
    package: Any, market: Market, wanted: list[Any], way: Cutter
) -> None:
    deliveries = sent(market)
    told = {
        "deliveries": [
            {"body": heard.body.decode(), "headers": heard.headers, "secrets": secrets}
            for heard, secrets in deliveries
        ],
        "last": market.events()[0].id,
        "count": COUNT,
    }
    api = Api(way.url, market.key().token)
    seen = json.loads(node(package, "test/events.mjs", api=api, told=json.dumps(told)))
    expected = [heard.event for heard, secrets in deliveries for _ in secrets]
    assert seen["verified"] == [[event, event] for event in expected]
    assert seen["refused"] == ["WebhookVerificationError"] * 2 * len(expected)
    assert seen["events"] == wanted
    assert way.cuts == len(BREAKS)
