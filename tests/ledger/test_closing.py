"""Closing days: nothing comes into one any more, and its totals are those of the books."""

import json
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from ledger import closing
from ledger.balances import trial_balance
from ledger.errors import PeriodClosed
from ledger.invariants import violations
from ledger.models import Closing, Entry, Period, Snapshot
from offerhub.core import clock
from offerhub.core.errors import WrongState
from offerhub.core.jobs import Later
from offerhub.events.models import Event
from tests.ledger.conftest import ACTOR, Books, Hand, fact
from tests.ledger.test_posting import capital


def ago(days: int) -> datetime:
    return clock.now() - timedelta(days=days)


def day(days: int) -> date:
    return ago(days).date()


def close(books: Books, through: date) -> list[date]:
    closed = closing.close_days(marketplace_id=books.id, through=through, actor=ACTOR)
    closing.sign_days(books.id)
    return closed


@pytest.fixture
def past(books: Books) -> Books:
    """Four days ago, three days ago, a day with nothing, yesterday, and today."""
    for days, amount in ((4, 5), (3, 7), (1, 11), (0, 13)):
        capital(books, amount, source=f"c{days}", effective_at=ago(days))
    return books


def test_days_are_closed_without_gaps_from_the_first_entry_on(past: Books) -> None:
    assert close(past, day(2)) == [day(4), day(2)]
    assert close(past, day(1)) == [day(1), day(1)]
    rows = Period.objects.filter(marketplace=past.id).order_by("day")
    assert [row.day for row in rows] == [day(4), day(3), day(2), day(1)]
    events = Event.objects.filter(subject=past.id, type="books.closed").order_by("sequence")
    assert [event.payload["through"] for event in events] == [str(day(2)), str(day(1))]


def test_what_is_not_over_or_closed_already_is_refused(past: Books, books: Books) -> None:
    for wrong in (clock.now().date(), day(-1)):
        with pytest.raises(WrongState, match="not over yet"):
            close(past, wrong)
    close(past, day(1))
    with pytest.raises(WrongState, match="no open day"):
        close(past, day(1))


def test_nothing_is_dated_into_or_before_a_closed_day(past: Books) -> None:
    close(past, day(2))
    for late in (2, 3, 4, 5, 400):
        with pytest.raises(PeriodClosed):
            capital(past, 5, source=f"late{late}", effective_at=ago(late))
    told = fact(at=ago(30))
    entry = Entry.objects.get(pk=past.deposit(5, fact=told).entry_id)
    assert entry.effective_at == entry.recorded_at
    capital(past, 5, source="in time", effective_at=ago(1))
    assert violations(past.id) == []


def test_a_hand_in_psql_dates_nothing_before_a_closed_day(past: Books, hand: Hand) -> None:
    close(past, day(2))
    refused = hand.refused(
        "INSERT INTO ledger_entry (id, marketplace_id, kind, source, fingerprint, effective_at,"
        " recorded_at, description, operation, chain_hash, actor, request_id, meta)"
        f" SELECT 'ent_late', marketplace_id, kind, 'late', fingerprint, '2001-01-01', now(),"
        f" '', '', '', '', '', '{{}}' FROM ledger_entry WHERE marketplace_id = '{past.id}' LIMIT 1",
        "INSERT INTO ledger_posting (marketplace_id, entry_id, account_id, asset, amount)"
        " SELECT marketplace_id, 'ent_late', account_id, asset, amount FROM ledger_posting"
        f" WHERE marketplace_id = '{past.id}' ORDER BY id LIMIT 2",
    )
    assert refused == "OH003"


def test_snapshots_carry_on_from_day_to_day(past: Books) -> None:
    close(past, day(1))
    rows = Snapshot.objects.filter(period__marketplace=past.id, account__kind="xlm")
    found = rows.order_by("period__day").values_list("opening", "debit", "credit", "closing")
    assert list(found) == [(0, 5, 0, 5), (5, 7, 0, 12), (12, 0, 0, 12), (12, 11, 0, 23)]


def test_the_trial_balance_is_the_same_with_and_without_closed_days(past: Books) -> None:
    past.deposit(100)
    past.reserve("ord_1", 40)
    instants = [
        *(datetime.combine(day(d), datetime.min.time(), UTC) for d in (5, 4, 3, 2, 1, 0)),
        *(ago(d) for d in (4, 3, 2, 1)),
        clock.now() + timedelta(hours=1),
    ]
    before = [trial_balance(past.id, at) for at in instants]
    close(past, day(1))
    after = [trial_balance(past.id, at) for at in instants]
    for earlier, later in zip(before, after, strict=True):
        assert [line for line in later if line.amount] == [line for line in earlier if line.amount]
    assert before[-1] == trial_balance(past.id)


def test_a_posting_that_is_under_way_is_in_the_day_or_refused(past: Books) -> None:
    posted, done = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                capital(past, 100, source="slow", effective_at=ago(3))
                posted.set()
                done.wait(timeout=30)
        except DatabaseError:
            pass  # the guard refused it when it committed
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert posted.wait(timeout=10)
    closing.close_days(marketplace_id=past.id, through=day(2), actor=ACTOR)
    closing.PATIENCE, patience = 0.1, closing.PATIENCE
    try:
        with pytest.raises(Later):
            closing.sign_days(past.id)
    finally:
        closing.PATIENCE = patience
    assert not Closing.objects.filter(period__marketplace=past.id).exists()
    done.set()
    writer.join()
    closing.sign_days(past.id)
    in_books = Entry.objects.filter(marketplace=past.id, source="slow").exists()
    signed = Closing.objects.get(period__marketplace=past.id, period__day=day(3))
    row = json.loads(signed.document)["assets"]["XLM"]["xlm"]
    assert row["debit"] == (107 if in_books else 7)
    assert violations(past.id) == []


def test_two_workers_sign_a_day_once(past: Books) -> None:
    closing.close_days(marketplace_id=past.id, through=day(1), actor=ACTOR)

    def work() -> None:
        try:
            closing.sign_days(past.id)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Closing.objects.filter(period__marketplace=past.id).count() == 4
    assert past.id not in closing.unsigned()
    assert all(closing.is_sound(row) for row in Closing.objects.all())


def test_signed_totals_name_the_day_before_and_are_kept(past: Books, hand: Hand) -> None:
    close(past, day(1))
    rows = list(Closing.objects.filter(period__marketplace=past.id).order_by("period__day"))
    documents = [json.loads(row.document) for row in rows]
    assert [one["previous"] for one in documents] == ["", *(row.sha256 for row in rows[:-1])]
    for one in documents:
        for sides in one["totals"].values():
            assert sides["debits"] == sides["credits"]
            assert sides["debitBalances"] == sides["creditBalances"]
    changed = rows[0]
    changed.document = changed.document.replace('"debit":5', '"debit":6')
    assert not closing.is_sound(changed)
    where = f"WHERE period_id = {rows[0].pk}"
    assert hand.refused(f"UPDATE ledger_closing SET document = '' {where}") == "OH006"
    assert hand.refused(f"DELETE FROM ledger_closing {where}") == "OH006"
    assert hand.refused("TRUNCATE ledger_closing") == "OH006"
