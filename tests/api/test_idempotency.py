"""One key, one effect, one answer. Every case against real transactions."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.utils import timezone

from offerhub.api import idempotency
from offerhub.api.models import IdempotencyKey
from offerhub.api.parsing import UploadParser
from offerhub.core import jobs
from offerhub.events.models import Event
from offerhub.marketplaces.models import Marketplace
from tests.api.conftest import Api, new_api
from tests.api.toys import CarefulToys
from tests.statements import Statements


@pytest.fixture
def api(committed: None) -> Api:
    return new_api()


@pytest.fixture
def make_api(committed: None) -> Callable[..., Api]:
    return new_api


def toys(api: Api, name: str = "Car") -> int:
    """How many toys of that name this key has made."""
    events = Event.objects.filter(actor=f"api_key:{api.key_id}", payload__name=name)
    return Marketplace.objects.filter(pk__in=events.values("subject")).count()


def keys(api: Api) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(marketplace=api.marketplace)


def in_parallel(work: Callable[[int], Any], times: int) -> list[Any]:
    """The same work on so many threads at the same moment, each with its own connection."""
    barrier = threading.Barrier(times)

    def one(number: int) -> Any:
        try:
            barrier.wait()
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_a_repeat_gets_the_same_answer_and_has_no_effect(api: Api) -> None:
    first = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    again = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert toys(api) == 1
    assert Event.objects.filter(subject=first.json()["id"]).count() == 1


def test_a_repeat_gets_the_answer_of_then_though_the_state_moved_on(api: Api) -> None:
    first = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    Marketplace.objects.filter(pk=first.json()["id"]).update(name="Bus")
    assert api.post("/toys", {"name": "Car"}, Idempotency_Key="k").content == first.content


def test_without_a_key_every_call_is_its_own(api: Api) -> None:
    assert api.post("/toys", {"name": "Car"}).json() != api.post("/toys", {"name": "Car"}).json()
    assert keys(api).count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "Bus"}',
        b'{"name": "Car", "feePercent": 1}',
        b'{"name": "Car", "metadata": {"n": 1}}',
    ],
)
def test_another_body_is_refused(api: Api, body: bytes) -> None:
    api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    answer = api.post("/toys", body, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert toys(api, "Bus") == 0


def test_a_number_written_otherwise_is_another_body(api: Api) -> None:
    api.post("/toys", b'{"name": "Car", "unitPrice": 1}', Idempotency_Key="k")
    for price in (b"1.0", b'"1"', b"2"):
        body = b'{"name": "Car", "unitPrice": ' + price + b"}"
        assert api.post("/toys", body, Idempotency_Key="k").status_code == 422


def test_spaces_and_the_order_of_keys_do_not_count(api: Api) -> None:
    api.post("/toys", b'{"name": "Car", "feePercent": 1}', Idempotency_Key="k")
    again = api.post("/toys", b' {"feePercent":1,"name":"Car"}\n', Idempotency_Key="k")
    assert again.headers["Idempotent-Replayed"] == "true"


def test_idem_scoped_tenant_method_path(make_api: Callable[..., Api]) -> None:
    one, two = make_api("One"), make_api("Two")
    answers = [
        one.post("/toys", {"name": "Car"}, Idempotency_Key="k"),
        two.post("/toys", {"name": "Car"}, Idempotency_Key="k"),
        one.post("/slow-toys", {"name": "Car"}, Idempotency_Key="k", Prefer="respond-async"),
    ]
    assert len({answer.json()["id"] for answer in answers}) == 3
    assert all("Idempotent-Replayed" not in answer.headers for answer in answers)
    assert (toys(one), toys(two)) == (2, 1)


def test_another_key_of_the_same_tenant_gets_the_same_answer(api: Api) -> None:
    from offerhub.marketplaces import services
    from offerhub.marketplaces.scopes import ALL
    from tests.api.conftest import ACTOR

    other = services.create_api_key(
        marketplace_id=api.marketplace.id, name="second", scopes=ALL, actor=ACTOR
    )
    first = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    bearer = f"Bearer {other.token}"
    again = api.post("/toys", {"name": "Car"}, Idempotency_Key="k", Authorization=bearer)
    assert again.content == first.content


def test_nothing_is_replayed_to_whoever_may_not_call(api: Api) -> None:
    api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    answer = api.client.post(
        "/api/v1/toys",
        {"name": "Car"},
        content_type="application/json",
        headers={"idempotency-key": "k"},
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_missing")


def test_a_refused_call_may_be_sent_again(api: Api) -> None:
    assert api.post("/toys", {"name": "too expensive"}, Idempotency_Key="k").status_code == 422
    assert api.post("/toys", {"name": ""}, Idempotency_Key="k").status_code == 400
    assert keys(api).count() == 0
    assert toys(api, "too expensive") == 0
    again = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    assert (again.status_code, toys(api)) == (201, 1)
    assert "Idempotent-Replayed" not in again.headers


def test_a_crash_in_the_change_leaves_neither_key_nor_effect(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "encode", lambda value: 1 / 0)
    assert api.post("/toys", {"name": "Car"}, Idempotency_Key="k").status_code == 500
    assert (toys(api), keys(api).count()) == (0, 0)
    monkeypatch.undo()
    assert api.post("/toys", {"name": "Car"}, Idempotency_Key="k").status_code == 201


def test_a_commit_whose_answer_is_lost_has_one_effect(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, lost = BaseDatabaseWrapper.commit, list[bool]()

    def once(self: Any) -> None:
        commit(self)
        if not lost and keys(api).exists():
            lost.append(True)
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(BaseDatabaseWrapper, "commit", once)
    answer = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    assert (answer.status_code, lost, toys(api)) == (503, [True], 1)
    again = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    assert (again.status_code, again.headers["Idempotent-Replayed"], toys(api)) == (201, "true", 1)


@pytest.mark.parametrize(
    "key", ["a", "ä", "€".encode().decode("latin-1"), "x" * 255, "{}:/\\ '\";--", "null", "0"]
)
def test_any_text_is_a_key(api: Api, key: str) -> None:
    assert api.post("/toys", {"name": "Car"}, Idempotency_Key=key).status_code == 201
    again = api.post("/toys", {"name": "Car"}, Idempotency_Key=key)
    assert (again.headers["Idempotent-Replayed"], toys(api)) == ("true", 1)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "a\x00b"])
def test_what_is_no_key_is_named(api: Api, key: str) -> None:
    answer = api.post("/toys", {"name": "Car"}, Idempotency_Key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


def test_sixteen_at_once_have_one_effect(api: Api) -> None:
    api.get("/me")
    answers = in_parallel(lambda _: api.post("/toys", {"name": "Car"}, Idempotency_Key="k"), 16)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert toys(api) == 1


def test_sixteen_at_once_with_other_bodies_have_one_effect(api: Api) -> None:
    api.get("/me")
    answers = in_parallel(
        lambda n: api.post("/toys", {"name": "Car", "feePercent": n}, Idempotency_Key="k"), 16
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 15
    assert toys(api) == 1


@pytest.fixture
def held_key(api: Api) -> Iterator[threading.Event]:
    """Another request is in its transaction with the key `k` until the event is set."""
    holds, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                IdempotencyKey.objects.create(
                    marketplace=api.marketplace,
                    method="POST",
                    path="/api/v1/toys",
                    key="k",
                    fingerprint=b"",
                )
                holds.set()
                let_go.wait(10)
                transaction.set_rollback(True)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(5)
    yield let_go
    let_go.set()
    thread.join()


def test_a_duplicate_waits_and_is_told_to_come_back(
    api: Api, held_key: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "DUPLICATE_WAITS", 150)
    answer = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
    assert answer.headers["Retry-After"] == "1"
    assert toys(api) == 0


def test_a_duplicate_goes_on_when_the_first_was_refused(
    api: Api, held_key: threading.Event
) -> None:
    threading.Timer(0.2, held_key.set).start()
    answer = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    assert (answer.status_code, toys(api)) == (201, 1)


def test_the_change_itself_runs_under_the_usual_lock_timeout(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = jobs.ring

    def look(*args: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            seen.append(cursor.fetchone()[0])
        real(*args)

    monkeypatch.setattr("tests.api.toys.jobs.ring", look)
    api.post("/slow-toys", {"name": "Car"}, Idempotency_Key="k", Prefer="respond-async")
    assert seen == ["10s"]


def test_old_keys_are_forgotten_after_thirty_days(api: Api) -> None:
    for key in ("old", "young"):
        api.post("/toys", {"name": "Car"}, Idempotency_Key=key)
    for key, days in (("old", 30.01), ("young", 29.9)):
        at = timezone.now() - timedelta(days=days)
        keys(api).filter(key=key).update(created_at=at)
    assert jobs.SWEEPS["api.forget_idempotency_keys"].find() == []
    assert list(keys(api).values_list("key", flat=True)) == ["young"]


def test_many_old_keys_are_forgotten_in_portions(api: Api) -> None:
    old = timezone.now() - timedelta(days=31)
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(
            marketplace=api.marketplace, method="POST", path="/x", key=str(n), fingerprint=b""
        )
        for n in range(2500)
    )
    keys(api).update(created_at=old)
    assert idempotency.forget_old() == 2500
    assert keys(api).count() == 0


def test_idem_survives_redis_flush(api: Api, settings: Any) -> None:
    """Keys live in the database: with a broker that is not there everything is as before."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    first = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    again = api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    assert (first.content, toys(api)) == (again.content, 1)


