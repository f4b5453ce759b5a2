"""What an operator types: webhook endpoints, and the log as it grows."""

import json
import signal
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from standardwebhooks import Webhook

from offerhub.events import deliveries, replaying
from offerhub.events.models import Event, WebhookEndpoint
from offerhub.management.commands import webhooks
from tests.events.conftest import Market, delivering, managed
from tests.events.consumer import Consumer
from tests.processes.children import child, until


def command(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said, stderr=StringIO())
    return said.getvalue()


def test_an_endpoint_is_made_tried_and_given_a_new_secret_by_command(
    market: Market, consumer: Consumer
) -> None:
    make = ("webhooks", "add", market.id, consumer.url)
    secret = command(*make, "--types", "order.*,api_key.created", "--description", "Shop").strip()
    (row,) = WebhookEndpoint.objects.filter(marketplace=market.id)
    assert row.types == ["api_key.created", "order.*"]
    with delivering():
        said = command("webhooks", "test", row.pk)
        newer = command("webhooks", "rotate", row.pk, "--overlap", "PT1H").strip()
        command("webhooks", "test", row.pk)
        consumer.reply = lambda heard: 500
        with pytest.raises(CommandError, match=r"answered 500 after \d+ ms; it is tried again at"):
            command("webhooks", "test", row.pk)
    assert "answered 200 after" in said
    first, second, _ = consumer.heard
    for key, heard in ((secret, first), (secret, second), (newer, second)):
        Webhook(key).verify(heard.body, heard.headers)
    listed = command("webhooks", "list", market.id)
    assert f"{row.pk}  ENABLED   {consumer.url}" in listed
    assert "api_key.created, order.*; 1 failure in a row since" in listed
    assert "Shop" in listed
    shown = command("webhooks", "deliveries", row.pk)
    for text in (listed, shown, said):
        assert "whsec_" not in text
        assert secret.removeprefix("whsec_") not in text
    actors = Event.objects.filter(subject=row.pk).values_list("actor", flat=True)
    assert set(actors) == {"system:command"}


def test_what_was_missed_is_sent_again_in_order_and_nothing_else(
    market: Market,
    consumer: Consumer,
    deliver: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint = market.endpoint(consumer.url).pk
    market.rename()
    deliver()
    assert command("webhooks", "disable", endpoint) == f"{endpoint} is disabled.\n"
    with pytest.raises(CommandError, match="disabled"):
        command("webhooks", "replay", endpoint)
    command("webhooks", "enable", endpoint)
    market.rename(3)
    market.events()
    market.deliveries(status="PENDING")
    command("webhooks", "disable", endpoint)  # what was due is lost
    command("webhooks", "enable", endpoint)
    deliver()
    lost = market.deliveries(status="CANCELLED")
    named = command("webhooks", "deliveries", endpoint, "--status", "CANCELLED", "--limit", "50")
    assert named.count("CANCELLED") == len(lost)
    assert command("webhooks", "replay", endpoint, "--since", "PT0M") == "Sent again: 0\n"
    assert command("webhooks", "replay", endpoint, "--types", "order.*") == "Sent again: 0\n"
    waiting = command("webhooks", "replay", endpoint, "--statuses", "PENDING")
    assert waiting == "Sent again: 0\n"
    monkeypatch.setattr(replaying, "MOST_AT_ONCE", 2)  # and the command goes on
    again = command("webhooks", "replay", endpoint, "--since", "PT1H")
    assert again == f"Sent again: {len(lost)}\n"
    deliver()
    assert {row.status for row in market.deliveries()} == {"DELIVERED"}
    about = [h.event["sequence"] for h in consumer.heard if h.event["subject"] == market.id]
    assert about == [2, 3, 4, 5]
    first = market.deliveries()[0]
    with delivering():
        assert first.pk in command("webhooks", "replay", first.pk)
    assert consumer.ids().count(first.event.id) == 2
    assert consumer.heard[-1].event["sequence"] == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("list", "mkt_nothing"), "no marketplace"),
        (("add", "mkt_nothing", "https://example.com/"), "no marketplace"),
        (("add", "MARKET", "https://10.0.0.1/"), "not a public address"),
        (("add", "MARKET", "https://example.com/", "--types", "order.*,lunch"), "'lunch' is no"),
        (("add", "MARKET", "https://example.com/", "--types", ""), "'' is no type"),
        (("add", "MARKET", "https://example.com/", "--description", "x" * 201), "at most 200"),
        (("test", "whk_nothing"), "no such webhook endpoint"),
        (("disable", "whk_nothing"), "no such webhook endpoint"),
        (("rotate", "whk_nothing", "--overlap", "P8D"), "at most P7D"),
        (("rotate", "whk_nothing", "--overlap", "a day"), "is no duration"),
        (("deliveries", "whk_nothing"), "no webhook endpoint"),
        (("deliveries", "whk_nothing", "--limit", "0"), "from 1 to 1000"),
        (("replay", "whd_nothing"), "no delivery"),
        (("replay", "whk_nothing"), "no such webhook endpoint"),
        (("replay", "whk_nothing", "--statuses", "DELIVERED"), "invalid choice"),
    ],
)
def test_what_can_not_be_done_is_said(market: Market, words: tuple[str, ...], text: str) -> None:
    with pytest.raises(CommandError, match=text):
        command("webhooks", *(market.id if word == "MARKET" else word for word in words))
    assert not WebhookEndpoint.objects.filter(marketplace=market.id).exists()


