"""The event stream: every event once, whatever happens to the connection."""

import contextlib
import http.client
import random
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.db import connection

from offerhub.api.events import hub as hubs
from offerhub.events import log
from offerhub.marketplaces import services as marketplaces
from tests.events.conftest import ACTOR, Market
from tests.events.streams import Reader, Served, looping
from tests.http import Api, served


@pytest.fixture(scope="module")
def application() -> Served:
    return Served()


@pytest.fixture(scope="module")
def url(application: Served, django_db_setup: None) -> Iterator[str]:
    with looping(application) as address:
        yield address


@pytest.fixture
def key(market: Market) -> str:
    return str(market.key().token)


def test_events_are_told_as_they_happen_and_only_what_is_wanted(
    url: str, market: Market, key: str
) -> None:
    everything = Reader(url, key)
    some = Reader(url, key, "?types=api_key.*")
    stranger = Reader(url, Market("Other").key().token)
    assert everything.answer.status == 200
    assert everything.answer.headers["Content-Type"] == "text/event-stream"
    assert everything.answer.headers["X-Request-Id"]
    market.rename(2)
    made = market.key().key
    log.number_new()
    told = everything.take(3)
    assert [m.type for m in told] == ["marketplace.updated"] * 2 + ["api_key.created"]
    assert [m.event["sequence"] for m in told] == [2, 3, 1]
    assert all(m.id == m.event["id"] and m.type == m.event["type"] for m in told)
    assert told[0].event == Api(url, key).get(f"/events/{told[0].id}")
    assert [m.event["subject"] for m in some.take(1)] == [made.pk]
    Market("Third").rename()
    log.number_new()
    stranger.connection.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        stranger.take(1)
    for reader in (everything, some, stranger):
        reader.close()


def test_a_reader_that_is_cut_off_a_hundred_times_misses_nothing_and_hears_nothing_twice(
    url: str, market: Market, key: str
) -> None:
    """It comes back with the id of the last event that it has read to its end."""
    first = market.events()[-1]
    chance, count = random.Random(7), 400  # noqa: S311 (the same each time)

    def write() -> None:
        for number in range(count):
            market.rename()
            if number % 5 == 0:
                log.number_new()
        log.number_new()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    heard: list[int] = []
    last, cuts = first.id, 0
    while len(heard) < count:
        reader = Reader(url, key, last=last)
        assert reader.answer.status == 200
        patience = chance.randint(1, 5 if cuts < 100 else count)
        for message in reader:
            heard.append(message.event["sequence"])
            last = message.id
            patience -= 1
            if not patience or len(heard) == count:
                break
        reader.close()
        cuts += 1
    writer.join()
    assert cuts >= 100
    assert heard == list(range(2, count + 2))


def test_a_stream_that_breaks_before_its_first_event_says_where_to_go_on(
    url: str, market: Market, key: str
) -> None:
    reader = Reader(url, key)
    assert reader.answer.readline() == b"retry: 1000\n"
    name, _, place = reader.answer.readline().decode().strip().partition(": ")
    assert name == "id"
    reader.close()
    market.rename()
    again = Reader(url, key, last=place)
    assert again.take(1)[0].event["sequence"] == 2
    again.close()