def test_a_write_costs_two_statements_more_with_a_key(api: Api) -> None:
    api.post("/toys", {"name": "Car"}, Idempotency_Key="warm")
    with Statements(connection) as without:
        api.post("/toys", {"name": "Car"})
    with Statements(connection) as with_key:
        api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    with Statements(connection) as repeat:
        api.post("/toys", {"name": "Car"}, Idempotency_Key="k")
    # BEGIN, event, row, read for the answer, COMMIT; with the key: insert it, keep the answer
    assert (len(without), len(with_key), len(repeat)) == (5, 7, 4)


def test_a_repeat_does_not_ask_the_network_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(CarefulToys, "ask", lambda: asked.append(connection.in_atomic_block))
    first = api.post("/careful-toys", {"name": "Car"}, Idempotency_Key="k")
    again = api.post("/careful-toys", {"name": "Car"}, Idempotency_Key="k")
    assert (asked, first.content) == ([False], again.content)


class TestUploads:
    """Files beside fields, with a key like every other write."""

    def send(self, api: Api, content: bytes, key: str = "k", **fields: str) -> Any:
        file = SimpleUploadedFile("photo.png", content, "image/png")
        headers = {"authorization": f"Bearer {api.token}", "idempotency-key": key}
        data = {"file": file, "name": "Photo", **fields}
        return api.client.post("/api/v1/pictures", data, headers=headers)

    def test_the_same_file_is_a_repeat_and_another_is_not(self, api: Api) -> None:
        first = self.send(api, b"one")
        assert (first.status_code, first.json()["bytes"]) == (201, 3)
        again = self.send(api, b"one")  # with another boundary between the parts
        assert again.headers["Idempotent-Replayed"] == "true"
        assert self.send(api, b"two").status_code == 422
        assert toys(api, "Photo") == 1

    def test_fields_beside_a_file_are_checked_like_a_body(self, api: Api) -> None:
        answer = self.send(api, b"one", colour="red")
        assert answer.json()["errors"][0] == {
            "field": "colour",
            "code": "unknown_field",
            "message": "is not a field of this request",
        }

    def test_an_upload_is_bounded_before_it_is_read(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(UploadParser, "LIMIT", 500)
        answer = self.send(api, b"x" * 600)
        assert (answer.status_code, answer.json()["limit"]) == (413, 500)
        assert api.post("/pictures", {"name": "x"}).status_code == 415