def test_a_delivery_that_nobody_sends_is_no_success(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "PATIENCE", 0.3)
    endpoint = market.endpoint("http://127.0.0.1:9/").pk
    with pytest.raises(CommandError, match=r"not sent within .* does `manage.py deliver` run"):
        command("webhooks", "test", endpoint)
    (row,) = market.deliveries()
    assert (row.attempts, deliveries.TRIES) == (0, 10)


def test_the_log_is_shown_from_a_place_on_and_of_the_types_that_are_wanted(market: Market) -> None:
    other = Market("Other")
    begin = market.events()[-1]
    market.rename(2)
    made = market.key().key
    other.rename()
    lines = command("events", "tail", market.id, "--after", begin.id, "--limit", "3").splitlines()
    shown = [json.loads(line) for line in lines]
    assert [each["type"] for each in shown] == ["marketplace.updated"] * 2 + ["api_key.created"]
    assert {each["marketplace"] for each in shown} == {market.id}
    assert [each["sequence"] for each in shown] == [2, 3, 1]
    place = shown[0]["cursor"]
    words = ("events", "tail", "--after", place, "--type", "api_key.*", "--subject", made.pk)
    (line,) = command(*words, "--limit", "1").splitlines()
    assert json.loads(line) == shown[2]
    everything = command("events", "tail", "--after", begin.id, "--limit", "5").splitlines()
    markets = [json.loads(line)["marketplace"] for line in everything]
    assert markets == [other.id, *[market.id] * 3, other.id]
    for wrong, text in (
        (("--after", "evt_nothing"), "no event's id or cursor"),
        (("--type", "lunch.*"), "no type of event"),
        (("--limit", "0"), "at least 1"),
        (("mkt_nothing",), "no marketplace"),
    ):
        with pytest.raises(CommandError, match=text):
            command("events", "tail", *wrong)


def test_the_log_is_followed_over_a_lost_connection_until_ctrl_c(
    market: Market, tmp_path: Path
) -> None:
    begin = market.events()[-1]
    market.rename()
    log = tmp_path / "log"
    words, environment = managed("events", "tail", market.id, "--after", begin.id)

    def sequences() -> list[int]:
        return [json.loads(line)["sequence"] for line in log.read_text().splitlines()]

    named = {**environment, "PGAPPNAME": "follows the log"}
    with child(*words, log=log, environment=named) as process:
        until(lambda: sequences() == [2], 20, log.read_text)
        market.rename(2)
        until(lambda: sequences() == [2, 3, 4], 10, log.read_text)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'follows the log'"
            )
            assert cursor.fetchall() == [(True,)]
        market.rename(2)
        until(lambda: sequences() == [2, 3, 4, 5, 6], 10, log.read_text)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert sequences() == [2, 3, 4, 5, 6]  # and not a word beside
