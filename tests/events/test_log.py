"""The log: numbers without a gap, in an order that never changes."""

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from offerhub.events import bodies, log
from offerhub.events.models import Event
from tests.events.conftest import Market
from tests.statements import Statements


def test_an_event_that_commits_late_is_not_skipped_and_holds_nobody_up(market: Market) -> None:
    """A transaction is held open, with its event written, while later ones commit."""
    other = Market("Other")
    wrote, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            other.rename()
            wrote.set()
            assert go_on.wait(20)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert wrote.wait(20)
    market.rename(3)
    seen = market.events()  # at once, although an older transaction is open
    assert [event.sequence for event in seen] == [1, 2, 3, 4]
    before = log.end()
    go_on.set()
    thread.join()
    late = other.events()
    assert [event.sequence for event in late] == [1, 2]
    # Written before the three, numbered behind them: a reader who had read up to them finds it.
    assert late[1].position < seen[1].position
    assert late[1].number is not None
    assert late[1].number > before
    assert [e.id for e in log.read(other.id, after=before)] == [late[1].id]


def test_numbers_have_no_gap_although_transactions_roll_back(market: Market) -> None:
    market.rename()
    log.number_new()
    first = log.end()
    for number in range(6):
        try:
            with transaction.atomic():
                market.rename()
                if number % 2:
                    raise LookupError
        except LookupError:
            pass
    log.number_new()
    events = log.read(market.id, after=first)
    assert [event.number for event in events] == [first + 1, first + 2, first + 3]
    positions = [event.position for event in events]
    assert positions[-1] - positions[0] > 2  # rows that were rolled back took positions with them


def test_many_who_number_at_once_number_each_once_in_the_order_of_its_sequence(
    market: Market,
) -> None:
    done: list[int] = []

    def work() -> None:
        for _ in range(10):
            market.rename()
            done.append(log.number_new())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = market.events()
    assert [event.sequence for event in events] == list(range(1, 42))
    numbers = [event.number for event in events]
    assert numbers == sorted(set(numbers), key=lambda n: n or 0)
    assert None not in numbers


def test_it_costs_one_statement_when_nothing_is_new_and_seven_for_any_number(
    market: Market,
) -> None:
    log.number_new()
    with Statements(connection) as idle:
        assert log.number_new() == 0
    assert len(idle) == 1
    market.rename(20)
    with Statements(connection) as busy:
        assert log.number_new() == 20
    # Is there any; the turn, the numbers, the endpoints, the end, the bell; is there any more.
    texts = [query["sql"] for query in busy.captured_queries if "SAVEPOINT" not in query["sql"]]
    assert len([text for text in texts if text not in ("BEGIN", "COMMIT")]) == 7


def test_an_event_never_changes_and_has_one_number(market: Market) -> None:
    event = market.events()[0]
    rows = Event.objects.filter(pk=event.pk)
    changes: list[dict[str, Any]] = [
        {"payload": {}},
        {"number": 10**9},
        {"number": None},
        {"sequence": 7},
    ]
    for change in changes:
        with pytest.raises(DatabaseError, match="Cannot update"):
            rows.update(**change)
    with pytest.raises(DatabaseError, match="Cannot delete"):
        rows.delete()


def test_what_consumers_see(market: Market) -> None:
    market.rename()
    event = market.events()[1]
    body = bodies.event_body(event)
    assert list(body) == [
        "id",
        "type",
        "version",
        "createdAt",
        "subject",
        "sequence",
        "cursor",
        "requestId",
        "data",
    ]
    assert body["type"] == "marketplace.updated"
    assert (body["subject"], body["sequence"], body["version"]) == (market.id, 2, 1)
    assert body["data"]["platformFeePercent"] == 0
    assert bodies.number_of(body["cursor"]) == event.number
    assert bodies.number_of("evt_1") is None
