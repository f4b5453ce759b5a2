"""A consumer that fails three times in ten, and a deliverer that is killed again and again: every
event arrives, once after deduplication, in the order of its object."""

import os
import random
import signal
import time
from collections import defaultdict
from pathlib import Path

import pytest
from django.db import connection
from standardwebhooks import Webhook

from offerhub.marketplaces import services as marketplaces
from tests.events.conftest import ACTOR, Market, managed
from tests.events.consumer import Consumer, Heard
from tests.events.test_webhooks import secret_of
from tests.processes.children import child


@pytest.mark.slow
def test_every_event_arrives_once_and_in_order_whatever_fails(
    market: Market, consumer: Consumer, tmp_path: Path
) -> None:
    endpoint = market.endpoint(consumer.url)
    chance = random.Random(3)  # noqa: S311 (the same each time)
    consumer.reply = lambda heard: 200 if chance.random() >= 0.3 else 503
    keys = [market.key().key for _ in range(60)]
    market.rename(30)
    for key in keys:
        marketplaces.revoke_api_key(key_id=key.pk, actor=ACTOR)
    wanted = [event.id for event in market.events()[-150:]]
    command, environment = managed("deliver")
    log = tmp_path / "log"
    for more in (20, 60, 40, None):  # killed after so many; at last, not
        with child(*command, log=log, environment=environment) as process:
            enough = len(consumer.heard) + more if more else 10**6
            _wait(market, consumer, enough, log)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        _leases_run_out()
    assert {row.status for row in market.deliveries()} == {"DELIVERED"}
    assert len(consumer.heard) > 150 * 1.2  # it did fail
    assert set(consumer.ids()) == set(wanted)
    verifier = Webhook(secret_of(endpoint))
    for one in consumer.heard:
        verifier.verify(one.body, one.headers)
    for subject, sequences in _firsts(consumer.heard).items():
        assert sequences == sorted(sequences), subject


def _wait(market: Market, consumer: Consumer, enough: int, log: Path) -> None:
    """Until so many were heard, or nothing is left; pauses between tries are cut short."""
    deadline = time.monotonic() + 120
    while len(consumer.heard) < enough and market.deliveries(status="PENDING"):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.3)
        market.hurry()


def _leases_run_out() -> None:
    """What the dead had taken is free."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE events_webhookdelivery SET lease_until = now() WHERE lease_until > now()"
        )


def _firsts(heard: list[Heard]) -> dict[str, list[int]]:
    """The sequences of each object in the order in which they were first heard."""
    seen: set[str] = set()
    found: dict[str, list[int]] = defaultdict(list)
    for one in heard:
        if one.id not in seen:
            seen.add(one.id)
            found[one.event["subject"]].append(one.event["sequence"])
    return found