def test_who_was_away_for_long_gets_all_pages_and_then_what_is_new(
    url: str, market: Market, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.rename(2 * hubs.PAGE + 50)
    market.events()
    begin = Reader(url, key, f"?after={market.events()[0].id}&subject={market.id}")
    sequences = [m.event["sequence"] for m in begin.take(2 * hubs.PAGE + 50)]
    assert sequences == list(range(2, 2 * hubs.PAGE + 52))
    market.rename()
    log.number_new()
    assert begin.take(1)[0].event["sequence"] == 2 * hubs.PAGE + 52
    begin.close()


def test_a_quiet_stream_shows_that_it_lives_and_ends_with_its_key(
    url: str, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "HEARTBEAT", 0.3)
    made = market.key()
    reader = Reader(url, made.token)

    def revoke() -> None:
        marketplaces.revoke_api_key(key_id=made.key.pk, actor=ACTOR)
        connection.close()

    threading.Timer(1.5, revoke).start()
    began = time.monotonic()
    assert [m.type for m in reader] in ([], ["api_key.revoked"])
    assert 1.0 < time.monotonic() - began < 15
    assert reader.comments >= 2
    reader.close()


def test_a_key_has_so_many_streams_and_gets_its_places_back(
    url: str, application: Served, market: Market, key: str, settings: Any
) -> None:
    settings.STREAMS_PER_KEY = 2
    open_ones = [Reader(url, key), Reader(url, key)]
    third = Reader(url, key)
    assert third.answer.status == 429
    assert third.answer.headers["Retry-After"] == "10"
    assert b"Too many streams" in third.answer.read()
    for one in (*open_ones, third):
        one.close()
    deadline = time.monotonic() + 10
    while application.hub._places and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not application.hub._places
    again = Reader(url, key)
    assert again.answer.status == 200
    again.close()


def test_a_lost_database_connection_loses_no_event(url: str, market: Market, key: str) -> None:
    reader = Reader(url, key)
    market.rename()
    log.number_new()
    assert reader.take(1)[0].event["sequence"] == 2
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND (query LIKE 'LISTEN offerhub_events%%' "
            "OR query LIKE '%%FROM events_event WHERE number >%%')"
        )
        assert cursor.rowcount >= 1
    market.rename(3)
    log.number_new()
    assert [m.event["sequence"] for m in reader.take(3)] == [3, 4, 5]
    reader.close()


@pytest.mark.parametrize(
    ("query", "last", "field"),
    [("?after=x", "", "after"), ("", "evt_unknown", "Last-Event-ID"), ("?types=no", "", "types")],
)
def test_what_can_not_be_followed_is_refused_before_it_begins(
    url: str, key: str, query: str, last: str, field: str
) -> None:
    reader = Reader(url, key, query, last)
    assert reader.answer.status == 400
    assert f'"field":"{field}"'.encode() in reader.answer.read()
    reader.close()


def test_a_server_that_can_not_hold_it_open_sends_what_there_is(market: Market, key: str) -> None:
    market.rename(2)
    start = market.events()[0].id
    with served() as plain:
        reader = Reader(plain, key, last=start)
        assert [m.event["sequence"] for m in reader] == [1, 2, 3]
        reader.close()


def test_a_server_that_ends_ends_its_streams_at_once(market: Market, key: str) -> None:
    with looping(Served()) as url:
        reader = Reader(url, key)
        market.rename()
        log.number_new()
        assert reader.take(1)
        began = time.monotonic()
    assert time.monotonic() - began < 4
    with contextlib.suppress(ConnectionError):
        assert list(reader) == []
    reader.close()


def test_many_streams_share_one_listening_connection(url: str, market: Market, key: str) -> None:
    readers = [Reader(url, key) for _ in range(20)]
    market.rename()
    log.number_new()
    assert {r.take(1)[0].event["sequence"] for r in readers} == {2}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND query LIKE 'LISTEN offerhub_events%%' AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone() == (1,)
    for reader in readers:
        reader.close()


def test_ordinary_requests_come_through_the_loop_as_they_are(
    url: str, market: Market, key: str
) -> None:
    api = Api(url, key)
    assert api.get("/me")["marketplace"]["id"] == market.id
    whole = api.request("POST", "/webhook-endpoints", '{"url": "x"}')
    assert whole.status_code == 400
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    target = f"{url}/api/v1/webhook-endpoints"
    pieces = iter([b'{"url": ', b'"https://example.com/"}'])  # chunked: no length
    chunked = requests.post(target, data=pieces, headers=headers, timeout=20)
    assert chunked.status_code == 201
    too_large = requests.post(target, data=b"x" * (1024 * 1024 + 1), headers=headers, timeout=20)
    assert too_large.status_code == 413
    parts = urlsplit(url)
    far = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    far.request("POST", "/api/v1/webhook-endpoints", headers={"Content-Length": str(2**40)})
    assert far.getresponse().status == 413  # before anything of it was sent
    far.close()
    head = requests.head(f"{url}/api/v1/me", headers=headers, timeout=20)
    assert (head.status_code, head.content) == (200, b"")
    stream = requests.head(f"{url}/api/v1/events/stream", headers=headers, timeout=20)
    assert (stream.status_code, stream.content) == (200, b"")
    odd = requests.get(f"{url}/api/v1/events/%ff%2e%2e", headers=headers, timeout=20)
    assert odd.status_code == 404
    forged = {**headers, "X_Request_Id": "forged"}
    assert (
        requests.get(f"{url}/api/v1/me", headers=forged, timeout=20)
        .headers["X-Request-Id"]
        .startswith("req_")
    )
    echoed = {**headers, "X-Request-Id": "mine"}
    again = requests.get(f"{url}/api/v1/me", headers=echoed, timeout=20)
    assert again.headers["X-Request-Id"] == "mine"
    door = requests.get(f"{url}/admin/login/", timeout=20)
    assert "offerhub-csrf" in door.cookies
    icon = requests.get(f"{url}/static/offerhub/icon.svg", timeout=20)
    assert icon.content.startswith(b"<svg")
