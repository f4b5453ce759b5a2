"""Webhooks: signed, in order, tried again as Standard Webhooks says; nobody waits for another."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db import connection, transaction
from standardwebhooks import Webhook, WebhookVerificationError

from offerhub.core import clock
from offerhub.events import deliveries, endpoints, log, sending
from offerhub.events.bodies import event_body
from offerhub.events.models import WebhookAttempt, WebhookEndpoint, WebhookSecret
from tests.events.conftest import ACTOR, Market
from tests.events.consumer import Consumer, Heard, Reply
from tests.processes.children import until
from tests.statements import Statements

Deliver = Callable[..., None]


def secret_of(endpoint: WebhookEndpoint) -> str:
    newest = WebhookSecret.objects.filter(endpoint=endpoint).order_by("-pk").first()
    assert newest is not None
    return endpoints.reveal(newest)


def test_each_event_arrives_once_signed_and_in_the_order_of_the_log(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    endpoint = market.endpoint(consumer.url)
    market.rename(12)
    for _ in range(5):
        market.key()
    deliver()
    events = {event.id: event for event in market.events()}
    assert len(consumer.heard) == 17
    assert len(set(consumer.ids())) == 17
    renames = [h.event["sequence"] for h in consumer.heard if h.event["subject"] == market.id]
    assert renames == list(range(2, 14))
    verifier = Webhook(secret_of(endpoint))
    for heard in consumer.heard:
        assert verifier.verify(heard.body, heard.headers) == heard.event
        shown = event_body(events[heard.id])
        assert heard.event | {"createdAt": ""} == shown | {"createdAt": ""}
        assert heard.event["createdAt"].endswith("Z")
        assert abs(int(heard.headers["webhook-timestamp"]) - time.time()) < 60
        assert heard.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        verifier.verify(consumer.heard[0].body + b" ", consumer.heard[0].headers)
    rows = market.deliveries()
    assert {(row.status, row.attempts, row.answered) for row in rows} == {("DELIVERED", 1, 200)}
    assert WebhookAttempt.objects.filter(delivery__in=rows).count() == 17


def test_only_the_types_that_are_wanted_and_only_to_its_own_marketplace(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    market.endpoint(consumer.url + "/keys", "api_key.*")
    market.endpoint(consumer.url + "/renames", "marketplace.updated")
    Market("Other").rename()
    market.rename()
    market.key()
    deliver()
    heard = sorted((h.path.rsplit("/", 1)[1], h.event["type"]) for h in consumer.heard)
    assert heard == [("keys", "api_key.created"), ("renames", "marketplace.updated")]


def test_ten_tries_over_75_hours_and_35_minutes_and_later_ones_of_the_subject_wait(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    market.endpoint(consumer.url)
    market.rename(2)
    first_id = market.events()[-2].id
    consumer.reply = lambda heard: 500 if heard.id == first_id else 200
    waits = []
    for attempt in range(1, 11):
        deliver()
        first, second = market.deliveries()
        assert (first.attempts, second.attempts) == (attempt, 0)
        if attempt < 10:
            assert first.status == second.status == "PENDING"
            assert second.next_attempt_at == first.next_attempt_at
            left = first.next_attempt_at - clock.now()
            waits.append(round(left.total_seconds() / 5) * 5 or 5)
        market.hurry()
    deliver()
    first, second = market.deliveries()
    assert waits == deliveries.SCHEDULE
    assert timedelta(seconds=sum(waits)) == timedelta(hours=75, minutes=35, seconds=5)
    assert (first.status, first.answered, first.problem) == ("FAILED", 500, "not_accepted")
    assert second.status == "DELIVERED"
    assert consumer.ids().count(first_id) == 10
    tried = list(first.tried.order_by("number"))
    assert [attempt.number for attempt in tried] == list(range(1, 11))
    assert {attempt.answer for attempt in tried} == {"said"}


def _trickle(connection: socket.socket) -> None:
    """A header that never ends, a byte at a time."""
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100):
            connection.sendall(b"a")
            time.sleep(0.05)
    except OSError:
        return


def _reset(connection: socket.socket) -> None:
    linger = b"\1\0\0\0\0\0\0\0"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


def _not_http(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


def _hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _long_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 300_000)


METADATA = {"Location": "http://169.254.169.254/latest/meta-data/"}


@pytest.mark.parametrize(
    ("reply", "answered", "problem"),
    [
        (500, 500, "not_accepted"),
        (404, 404, "not_accepted"),
        ((301, METADATA), 301, "redirect"),
        ((302, METADATA), 302, "redirect"),
        ((307, {"Location": "/elsewhere"}), 307, "redirect"),
        (_trickle, None, "timeout"),
        (lambda connection: time.sleep(1.5), None, "timeout"),
        (_reset, None, "connection_failed"),
        (_hang_up, None, "connection_failed"),
        (_not_http, None, "not_http"),
        (_long_header, None, "not_http"),
    ],
)
def test_what_is_no_answer_of_2xx_is_tried_again(
    market: Market,
    consumer: Consumer,
    deliver: Deliver,
    reply: Reply,
    answered: int | None,
    problem: str,
) -> None:
    market.endpoint(consumer.url)
    market.rename()
    consumer.reply = lambda heard: reply
    deliver(timeout=1.0)
    (row,) = market.deliveries()
    assert (row.status, row.answered, row.problem) == ("PENDING", answered, problem)
    assert len(consumer.heard) == 1
    consumer.reply = lambda heard: 204
    market.hurry()
    deliver()
    (row,) = market.deliveries()
    assert (row.status, row.attempts, row.problem) == ("DELIVERED", 2, "")
    assert consumer.ids()[0] == consumer.ids()[1] == row.event.id


def test_of_an_answer_of_a_gigabyte_little_is_read_and_the_status_counts(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    sent = []

    def flood(connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"
        try:
            connection.sendall(head)
            for _ in range(1024 * 16):
                connection.sendall(b"\0" * 64 * 1024)
                sent.append(64)
        except OSError:
            return

    market.endpoint(consumer.url)
    market.rename()
    consumer.reply = lambda heard: flood
    deliver()
    (row,) = market.deliveries()
    assert row.status == "DELIVERED"
    assert sum(sent) < 16 * 1024  # kilobytes: what the sockets' buffers took
    attempt = row.tried.get()
    assert len(attempt.answer) <= 1024
    assert "\0" not in attempt.answer


def test_410_ends_the_endpoint_and_retry_after_is_honoured(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    endpoint = market.endpoint(consumer.url)
    watcher = market.endpoint(consumer.url + "/watch", "webhook_endpoint.disabled")
    consumer.reply = lambda heard: (429, {"Retry-After": "120"})
    market.rename()
    deliver()
    (row,) = market.deliveries(endpoint=endpoint)
    assert timedelta(seconds=110) < row.next_attempt_at - clock.now() <= timedelta(seconds=120)
    paused = market.reload(endpoint).paused_until
    assert paused is not None
    assert timedelta(seconds=110) < paused - clock.now() <= timedelta(seconds=120)
    market.key()
    deliver()
    assert len(consumer.heard) == 1  # it is left alone, by what is new too

    consumer.reply = lambda heard: 200 if heard.path.endswith("/watch") else 410
    market.hurry()
    deliver()
    gone = market.reload(endpoint)
    assert (gone.status, gone.reason) == ("DISABLED", "GONE")
    ended = {row.status for row in market.deliveries(endpoint=endpoint)}
    assert ended <= {"FAILED", "CANCELLED"}
    deliver()
    told = [h.event for h in consumer.heard if h.path.endswith("/watch")]
    assert [(e["subject"], e["data"]["reason"]) for e in told] == [(endpoint.pk, "GONE")]
    before = len(consumer.heard)
    market.rename()
    deliver()
    assert len(consumer.heard) == before
    assert market.reload(watcher).status == "ENABLED"


def test_a_dead_endpoint_delays_nobody(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    with socket.socket() as dead:  # takes connections and never says a word
        dead.bind(("127.0.0.1", 0))
        dead.listen(128)
        silent = market.endpoint(f"http://127.0.0.1:{dead.getsockname()[1]}/")
        alive = market.endpoint(consumer.url)
        for _ in range(30):
            market.key()
        began = time.monotonic()
        deliver(timeout=4.0)
        last = max(heard.at for heard in consumer.heard)
    assert last - began < 4.0
    assert {row.status for row in market.deliveries(endpoint=alive)} == {"DELIVERED"}
    tries = sum(row.attempts for row in market.deliveries(endpoint=silent))
    assert tries == deliveries.BREAK_AFTER  # its ten places; then the breaker is open
    broken = market.reload(silent)
    assert broken.failures == 10
    assert broken.paused_until is not None
    assert broken.failing_since is not None


def test_behind_the_breaker_one_asks_whether_it_lives_again(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    endpoint = market.endpoint(consumer.url)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failures=12)
    consumer.reply = lambda heard: 503
    for _ in range(5):
        market.key()
    deliver()
    assert len(consumer.heard) == 1
    row = market.reload(endpoint)
    assert row.failures == 13
    assert row.paused_until is not None
    assert timedelta(seconds=35) < row.paused_until - clock.now() <= timedelta(seconds=40)
    consumer.reply = lambda heard: 200
    market.hurry()
    deliver()
    assert market.reload(endpoint).failures == 0
    assert len(consumer.heard) == 6
    assert {row.status for row in market.deliveries()} == {"DELIVERED"}


def test_an_endpoint_that_fails_for_days_is_disabled(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    endpoint = market.endpoint(consumer.url)
    since = clock.now() - timedelta(days=5, minutes=1)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failures=3, failing_since=since)
    consumer.reply = lambda heard: 500
    market.rename(2)
    deliver()
    row = market.reload(endpoint)
    assert (row.status, row.reason) == ("DISABLED", "FAILING")
    assert [d.status for d in market.deliveries()] == ["CANCELLED", "CANCELLED"]
    event = market.events()[-1]
    assert event.type == "webhook_endpoint.disabled"
    assert event.payload["failingSince"] == since.isoformat()


def test_while_a_secret_is_rotated_two_signatures_are_sent(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    endpoint = market.endpoint(consumer.url)
    old = secret_of(endpoint)
    consumer.reply = lambda heard: 500
    market.rename()
    deliver()
    made = endpoints.rotate_secret(marketplace_id=market.id, endpoint_id=endpoint.pk, actor=ACTOR)
    new = endpoints.reveal(made)
    consumer.reply = lambda heard: 200
    market.hurry()
    deliver()
    first, *others = consumer.heard
    (again,) = [heard for heard in others if heard.id == first.id]
    assert len(again.headers["webhook-signature"].split()) == 2
    for secret, verified in ((old, (first, again)), (new, (again,))):
        for heard in verified:
            Webhook(secret).verify(heard.body, heard.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(first.body, first.headers)
    WebhookSecret.objects.exclude(pk=made.pk).update(expires_at=clock.now())
    market.rename()
    deliver()
    assert len(consumer.heard[-1].headers["webhook-signature"].split()) == 1
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(consumer.heard[-1].body, consumer.heard[-1].headers)


def test_where_a_name_leads_is_looked_at_at_each_sending(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    endpoint = market.endpoint(consumer.url)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url="https://hooks.example.com/x")

    async def inside(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    market.rename()
    deliver(inside)
    (row,) = market.deliveries()
    assert (row.problem, row.answered, row.attempts) == ("address_refused", None, 1)
    assert "169.254.169.254" in row.tried.get().detail
    assert consumer.heard == []


def test_what_a_killed_deliverer_had_taken_is_sent_again_under_the_same_id(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    market.endpoint(consumer.url)
    market.rename(2)
    log.number_new()
    taken = deliveries.claim({}, 10)
    assert [one.event.sequence for one in taken] == [2]  # one of a subject at a time
    deliver()
    assert consumer.heard == []  # nobody else sends it while the lease lasts
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE events_webhookdelivery SET lease_until = now() WHERE id = %s", [taken[0].id]
        )
    deliver()
    assert [heard.event["sequence"] for heard in consumer.heard] == [2, 3]
    late = deliveries.Result(taken[0], sending.Answer(500, "not_accepted"))
    deliveries.finish([late])  # it was not dead, only slow: its word counts no more
    assert {(row.status, row.attempts) for row in market.deliveries()} == {("DELIVERED", 1)}


def _once(heard: Sequence[Heard]) -> list[str]:
    return list(dict.fromkeys(one.id for one in heard))


def test_sending_again_uses_the_same_id_and_begins_the_schedule_anew(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    endpoint = market.endpoint(consumer.url)
    market.rename()
    deliver()
    (row,) = market.deliveries()
    again = {"marketplace_id": market.id, "endpoint_id": endpoint.pk, "delivery_id": row.pk}
    deliveries.redeliver(**again, actor=ACTOR)
    deliver()
    (row,) = market.deliveries()
    assert (row.status, row.tries, row.attempts) == ("DELIVERED", 1, 2)
    assert len(consumer.heard) == 2
    assert len(_once(consumer.heard)) == 1


def test_a_test_reaches_the_endpoint_alone_whatever_it_wants(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    endpoint = market.endpoint(consumer.url + "/a", "order.created")
    market.endpoint(consumer.url + "/b")
    endpoints.send_test(marketplace_id=market.id, endpoint_id=endpoint.pk, actor=ACTOR)
    deliver()
    assert [(h.path[-2:], h.event["type"]) for h in consumer.heard] == [
        ("/a", "webhook_endpoint.tested")
    ]


def test_a_test_goes_before_all_that_waits(
    market: Market, consumer: Consumer, deliver: Deliver
) -> None:
    made = endpoints.create_endpoint(marketplace_id=market.id, url=consumer.url, actor=ACTOR)
    endpoint = made.endpoint
    consumer.reply = lambda heard: 503
    market.rename(3)
    for _ in range(12):
        market.key()
    deliver()
    broken = market.reload(endpoint)
    assert (broken.failures, broken.paused_until is not None) == (10, True)
    waiting = market.deliveries(status="PENDING", subject=endpoint.pk)
    assert [row.event.type for row in waiting] == ["webhook_endpoint.created"]
    before = len(consumer.heard)
    endpoints.send_test(marketplace_id=market.id, endpoint_id=endpoint.pk, actor=ACTOR)
    consumer.reply = lambda heard: 200 if heard.event["type"].endswith("tested") else 503
    deliver()
    assert consumer.types()[before] == "webhook_endpoint.tested"
    tested = market.deliveries(subject=endpoint.pk)[-1]
    assert (tested.event.type, tested.status) == ("webhook_endpoint.tested", "DELIVERED")


def test_a_test_and_whoever_numbers_events_do_not_wait_for_each_other(market: Market) -> None:
    endpoint = market.endpoint("https://example.com/")
    made = []

    def test() -> None:
        target = {"marketplace_id": market.id, "endpoint_id": endpoint.pk}
        made.append(endpoints.send_test(**target, actor=ACTOR))
        connection.close()

    thread = threading.Thread(target=test)
    with transaction.atomic():
        log.take_turn()
        thread.start()
        until(_somebody_waits_for_us, 10)
        # What numbering does next: with the endpoint in the other's hands it would never end.
        WebhookEndpoint.objects.select_for_update(nowait=True).get(pk=endpoint.pk)
    thread.join(10)
    assert [row.endpoint_id for row in made] == [endpoint.pk]


def _somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


def test_statements_do_not_grow_with_the_number_of_deliveries(
    market: Market, consumer: Consumer
) -> None:
    market.endpoint(consumer.url)
    for _ in range(8):
        market.key()
    log.number_new()
    with Statements(connection) as claiming:
        taken = deliveries.claim({}, 100)
    assert (len(taken), len(claiming)) == (8, 1)
    results = [deliveries.Result(one, sending.Answer(200, "")) for one in taken]
    with Statements(connection) as finishing:
        deliveries.finish(results)
    # The endpoints' locks, the rows, the tries; and begin and commit.
    texts = [q["sql"] for q in finishing.captured_queries if q["sql"] not in ("BEGIN", "COMMIT")]
    assert len(texts) == 3
